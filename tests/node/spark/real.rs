//! The real library in the real helper.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
use nostr_sdk::hashes::{Hash as _, sha256};
use nostr_sdk::secp256k1::{Secp256k1, SecretKey};
use pylon_hud::domain::payment::Network;
use pylon_hud::wallet::spark::SparkWallet;
use pylon_hud::wallet::spark::protocol::{Answer, Call, Fault, Hidden, Kind, OpenFault, Opening, SparkNetwork};
use pylon_hud::wallet::{AddressKind, InvoiceRequest, Wallet as _, WalletError};

use super::line::{Helper, opening};
use super::{ADDRESS, WORDS, library, options, process};
use crate::common::soon;

/// An invoice of a stranger's.
pub fn invoice(currency: Currency, sats: u64) -> String {
    let key = SecretKey::from_slice(&[9; 32]).unwrap();
    InvoiceBuilder::new(currency)
        .description("a job".to_owned())
        .payment_hash(sha256::Hash::hash(b"a preimage"))
        .payment_secret(PaymentSecret([1; 32]))
        .current_timestamp()
        .min_final_cltv_expiry_delta(18)
        .expiry_time(Duration::from_secs(600))
        .amount_milli_satoshis(sats * 1_000)
        .build_signed(|message| Secp256k1::new().sign_ecdsa_recoverable(message, &key))
        .unwrap()
        .to_string()
}

#[test]
fn the_real_library_opens_the_wallet_without_a_network_and_knows_its_address() {
    let Some(library) = library() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut helper = Helper::start();
    let opened = helper.opens(opening(library, dir.path())).unwrap();
    assert_eq!((opened.version.as_str(), opened.contract), ("0.27.2", 29));
    assert!(opened.identity.starts_with("02698b27") && opened.identity.ends_with("6abc"), "{}", opened.identity);
    assert_eq!(helper.call(Call::SparkAddress), Ok(Answer::Text(ADDRESS.into())));
    // The same words are the same wallet the next time.
    helper.end();
    assert_eq!(Helper::start().opens(opening(library, dir.path())), Ok(opened));
}

