//! Looking at what is to be paid. Moves nothing.

use std::sync::Arc;

use super::desk::Desk;
use super::keeper::AskError;
use super::paying::payable;
use super::protocol::{Answer, Call, Fault, Kind, Quote};
use super::receiving::astray;
use super::record::msats;
use crate::domain::money::MilliSats;
use crate::domain::payment::Network;
use crate::wallet::{Destination, DestinationKind, Prepared, Transfer, WalletError, bolt11};

/// The longest text that is looked at.
const MOST_CHARS: usize = 4_096;
/// The least that can be sent on the chain: less is refused by everybody as dust.
const DUST: MilliSats = MilliSats(546_000);

impl Desk {
    /// An invoice.
    pub async fn prepare(self: &Arc<Self>, text: &str) -> Result<Prepared, WalletError> {
        let invoice = bolt11::decode(text)?;
        let now = self.clock.now();
        let amount = self.records.read(|book| payable(book, &invoice, self.network, now))?;
        let (quote, available) = self.quote(invoice.bolt11.clone(), None, amount).await?;
        // Whole sats go out where the invoice asks for less.
        let total = msats(quote.sats.saturating_add(quote.fee));
        if quote.sats != amount.ceil_sats().0 {
            return Err(WalletError::Refused("it would send another amount than the invoice asks for".to_owned()));
        }
        let fee = MilliSats(total.0.saturating_sub(amount.0));
        let rounds = !amount.0.is_multiple_of(1_000);
        let warnings = rounds.then(|| "The wallet pays in whole sats: what the invoice lacks to one is part of the fee.".to_owned());
        enough(total, available)?;
        Ok(Prepared { invoice, amount, fee, warnings: warnings.into_iter().collect() })
    }

    /// What a text is that somebody wants to pay to.
    pub async fn inspect(&self, text: &str) -> Result<Destination, WalletError> {
        if text.len() > MOST_CHARS {
            return Err(WalletError::Refused(format!("{} characters are no address", text.len())));
        }
        // The library would ask whoever is named there.
        if text.contains("://") || text.contains('@') {
            return Err(WalletError::Refused("it is an address on the web".to_owned()));
        }
        let found = match self.ask(Call::Inspect { text: text.trim().to_owned() }, self.limits.local).await {
            Ok(Answer::Inspected(found)) => found,
            Ok(_) => return Err(astray()),
            Err(error) => return Err(error.into_error()),
        };
        let kind = match found.kind {
            Kind::Bolt11 => DestinationKind::Invoice,
            Kind::SparkAddress | Kind::SparkInvoice => DestinationKind::Spark,
            Kind::OnChain => DestinationKind::OnChain,
            Kind::Other(name) => return Err(WalletError::Refused(format!("it is {name}, which this wallet does not pay to"))),
        };
        if let Some(network) = found.network.filter(|network| *network != self.network) {
            return Err(other_network(network, self.network));
        }
        Ok(Destination { kind, to: found.to, amount: found.sats.map(msats), description: found.description })
    }

    /// A transfer to an address.
    pub async fn prepare_transfer(&self, to: &str, amount: MilliSats) -> Result<Transfer, WalletError> {
        let found = self.inspect(to).await?;
        if found.kind == DestinationKind::Invoice {
            return Err(WalletError::Refused("it is an invoice, which is paid as one".to_owned()));
        }
        let is_whole = amount.0 > 0 && amount.0.is_multiple_of(1_000);
        if !is_whole {
            return Err(WalletError::Refused("whole sats are sent, 1 at least".to_owned()));
        }
        if let Some(asked) = found.amount.filter(|asked| *asked != amount) {
            let (asked, named) = (asked.ceil_sats(), amount.ceil_sats());
            return Err(WalletError::Refused(format!("it asks for {} sats, not {}", asked.0, named.0)));
        }
        if found.kind == DestinationKind::OnChain && amount < DUST {
            return Err(WalletError::Amount { least: DUST.0, most: u64::MAX });
        }
        let (quote, available) = self.quote(found.to.clone(), Some(amount.0 / 1_000), amount).await?;
        let fee = msats(quote.fee);
        if msats(quote.sats) != amount {
            return Err(WalletError::Refused("it would send another amount than was asked for".to_owned()));
        }
        enough(MilliSats(amount.0.saturating_add(fee.0)), available)?;
        let chain = found.kind == DestinationKind::OnChain;
        let warnings = chain.then(|| "A transaction on the chain cannot be called back, and takes a while to confirm.".to_owned());
        Ok(Transfer { kind: found.kind, to: found.to, amount, fee, warnings: warnings.into_iter().collect() })
    }

    /// What it costs, and what there is.
    async fn quote(&self, to: String, sats: Option<u64>, amount: MilliSats) -> Result<(Quote, MilliSats), WalletError> {
        let (quoted, read) =
            tokio::join!(self.ask(Call::Prepare { to, sats }, self.limits.remote), self.ask(Call::Read, self.limits.local));
        let available = match read {
            Ok(Answer::Reading(reading)) => msats(reading.sats),
            Ok(_) => return Err(astray()),
            Err(error) => return Err(error.into_error()),
        };
        // Without the network the balance is not known, and nothing could be sent.
        if let Some(reason) = self.trouble() {
            return Err(WalletError::Unreachable(reason));
        }
        match quoted {
            Ok(Answer::Prepared(quote)) => Ok((quote, available)),
            Ok(_) => Err(astray()),
            Err(AskError::Fault(Fault::Insufficient)) => Err(WalletError::Insufficient { needed: amount.0, available: available.0 }),
            Err(error) => Err(error.into_error()),
        }
    }
}

fn enough(total: MilliSats, available: MilliSats) -> Result<(), WalletError> {
    if total <= available { Ok(()) } else { Err(WalletError::Insufficient { needed: total.0, available: available.0 }) }
}

fn other_network(found: Network, wanted: Network) -> WalletError {
    WalletError::Invoice(bolt11::InvoiceError::WrongNetwork { found, wanted })
}
