//! Being paid: invoices and addresses, and noticing that an invoice was paid.

use std::sync::Arc;

use super::desk::Desk;
use super::journal::Fact;
use super::keeper::AskError;
use super::protocol::{Answer, Call, Fault};
use super::record::msats;
use crate::domain::ids::PaymentHash;
use crate::domain::money::MilliSats;
use crate::domain::payment::Invoice;
use crate::wallet::records::Decision;
use crate::wallet::{AddressKind, InvoiceRequest, WalletError, bolt11};

/// Bytes of a BOLT11 description.
const MAX_DESCRIPTION: usize = 639;
/// All the bitcoin there will ever be, in msats.
const MOST: u64 = 2_100_000_000_000_000_000;

impl AskError {
    /// As the port says it.
    pub fn into_error(self) -> WalletError {
        match self {
            Self::Fault(fault) => fault.into_error(),
            Self::Away(_) | Self::Lost | Self::Late(_) => WalletError::Unreachable(self.to_string()),
            Self::Closed => WalletError::Closed,
        }
    }
}

impl Fault {
    fn into_error(self) -> WalletError {
        match self {
            Self::Network(words) => WalletError::Unreachable(words),
            Self::Insufficient => WalletError::Insufficient { needed: 0, available: 0 },
            Self::Storage(words) => WalletError::Records(words),
            Self::Invalid(_)
            | Self::Fee { .. }
            | Self::NoDeposit
            | Self::SmallDeposit
            | Self::Claiming
            | Self::Refused(_)
            | Self::Garbled(_) => WalletError::Refused(self.to_string()),
        }
    }
}

impl Desk {
    /// Has an invoice made and checks that it is what was asked for.
    pub async fn make_invoice(self: &Arc<Self>, request: InvoiceRequest) -> Result<Invoice, WalletError> {
        if request.amount.0 == 0 || request.amount.0 > MOST {
            return Err(WalletError::Amount { least: 1_000, most: MOST });
        }
        if !request.amount.0.is_multiple_of(1_000) {
            return Err(WalletError::Refused("it makes invoices over whole sats only".to_owned()));
        }
        if request.description.len() > MAX_DESCRIPTION {
            let bytes = request.description.len();
            return Err(WalletError::Refused(format!("a description of {bytes} bytes does not fit; {MAX_DESCRIPTION} do")));
        }
        let call = Call::Invoice {
            sats: request.amount.0 / 1_000,
            description: request.description,
            expiry_secs: u32::try_from(request.expiry_secs).unwrap_or(u32::MAX),
        };
        let text = self.ask_for_text(call).await?;
        let wrong = |why: String| WalletError::Refused(format!("it made an invoice that cannot be used: {why}"));
        let invoice = bolt11::decode(&text).map_err(|error| wrong(error.to_string()))?;
        if invoice.amount != Some(request.amount) {
            return Err(wrong("its amount is not what was asked for".to_owned()));
        }
        if invoice.network != self.network {
            let (found, wanted) = (invoice.network.as_str(), self.network.as_str());
            return Err(wrong(format!("it is for {found}, and this wallet is on {wanted}")));
        }
        let fact = Fact::Made { hash: invoice.hash, expires_at: invoice.expires_at };
        self.transact(|_| Ok(Decision { fact: Some(fact), answer: () })).await?;
        Ok(invoice)
    }

    /// An address that stays good. One of the network's own asks nobody.
    pub async fn address(&self, kind: AddressKind) -> Result<String, WalletError> {
        match kind {
            AddressKind::Spark => self.ask_for_text(Call::SparkAddress).await,
            AddressKind::OnChain => self.ask_for_text(Call::OnChainAddress).await,
        }
    }

    pub async fn ask_for_text(&self, call: Call) -> Result<String, WalletError> {
        match self.ask(call, self.limits.remote).await {
            Ok(Answer::Text(text)) => Ok(text),
            Ok(_) => Err(astray()),
            Err(error) => Err(error.into_error()),
        }
    }

    /// The Lightning address that was registered.
    pub async fn name(&self) -> Result<Option<String>, WalletError> {
        match self.ask(Call::LightningAddress, self.limits.remote).await {
            Ok(Answer::Name(name)) => Ok(name),
            Ok(_) => Err(astray()),
            Err(error) => Err(error.into_error()),
        }
    }

    pub async fn register(&self, name: String) -> Result<String, WalletError> {
        match self.ask(Call::Register { name }, self.limits.remote).await {
            Ok(Answer::Name(Some(name))) => Ok(name),
            Ok(_) => Err(astray()),
            Err(error) => Err(error.into_error()),
        }
    }

    pub async fn release(&self) -> Result<(), WalletError> {
        match self.ask(Call::Release, self.limits.remote).await {
            Ok(Answer::Done) => Ok(()),
            Ok(_) => Err(astray()),
            Err(error) => Err(error.into_error()),
        }
    }

    /// Notes that this hash was paid. Returns whether it is an invoice of ours of which nobody has been told.
    pub async fn receive(self: &Arc<Self>, hash: PaymentHash) -> bool {
        if !self.records.read(|book| book.is_news(&hash)) {
            return false;
        }
        let at = self.clock.now();
        let noted = self.transact(move |book| {
            let is_news = book.is_news(&hash);
            Ok(Decision { fact: is_news.then_some(Fact::Received { hash, at }), answer: is_news })
        });
        noted.await.unwrap_or_else(|error| {
            // It was received all the same; at the next start it is told once more.
            tracing::warn!("A payment that was received could not be written down: {error}.");
            true
        })
    }

    /// A refusal in the port's words. That there is not enough is said with how much there is.
    pub async fn refusal(&self, fault: Fault, amount: MilliSats, fee: MilliSats) -> WalletError {
        match fault {
            Fault::Insufficient => {
                if let Some(reason) = self.trouble() {
                    return WalletError::Unreachable(reason);
                }
                let available = match self.ask(Call::Read, self.limits.local).await {
                    Ok(Answer::Reading(reading)) => msats(reading.sats).0,
                    _ => 0,
                };
                WalletError::Insufficient { needed: amount.0.saturating_add(fee.0), available }
            }
            fault => fault.into_error(),
        }
    }
}

/// An answer to another question: the helper is not what it should be.
pub fn astray() -> WalletError {
    WalletError::Refused("its answer is about something else".to_owned())
}
