//! The library's words in ours. Each of its types becomes one of `protocol` here and nowhere else.

use crate::domain::payment::{Direction, Network};
use crate::wallet::bolt11;
use crate::wallet::spark::ffi::CallError;
use crate::wallet::spark::ffi::bindings as lib;
use crate::wallet::spark::protocol::{Claim, Deposit, Entry, EntryState, Fault, Inspected, Kind, OpenFault, Quote, Service, SparkNetwork};

/// What the library says when its storage holds no such row.
const NO_ROW: &str = "Query returned no rows";
/// What it says when it has fewer sats than are needed.
const TOO_LITTLE: &str = "insufficient funds";
/// Words of errors that mean that nobody could be reached.
const NOBODY: &[&str] = &[
    "transport error",
    "connection error",
    "error sending request",
    "tcp connect error",
    "dns error",
    "connectivity",
    "timed out",
    "deadline",
];

/// An error of a call.
pub fn fault(error: CallError<lib::SdkError>) -> Fault {
    match error {
        CallError::Sdk(error) => sdk_fault(error),
        CallError::Internal(words) => Fault::Garbled(words),
        CallError::Decode(error) => Fault::Garbled(error.to_string()),
    }
}

/// An error of a call that has none of its own.
pub fn mishap<E>(error: CallError<E>) -> Fault {
    Fault::Garbled(error.to_string())
}

fn sdk_fault(error: lib::SdkError) -> Fault {
    use lib::SdkError as Sdk;
    match error {
        Sdk::SparkError(words) | Sdk::Generic(words) | Sdk::LnurlError(words) | Sdk::Signer(words) => by_words(words),
        Sdk::NetworkError(words) | Sdk::ChainServiceError(words) => Fault::Network(plain(&words)),
        Sdk::InsufficientFunds { .. } | Sdk::InsufficientCpfpFunds { .. } => Fault::Insufficient,
        Sdk::InvalidInput(words) | Sdk::InvalidUuid(words) => Fault::Invalid(words),
        Sdk::StorageError(words) => Fault::Storage(words),
        Sdk::MaxDepositClaimFeeExceeded { max_fee_sats, required_fee_sats, .. } => {
            Fault::Fee { needed: required_fee_sats, allowed: max_fee_sats.unwrap_or_default() }
        }
        Sdk::RefundReplacementFeeTooLow { required_fee_sats, pending_fee_sats, .. } => Fault::Refused(format!(
            "a refund that pays {pending_fee_sats} sats is on its way already; another one has to pay {required_fee_sats} at least"
        )),
        Sdk::MissingUtxo { .. } => Fault::NoDeposit,
        Sdk::DepositTooSmall { .. } => Fault::SmallDeposit,
        Sdk::DepositClaimInProgress { .. } => Fault::Claiming,
        other => Fault::Refused(format!("{other:?}")),
    }
}

fn by_words(words: String) -> Fault {
    let low = words.to_lowercase();
    if low.contains(TOO_LITTLE) {
        Fault::Insufficient
    } else if NOBODY.iter().any(|sign| low.contains(sign)) {
        Fault::Network(plain(&words))
    } else {
        Fault::Refused(words)
    }
}

/// What a chain of errors comes down to, without the way it came: addresses and other insides are no use to whoever reads it.
fn plain(words: &str) -> String {
    let quoted = words.split_once("message: \"").and_then(|(_, rest)| rest.split_once('"'));
    if let Some((message, _)) = quoted.filter(|(message, _)| !message.is_empty()) {
        return message.to_owned();
    }
    let words = words.trim_end_matches(" (code: None)");
    let mut causes: Vec<&str> = words.split(": ").flat_map(|part| part.split(" : ")).map(str::trim).collect();
    let last = causes.split_off(causes.len().saturating_sub(2));
    crate::nip90::text::line(&last.join(": "), 200)
}

/// Whether this says that there is no such payment.
pub fn is_no_payment(fault: &Fault) -> bool {
    matches!(fault, Fault::Storage(words) if words.contains(NO_ROW))
}

/// Why the wallet does not open.
pub fn open_fault(error: CallError<lib::SdkError>) -> OpenFault {
    let words = match error {
        CallError::Sdk(
            lib::SdkError::Generic(words)
            | lib::SdkError::InvalidInput(words)
            | lib::SdkError::Signer(words)
            | lib::SdkError::StorageError(words),
        ) => words,
        CallError::Sdk(error) => format!("{error:?}"),
        error => error.to_string(),
    };
    let low = words.to_lowercase();
    match () {
        () if low.contains("mnemonic") => OpenFault::Words(words),
        () if low.contains("api key") => OpenFault::ApiKey(words),
        () => OpenFault::Other(words),
    }
}

pub const fn network(network: SparkNetwork) -> lib::Network {
    match network {
        SparkNetwork::Regtest => lib::Network::Regtest,
        SparkNetwork::Mainnet => lib::Network::Mainnet,
    }
}

