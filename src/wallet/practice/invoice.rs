//! Making invoices and looking at them.

use std::time::Duration;

use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
use nostr::hashes::{Hash as _, sha256};
use nostr::{Keys, SECP256K1};

use super::book::Book;
use super::fact::Preimage;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Invoice, Network};
use crate::domain::time::UnixMs;
use crate::wallet::{InvoiceRequest, WalletError, bolt11};

/// The largest amount of one invoice: all the play money anybody should need, and far from where sums overflow.
pub const MOST: MilliSats = MilliSats(100_000_000_000_000);

/// Signs a new invoice. The preimage is its secret.
pub fn make(keys: &Keys, request: InvoiceRequest, now: UnixMs) -> Result<(Invoice, Preimage), WalletError> {
    if request.amount.0 == 0 || request.amount > MOST {
        return Err(WalletError::Amount { least: 1, most: MOST.0 });
    }
    let preimage = Preimage(random()?);
    let invoice = InvoiceBuilder::new(Currency::Simnet)
        .amount_milli_satoshis(request.amount.0)
        .description(request.description)
        .payment_hash(sha256::Hash::from_byte_array(preimage.hash().0))
        .duration_since_epoch(Duration::from_secs(now.as_secs()))
        .expiry_time(Duration::from_secs(request.expiry_secs))
        .min_final_cltv_expiry_delta(18)
        .payment_secret(PaymentSecret(random()?))
        .build_signed(|message| SECP256K1.sign_ecdsa_recoverable(message, keys.secret_key()));
    // What is left to fail is the description, which may have 639 bytes.
    let invoice = invoice.map_err(|error| WalletError::Refused(format!("the invoice cannot be made: {error}")))?;
    Ok((bolt11::decode(&invoice.to_string())?, preimage))
}

fn random() -> Result<[u8; 32], WalletError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| WalletError::Refused(format!("there are no random numbers: {error}")))?;
    Ok(bytes)
}

/// Whether expired invoices are looked at as if they were not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    Heeded,
    Ignored,
}

/// Whether this wallet could pay this now, and how much that is.
pub fn payable(book: &Book, invoice: &Invoice, now: UnixMs, expiry: Expiry) -> Result<MilliSats, WalletError> {
    let now = match expiry {
        Expiry::Heeded => now,
        Expiry::Ignored => UnixMs(i64::MIN),
    };
    let amount = bolt11::payable(invoice, Network::Practice, now)?;
    if book.owner().is_some_and(|owner| owner.0 == invoice.payee) {
        return Err(WalletError::OwnInvoice);
    }
    if book.is_paid_or_pending(&invoice.hash) {
        return Err(WalletError::AlreadyPaid);
    }
    if amount > book.balance() {
        return Err(WalletError::Insufficient { needed: amount.0, available: book.balance().0 });
    }
    Ok(amount)
}
