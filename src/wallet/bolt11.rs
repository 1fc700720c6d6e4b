//! Reading invoices. Every reason not to pay one has a name.

use lightning_invoice::{Bolt11Invoice, Currency};

use crate::domain::ids::PaymentHash;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Invoice, Network};
use crate::domain::time::UnixMs;

/// The longest text that is looked at. Real ones have some hundred characters.
const MOST_CHARS: usize = 8_192;

/// Why an invoice is not payable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceError {
    #[error("it is no BOLT11 invoice ({0})")]
    Malformed(String),
    #[error("it is for {found}, and this wallet pays on {wanted}", found = .found.as_str(), wanted = .wanted.as_str())]
    WrongNetwork { found: Network, wanted: Network },
    #[error("it names no amount, so anything could be asked for")]
    NoAmount,
    #[error("it expired at {0} s")]
    Expired(u64),
    #[error("its amount is 0")]
    ZeroAmount,
}

/// Decodes an invoice and checks its signature. Says nothing about whether it should be paid.
pub fn decode(text: &str) -> Result<Invoice, InvoiceError> {
    let text = text.trim();
    if text.len() > MOST_CHARS {
        return Err(InvoiceError::Malformed(format!("{} characters are too many", text.len())));
    }
    let text = text.strip_prefix("lightning:").or_else(|| text.strip_prefix("LIGHTNING:")).unwrap_or(text);
    let invoice: Bolt11Invoice = text.parse().map_err(|error| InvoiceError::Malformed(format!("{error}")))?;
    let network = match invoice.currency() {
        Currency::Bitcoin => Network::Mainnet,
        Currency::BitcoinTestnet | Currency::Signet => Network::Testnet,
        Currency::Regtest => Network::Regtest,
        Currency::Simnet => Network::Practice,
    };
    let millis = |time: std::time::Duration| UnixMs(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    let created_at = millis(invoice.duration_since_epoch());
    let (payee, _parity) = invoice.get_payee_pub_key().x_only_public_key();
    Ok(Invoice {
        bolt11: invoice.to_string(),
        hash: PaymentHash(*AsRef::<[u8; 32]>::as_ref(invoice.payment_hash())),
        amount: invoice.amount_milli_satoshis().map(MilliSats),
        network,
        created_at,
        expires_at: created_at.plus_ms(u64::try_from(invoice.expiry_time().as_millis()).unwrap_or(u64::MAX)),
        payee: payee.serialize(),
        description: invoice.description().to_string(),
    })
}

/// The amount of an invoice that could be paid on this network now.
pub fn payable(invoice: &Invoice, network: Network, now: UnixMs) -> Result<MilliSats, InvoiceError> {
    if invoice.network != network {
        return Err(InvoiceError::WrongNetwork { found: invoice.network, wanted: network });
    }
    let amount = invoice.amount.ok_or(InvoiceError::NoAmount)?;
    if amount.0 == 0 {
        return Err(InvoiceError::ZeroAmount);
    }
    if invoice.expires_at <= now {
        return Err(InvoiceError::Expired(invoice.expires_at.as_secs()));
    }
    Ok(amount)
}