const fn chain(network: &lib::BitcoinNetwork) -> Network {
    match network {
        lib::BitcoinNetwork::Bitcoin => Network::Mainnet,
        lib::BitcoinNetwork::Regtest => Network::Regtest,
        lib::BitcoinNetwork::Testnet3 | lib::BitcoinNetwork::Testnet4 | lib::BitcoinNetwork::Signet => Network::Testnet,
    }
}

/// Sats that travel as a text, since tokens may have more.
pub fn sats(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| Fault::Garbled(format!("{text:?} is no amount of sats")))
}

/// The library's record of a payment.
pub fn entry(payment: lib::Payment) -> Result<Entry, Fault> {
    let (hash, preimage, description) = payment.details.map(details).unwrap_or_default();
    Ok(Entry {
        id: payment.id,
        direction: match payment.payment_type {
            lib::PaymentType::Send => Direction::Out,
            lib::PaymentType::Receive => Direction::In,
        },
        state: match payment.status {
            lib::PaymentStatus::Completed => EntryState::Completed,
            lib::PaymentStatus::Pending => EntryState::Pending,
            lib::PaymentStatus::Failed => EntryState::Failed,
        },
        sats: sats(&payment.amount)?,
        fee: sats(&payment.fees)?,
        at_secs: payment.timestamp,
        hash,
        preimage,
        description,
    })
}

/// Hash, preimage and description.
fn details(details: lib::PaymentDetails) -> (Option<String>, Option<String>, String) {
    match details {
        lib::PaymentDetails::Lightning { description, htlc_details, lnurl_pay_info, .. } => {
            let comment = lnurl_pay_info.and_then(|info| info.ln_address);
            let words = description.filter(|words| !words.is_empty()).or(comment).unwrap_or_default();
            (Some(htlc_details.payment_hash), (*htlc_details.preimage).clone(), words)
        }
        lib::PaymentDetails::Spark { invoice_details, htlc_details, .. } => {
            let (hash, preimage) = htlc_details.map(|htlc| (htlc.payment_hash.clone(), (*htlc.preimage).clone())).unzip();
            let words = invoice_details.as_ref().and_then(|invoice| invoice.description.clone());
            // An invoice that was paid past the Lightning network is known by its own hash.
            let paid = invoice_details.and_then(|invoice| bolt11::decode(&invoice.invoice).ok());
            (hash.or(paid.map(|invoice| invoice.hash.to_string())), preimage.flatten(), words.unwrap_or_else(|| "over Spark".to_owned()))
        }
        lib::PaymentDetails::Token { .. } => (None, None, "a token".to_owned()),
        lib::PaymentDetails::Withdraw { tx_id } => (None, None, format!("on the chain, in {tx_id}")),
        lib::PaymentDetails::Deposit { tx_id, vout } => (None, None, format!("a deposit, {tx_id}:{vout}")),
    }
}

/// What a text is that somebody wants to pay to.
pub fn inspected(input: lib::InputType) -> Result<Inspected, Fault> {
    let other = |name: &str| Inspected {
        kind: Kind::Other(name.to_owned()),
        to: String::new(),
        sats: None,
        network: None,
        description: String::new(),
    };
    Ok(match input {
        lib::InputType::BitcoinAddress(found) => Inspected {
            kind: Kind::OnChain,
            to: found.address,
            sats: None,
            network: Some(chain(&found.network)),
            description: String::new(),
        },
        lib::InputType::Bolt11Invoice(found) => Inspected {
            kind: Kind::Bolt11,
            to: found.invoice.bolt11,
            sats: found.amount_msat.map(|msats| msats.div_ceil(1_000)),
            network: Some(chain(&found.network)),
            description: found.description.unwrap_or_default(),
        },
        lib::InputType::SparkAddress(found) => Inspected {
            kind: Kind::SparkAddress,
            to: found.address,
            sats: None,
            network: Some(chain(&found.network)),
            description: String::new(),
        },
        lib::InputType::SparkInvoice(found) if found.token_identifier.is_none() => Inspected {
            kind: Kind::SparkInvoice,
            to: found.invoice,
            sats: found.amount.as_deref().map(sats).transpose()?,
            network: Some(chain(&found.network)),
            description: found.description.unwrap_or_default(),
        },
        lib::InputType::Bip21(found) => of_uri(found)?.unwrap_or_else(|| other("a bitcoin URI without an address")),
        lib::InputType::SparkInvoice(_) => other("a Spark invoice over a token"),
        lib::InputType::Bolt12Invoice(_) | lib::InputType::Bolt12Offer(_) | lib::InputType::Bolt12InvoiceRequest(_) => other("BOLT12"),
        lib::InputType::LightningAddress(_) => other("a Lightning address"),
        lib::InputType::LnurlPay(_) => other("an LNURL to pay to"),
        lib::InputType::LnurlAuth(_) => other("an LNURL to log in with"),
        lib::InputType::LnurlWithdraw(_) => other("an LNURL to be paid by"),
        lib::InputType::SilentPaymentAddress(_) => other("a silent payment address"),
        lib::InputType::Url(_) => other("an address on the web"),
        lib::InputType::CrossChainAddress(_) => other("an address of another chain"),
    })
}