#[test]
fn texts_to_pay_to_are_read_without_a_network() {
    let Some(library) = library() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut helper = Helper::open(library, dir.path());
    let mut inspect = |text: &str| match helper.call(Call::Inspect { text: text.to_owned() }) {
        Ok(Answer::Inspected(found)) => Ok((found.kind, found.network, found.sats)),
        Err(fault) => Err(fault),
        other => panic!("{other:?}"),
    };
    let regtest = invoice(Currency::Regtest, 1_234);
    assert_eq!(inspect(&regtest), Ok((Kind::Bolt11, Some(Network::Regtest), Some(1_234))));
    assert_eq!(inspect(&invoice(Currency::Bitcoin, 5)), Ok((Kind::Bolt11, Some(Network::Mainnet), Some(5))));
    assert_eq!(inspect(ADDRESS), Ok((Kind::SparkAddress, Some(Network::Regtest), None)));
    let chain = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
    assert_eq!(inspect(chain), Ok((Kind::OnChain, Some(Network::Regtest), None)));
    assert_eq!(inspect("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), Ok((Kind::OnChain, Some(Network::Mainnet), None)));
    assert_eq!(inspect(&format!("bitcoin:{chain}?amount=0.0001")), Ok((Kind::OnChain, Some(Network::Regtest), Some(10_000))));
    let both = format!("bitcoin:{chain}?lightning={regtest}");
    assert_eq!(inspect(&both).map(|(kind, ..)| kind), Ok(Kind::Bolt11), "the cheaper way");
    for nonsense in ["zzz", "lnbcrt1x", "bcrt1qxyz", "sparkrt1qq", ""] {
        assert!(matches!(inspect(nonsense), Err(Fault::Invalid(_))), "{nonsense}: {:?}", inspect(nonsense));
    }
}

#[test]
fn what_needs_a_network_says_so_and_what_does_not_is_not_believed() {
    let Some(library) = library() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut helper = Helper::open(library, dir.path());
    let is_away = |answer: Result<Answer, Fault>| assert!(matches!(answer, Err(Fault::Network(_))), "{answer:?}");
    is_away(helper.call(Call::Invoice { sats: 1_000, description: "a job".into(), expiry_secs: 600 }));
    is_away(helper.call(Call::OnChainAddress));
    is_away(helper.call(Call::Prepare { to: invoice(Currency::Regtest, 10), sats: None }));
    let empty = Call::Prepare { to: "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080".into(), sats: Some(1_000) };
    assert_eq!(helper.call(empty), Err(Fault::Insufficient));
    let key = "01234567-89ab-4def-8123-456789abcdef".to_owned();
    let send = Call::Send { to: invoice(Currency::Regtest, 10), sats: None, most_fee: 10, key: key.clone() };
    is_away(helper.call(send));
    assert_eq!(helper.call(Call::Payment { id: key }), Ok(Answer::Payment(None)), "nothing has begun");
    assert!(matches!(helper.call(Call::Register { name: "me".into() }), Err(Fault::Refused(_))), "no such server on regtest");
    // It has synced with nobody, and holds nothing; those who run the network were not there.
    assert_eq!(helper.call(Call::Sync), Ok(Answer::Done));
    assert!(matches!(helper.call(Call::Read), Ok(Answer::Reading(reading)) if reading.sats == 0));
    assert!(matches!(helper.call(Call::Probe), Ok(Answer::Probe(probe)) if matches!(probe.operators, Err(Fault::Network(_)))));
}

#[test]
fn words_keys_and_files_that_are_wrong_are_told_apart() {
    let Some(library) = library() else { return };
    let dir = tempfile::tempdir().unwrap();
    let with = |words: &str| Opening { words: Hidden::new(words), ..opening(library, dir.path()) };
    for words in ["foo bar", &["abandon"; 12].join(" "), &WORDS.replace("about", "abuot")] {
        let fault = Helper::start().opens(with(words)).unwrap_err();
        assert!(matches!(fault, OpenFault::Words(_)), "{words}: {fault}");
    }
    let mainnet = || Opening { network: SparkNetwork::Mainnet, ..opening(library, dir.path()) };
    let keys = [None, Some(Hidden::new("not a key"))];
    for api_key in keys {
        let fault = Helper::start().opens(Opening { api_key, ..mainnet() }).unwrap_err();
        assert!(matches!(&fault, OpenFault::ApiKey(why) if !why.contains("not a key")), "{fault}");
    }
    // The library is replaced by another file, or by half of itself.
    let other = dir.path().join("other.so");
    fs::write(&other, fs::read(library).unwrap().split_at(1_000_000).0).unwrap();
    let fault = Helper::start().opens(opening(&other, dir.path())).unwrap_err();
    assert!(matches!(&fault, OpenFault::WrongLibrary { path, .. } if *path == other), "{fault}");
    assert_eq!(Helper::start().opens(opening(&dir.path().join("missing.so"), dir.path())), Err(OpenFault::NoLibrary));
}

#[test]
fn a_helper_ends_with_its_input_and_does_not_answer_nonsense() {
    let mut helper = Helper::start();
    helper.say("{\"call\":{\"id\":1,");
    assert!(helper.heard().is_none(), "nonsense is not answered");
    helper.end();
    // Asked before there is a wallet.
    let mut helper = Helper::start();
    helper.say(r#"{"call":{"id":1,"call":"read"}}"#);
    assert!(helper.heard().is_none());
    helper.end();
    Helper::start().end();
    let Some(library) = library() else { return };
    let dir = tempfile::tempdir().unwrap();
    Helper::open(library, dir.path()).end();
}

#[test]
fn the_words_stand_in_no_argument_and_no_variable_of_the_helper() {
    let Some(library) = library() else { return };
    let dir = tempfile::tempdir().unwrap();
    let helper = Helper::open(library, dir.path());
    let pid = helper.child.id();
    for place in ["cmdline", "environ"] {
        // Closed to everybody but root, which is as good.
        let seen = fs::read(format!("/proc/{pid}/{place}")).unwrap_or_default();
        assert!(!seen.windows(7).any(|part| part == b"abandon"), "{place} tells the words");
    }
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    helper.end();
    // Nor on the disk.
    let mut places = vec![dir.path().to_owned()];
    while let Some(place) = places.pop() {
        for entry in fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                places.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                assert!(!bytes.windows(15).any(|part| part == b"abandon abandon"), "{} has the words", path.display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wallet_on_the_real_library_keeps_the_ports_promises_as_far_as_nobody_is_needed() {
    let Some(library) = library() else { return };
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("wallet");
    let wallet = soon("the wallet", SparkWallet::open(options(process(), library, &home))).await.unwrap();
    assert_eq!((wallet.kind(), wallet.network()), ("spark", Network::Regtest));
    for place in [home.join("sdk"), home] {
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o077, 0, "{} is open to others", place.display());
    }
    let unread = wallet.snapshot().await.unwrap_err();
    assert!(matches!(unread, WalletError::Unreachable(_)), "0 is not shown as true: {unread}");
    assert_eq!(wallet.address(AddressKind::Spark).await.unwrap(), ADDRESS);
    let request = InvoiceRequest { amount: pylon_hud::domain::money::MilliSats(1_000), description: "a job".into(), expiry_secs: 600 };
    assert!(matches!(wallet.invoice(request).await, Err(WalletError::Unreachable(_))));
    let prepared = wallet.prepare(invoice(Currency::Regtest, 10)).await.unwrap_err();
    assert!(matches!(prepared, WalletError::Unreachable(_)), "{prepared}");
    // Nor is it said that there is too little.
    let chain = wallet.prepare_transfer(ADDRESS.into(), pylon_hud::domain::money::MilliSats(1_000)).await.unwrap_err();
    assert!(matches!(chain, WalletError::Unreachable(_)), "{chain}");
    let other = wallet.prepare(invoice(Currency::Bitcoin, 10)).await.unwrap_err();
    assert!(matches!(other, WalletError::Invoice(_)), "{other}");
    let hash = pylon_hud::domain::ids::PaymentHash([7; 32]);
    assert_eq!(soon("the list", listed(&wallet, hash)).await, None);
    assert_eq!(wallet.payments(Default::default()).await.unwrap().payments, []);
    assert_eq!(wallet.deposits().await.unwrap(), []);
    let health = wallet.health().unwrap();
    assert_eq!((health.version.as_deref(), health.is_online, health.restarts), (Some("0.27.2"), false, 0));
    wallet.close().await;
    assert_eq!(wallet.snapshot().await, Err(WalletError::Closed));
}

/// The record of this payment, once the library's list was read.
async fn listed(wallet: &SparkWallet, hash: pylon_hud::domain::ids::PaymentHash) -> Option<pylon_hud::domain::payment::Payment> {
    loop {
        match wallet.payment(hash).await {
            Ok(found) => return found,
            Err(WalletError::Unreachable(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}
