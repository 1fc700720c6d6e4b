//! What some wallets can do and others cannot: addresses, transfers to them, deposits. What goes out goes through the guard.

use super::cashier::{Cashier, failure};
use super::command::{NameChange, NodeCommand};
use super::directory::Payee;
use super::event::{Failure, NodeEvent, Quote, sentence};
use crate::domain::money::{MilliSats, Sats};
use crate::wallet::guard::TransferOrder;
use crate::wallet::lightning_address::AddressError;
use crate::wallet::pin::Warrant;
use crate::wallet::{DestinationKind, WalletError, bolt11};

/// The longest text that could be an address or an invoice.
const MOST_CHARS: usize = 8_192;

impl Cashier {
    /// Answers a command about what only some wallets can.
    pub(super) async fn serve_at_counter(&self, command: NodeCommand, warrant: Option<Warrant>) -> Result<NodeEvent, Failure> {
        let wallet = &self.wallet;
        let failed = |error: WalletError| failure(&error);
        match command {
            NodeCommand::Address { kind } => {
                let address = wallet.address(kind).await.map_err(failed)?;
                Ok(NodeEvent::Address { kind, address })
            }
            NodeCommand::Quote { to, sats } => Ok(NodeEvent::Quote { quote: Box::new(self.quote(&to, sats).await?) }),
            NodeCommand::Transfer { to, sats, most_fee } => {
                let order = TransferOrder { to, amount: msats(sats)?, most_fee: msats(most_fee)? };
                let paid = self.guard.transfer(order, warrant).await.map_err(|error| self.not_paid(&error))?;
                Ok(self.paid(paid).await)
            }
            NodeCommand::Deposits => Ok(NodeEvent::Deposits { deposits: wallet.deposits().await.map_err(failed)? }),
            NodeCommand::ClaimDeposit { deposit, most_fee } => {
                let claimed = self.guard.claim_deposit(deposit, most_fee, warrant).await.map_err(|error| self.not_paid(&error))?;
                self.doubt.notify_one();
                Ok(NodeEvent::DepositClaimed { claimed })
            }
            NodeCommand::RefundDeposit { deposit, to, fee } => {
                let txid = self.guard.refund_deposit(deposit, to, fee, warrant).await.map_err(|error| self.not_paid(&error))?;
                Ok(NodeEvent::DepositRefunded { txid })
            }
            NodeCommand::LightningAddress { change } => {
                let address = match change {
                    NameChange::Keep => wallet.lightning_address().await,
                    NameChange::Register { name } => wallet.register_lightning_address(name).await.map(Some),
                    NameChange::Release => wallet.release_lightning_address().await.map(|()| None),
                };
                Ok(NodeEvent::LightningAddress { address: address.map_err(failed)? })
            }
            NodeCommand::WalletHealth => Ok(NodeEvent::WalletHealth { health: wallet.health().map(Box::new) }),
            _ => Err(Failure::internal("This is no command about addresses and deposits.")),
        }
    }

    /// What it would cost to pay to this, whatever it is.
    async fn quote(&self, text: &str, sats: Option<Sats>) -> Result<Quote, Failure> {
        let text = text.trim();
        if text.is_empty() || text.len() > MOST_CHARS {
            return Err(Failure::usage("There is nothing that could be paid to.")
                .hint("Give an invoice, a Lightning address, an LNURL or an address."));
        }
        let text = text.strip_prefix("lightning:").or_else(|| text.strip_prefix("LIGHTNING:")).unwrap_or(text);
        if let Some(payee) = Payee::read(text) {
            let payee = payee.map_err(|error| unanswered(&error))?;
            let amount = msats(sats.ok_or_else(no_amount)?)?;
            let bolt11 = self.directory.ask(&payee, amount).await.map_err(|error| unanswered(&error))?;
            // What a stranger has sent: it has to ask for what was meant, and for nothing else.
            return self.quote_invoice(bolt11, Some(amount)).await;
        }
        match bolt11::decode(text) {
            Ok(invoice) => self.quote_invoice(invoice.bolt11, sats.map(msats).transpose()?).await,
            // It is meant to be one; what is wrong with it is the answer.
            Err(error) if is_like_an_invoice(text) => Err(failure(&WalletError::Invoice(error))),
            Err(_) => self.quote_address(text, sats).await,
        }
    }

    async fn quote_invoice(&self, bolt11: String, wanted: Option<MilliSats>) -> Result<Quote, Failure> {
        let prepared = self.wallet.prepare(bolt11).await.map_err(|error| failure(&error))?;
        if let Some(wanted) = wanted.filter(|wanted| *wanted != prepared.amount) {
            let (found, wanted) = (prepared.amount.0, wanted.0);
            return Err(Failure::user(format!("The invoice asks for {found} msats instead of {wanted}.")).hint("Nothing was paid."));
        }
        Ok(Quote {
            kind: DestinationKind::Invoice,
            to: prepared.invoice.bolt11,
            sats: prepared.amount.ceil_sats(),
            fee: prepared.fee.ceil_sats(),
            network: prepared.invoice.network,
            description: prepared.invoice.description,
            expires_at: Some(prepared.invoice.expires_at),
            warnings: prepared.warnings,
        })
    }

    async fn quote_address(&self, text: &str, sats: Option<Sats>) -> Result<Quote, Failure> {
        let found = self.wallet.inspect(text.to_owned()).await.map_err(unknown)?;
        if found.kind == DestinationKind::Invoice {
            return self.quote_invoice(found.to, sats.map(msats).transpose()?).await;
        }
        let amount = match (found.amount, sats) {
            (_, Some(sats)) => msats(sats)?,
            (Some(amount), None) => amount,
            (None, None) => return Err(no_amount()),
        };
        let transfer = self.wallet.prepare_transfer(text.to_owned(), amount).await.map_err(|error| failure(&error))?;
        Ok(Quote {
            kind: transfer.kind,
            to: transfer.to,
            sats: transfer.amount.ceil_sats(),
            fee: transfer.fee.ceil_sats(),
            network: self.wallet.network(),
            description: found.description,
            expires_at: None,
            warnings: transfer.warnings,
        })
    }
}

fn msats(sats: Sats) -> Result<MilliSats, Failure> {
    sats.to_msats().ok_or_else(|| Failure::usage("No such amount exists."))
}

fn no_amount() -> Failure {
    Failure::usage("This does not say how much it wants.").hint("Name the amount: add `--sats N`.")
}

/// Whether somebody who wrote this meant an invoice.
fn is_like_an_invoice(text: &str) -> bool {
    ["lnbc", "lntb", "lnsb"].iter().any(|start| text.get(..4).is_some_and(|beginning| beginning.eq_ignore_ascii_case(start)))
}

/// What the wallet library says of a text it can make nothing of.
const NOTHING: &str = "invalid input";

/// A text that cannot be paid to.
fn unknown(error: WalletError) -> Failure {
    let all = "Give an invoice, a Lightning address, an LNURL, a Spark address or a bitcoin address.";
    match error {
        WalletError::Refused(words) if words == NOTHING => {
            Failure::user("This cannot be paid to: it is no invoice and no address.").hint(all)
        }
        WalletError::Refused(words) => Failure::user(format!("This cannot be paid to: {words}.")).hint(all),
        WalletError::Unsupported(_) => Failure::user("This is no invoice, and this wallet pays to nothing else but a Lightning address."),
        error => failure(&error),
    }
}

fn unanswered(error: &AddressError) -> Failure {
    let failure = match error {
        AddressError::Silent { .. } => Failure::network(sentence(error)),
        _ => Failure::user(sentence(error)),
    };
    failure.hint("Nothing was paid.")
}