/// The best of what a `bitcoin:` URI offers: it is cheaper the further it is from the chain.
fn of_uri(uri: lib::Bip21Details) -> Result<Option<Inspected>, Fault> {
    let (sats, words) = (uri.amount_sat, uri.message.or(uri.label));
    let mut found = uri.payment_methods.into_iter().map(inspected).collect::<Result<Vec<_>, _>>()?;
    found.retain(|one| !matches!(one.kind, Kind::Other(_)));
    found.sort_by_key(|one| match one.kind {
        Kind::SparkAddress | Kind::SparkInvoice => 0,
        Kind::Bolt11 => 1,
        Kind::OnChain | Kind::Other(_) => 2,
    });
    Ok(found.into_iter().next().map(|one| Inspected {
        sats: one.sats.or(sats),
        description: if one.description.is_empty() { words.unwrap_or_default() } else { one.description },
        ..one
    }))
}

/// What it costs to send what was prepared.
pub fn quote(prepared: &lib::PrepareSendPaymentResponse) -> Result<Quote, Fault> {
    if prepared.token_identifier.is_some() {
        return Err(Fault::Refused("it asks for a token, and this wallet pays in bitcoin".to_owned()));
    }
    let fee = match &prepared.payment_method {
        lib::SendPaymentMethod::BitcoinAddress { fee_quote, .. } => {
            fee_quote.speed_medium.user_fee_sat.saturating_add(fee_quote.speed_medium.l1_broadcast_fee_sat)
        }
        lib::SendPaymentMethod::Bolt11Invoice { lightning_fee_sats, .. } => *lightning_fee_sats,
        lib::SendPaymentMethod::SparkAddress { fee, .. } | lib::SendPaymentMethod::SparkInvoice { fee, .. } => sats(fee)?,
        lib::SendPaymentMethod::CrossChainAddress { .. } => {
            return Err(Fault::Refused("it is an address of another chain, and this wallet pays in bitcoin".to_owned()));
        }
    };
    Ok(Quote { sats: sats(&prepared.amount)?, fee })
}

pub fn deposit(deposit: lib::DepositInfo) -> Deposit {
    use lib::DepositClaimError as Problem;
    let problem = deposit.claim_error.map(|error| match error {
        Problem::MaxDepositClaimFeeExceeded { max_fee_sats, required_fee_sats, .. } => {
            Fault::Fee { needed: required_fee_sats, allowed: max_fee_sats.unwrap_or_default() }
        }
        Problem::MissingUtxo { .. } => Fault::NoDeposit,
        Problem::DepositTooSmall { .. } => Fault::SmallDeposit,
        Problem::Generic { message } => by_words(message),
    });
    Deposit {
        txid: deposit.txid,
        vout: deposit.vout,
        sats: deposit.amount_sats,
        is_mature: deposit.is_mature,
        problem,
        refund: deposit.refund_tx_id,
    }
}

pub fn claim(outcome: lib::ClaimDepositOutcome) -> Result<Claim, Fault> {
    use lib::ClaimDeferredReason as Reason;
    Ok(match outcome {
        lib::ClaimDepositOutcome::Settled { payment } => Claim::Settled(Box::new(entry(payment)?)),
        lib::ClaimDepositOutcome::Submitted => Claim::Submitted,
        lib::ClaimDepositOutcome::Deferred { reason } => match reason {
            Reason::MaxFeeExceeded { required_fee_sats, max_fee_sats } => {
                return Err(Fault::Fee { needed: required_fee_sats, allowed: max_fee_sats });
            }
            Reason::NoEarlyClaimAvailable => Claim::Deferred("it needs more confirmations".to_owned()),
            Reason::ProviderDeclined { message } => Claim::Deferred(message),
        },
    })
}

pub const fn service(status: &lib::ServiceStatus) -> Service {
    match status {
        lib::ServiceStatus::Operational => Service::Operational,
        lib::ServiceStatus::Degraded => Service::Degraded,
        lib::ServiceStatus::Partial => Service::Partial,
        lib::ServiceStatus::Unknown => Service::Unknown,
        lib::ServiceStatus::Major => Service::Major,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_network_come_down_to_their_cause() {
        for (words, cause) in [
            (
                "Service error: service connection error: Transport error: Connection error: status: Unavailable, message: \"tcp connect error\", details: [], metadata: MetadataMap { headers: {} }",
                "tcp connect error",
            ),
            (
                "Request error: error sending request for url (https://status.example/api) : client error (Connect) : dns error : failed to lookup address information: Name or service not known",
                "failed to lookup address information: Name or service not known",
            ),
            (
                "network error: Request error: error sending request for url (http://127.0.0.1:9/x) : client error (Connect) : tcp connect error : Connection refused (os error 111) (code: None)",
                "tcp connect error: Connection refused (os error 111)",
            ),
            ("deadline", "deadline"),
        ] {
            assert_eq!(by_words(words.to_owned()), Fault::Network(cause.to_owned()));
        }
        assert_eq!(by_words("Tree service error: insufficient funds".to_owned()), Fault::Insufficient);
        assert_eq!(by_words("LNURL server is not configured".to_owned()), Fault::Refused("LNURL server is not configured".to_owned()));
    }
}
