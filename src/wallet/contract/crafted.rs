//! Invoices of nobody in particular, with whatever is wrong with them.

use std::time::Duration;

use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
use nostr::hashes::{Hash as _, sha256};
use nostr::{Keys, SECP256K1};

use crate::clock::Clock;
use crate::domain::money::MilliSats;
use crate::domain::payment::Network;

/// Properly signed by a stranger, made this many seconds ago and good for an hour.
pub fn invoice(network: Network, amount: Option<MilliSats>, age_secs: u64) -> String {
    let currency = match network {
        Network::Mainnet => Currency::Bitcoin,
        Network::Testnet => Currency::BitcoinTestnet,
        Network::Regtest => Currency::Regtest,
        Network::Practice => Currency::Simnet,
    };
    let keys = Keys::generate();
    let builder = InvoiceBuilder::new(currency)
        .description("a stranger's".to_owned())
        .payment_hash(sha256::Hash::hash(&keys.public_key().to_bytes()))
        .duration_since_epoch(Duration::from_secs(Clock::default().now().as_secs() - age_secs))
        .expiry_time(Duration::from_secs(3600))
        .min_final_cltv_expiry_delta(18)
        .payment_secret(PaymentSecret([5; 32]));
    let builder = match amount {
        Some(amount) => builder.amount_milli_satoshis(amount.0),
        None => builder,
    };
    builder.build_signed(|message| SECP256K1.sign_ecdsa_recoverable(message, keys.secret_key())).unwrap().to_string()
}
