//! Addresses, transfers and deposits.

use super::world::{FEE, recorded};
use super::*;
use crate::domain::money::Sats;
use crate::domain::payment::Network;
use crate::wallet::contract::fresh_key;
use crate::wallet::spark::protocol::{Call, Deposit};
use crate::wallet::{AddressKind, Claimed, DepositId, DestinationKind, InvoiceRequest, WalletError};

/// What the real library knows as an address of this kind and network.
fn known(kind: &protocol::Kind, network: Network) -> String {
    let found = recorded().inspected.into_iter().find(|(_, found)| found.kind == *kind && found.network == Some(network));
    found.unwrap_or_else(|| panic!("no {kind:?} of {network:?} was recorded")).0
}

#[tokio::test]
async fn a_transfer_to_an_address_is_made_once_for_each_key_and_known_by_it() {
    let spark = wallets().await;
    let had = spark.sats();
    for kind in [protocol::Kind::SparkAddress, protocol::Kind::OnChain] {
        let to = known(&kind, Network::Regtest);
        let transfer = spark.payer.prepare_transfer(to.clone(), MilliSats(1_000_000)).await.unwrap_err();
        assert!(matches!(transfer, WalletError::Insufficient { .. }), "{transfer}");
        let transfer = spark.payer.prepare_transfer(to, MilliSats(600_000)).await;
        if kind == protocol::Kind::OnChain {
            // The first transfer has left too little.
            assert!(matches!(transfer, Err(WalletError::Insufficient { .. })), "{transfer:?}");
            continue;
        }
        let (transfer, key) = (transfer.unwrap(), fresh_key());
        assert_eq!((transfer.kind, transfer.fee), (DestinationKind::Spark, MilliSats(FEE * 1_000)));
        let payment = spark.payer.transfer(transfer.clone(), key).await.unwrap();
        assert!(payment.is_settled() && payment.amount == MilliSats(600_000), "{payment:?}");
        assert_eq!(spark.payer.transfer(transfer, key).await.unwrap(), payment, "the same intention");
        assert_eq!(spark.payer.payment(spark.payer.transfer_hash(key)).await.unwrap(), Some(payment));
        assert_eq!(spark.sats(), had - 600 - FEE);
    }
}

#[tokio::test]
async fn what_cannot_be_paid_to_is_refused_by_its_reason_and_nothing_is_sent() {
    let spark = wallets().await;
    let had = spark.sats();
    let refusal = async |to: &str, msats: u64| spark.payer.prepare_transfer(to.to_owned(), MilliSats(msats)).await.unwrap_err();
    let chain = known(&protocol::Kind::OnChain, Network::Regtest);
    assert!(matches!(refusal(&chain, 545_000).await, WalletError::Amount { least: 546_000, .. }), "dust");
    for msats in [0, 1_500] {
        let parts = refusal(&chain, msats).await.to_string();
        assert!(parts.contains("whole sats"), "{parts}");
    }
    let mainnet = refusal(&known(&protocol::Kind::OnChain, Network::Mainnet), 600_000).await.to_string();
    assert!(mainnet.contains("mainnet") && mainnet.contains("regtest"), "{mainnet}");
    for nonsense in ["zzz", "", &"x".repeat(5_000)] {
        assert!(matches!(refusal(nonsense, 1_000).await, WalletError::Refused(_)), "{nonsense:.10}");
    }
    let invoice = spark.ask("a job").await.bolt11;
    assert!(refusal(&invoice, 21_000).await.to_string().contains("invoice"));
    assert_eq!((spark.sats(), spark.world.count(PAYER, |call| matches!(call, Call::Send { .. }))), (had, 0));
}

#[tokio::test]
async fn addresses_are_told_and_one_on_the_chain_needs_the_network() {
    let spark = wallets().await;
    assert!(spark.payee.address(AddressKind::Spark).await.unwrap().starts_with("sparkrt1"));
    assert!(spark.payee.address(AddressKind::OnChain).await.unwrap().starts_with("bcrt1"));
    spark.world.account(PAYEE, |account| account.is_reached = false);
    assert!(spark.payee.address(AddressKind::Spark).await.is_ok());
    assert!(matches!(spark.payee.address(AddressKind::OnChain).await, Err(WalletError::Unreachable(_))));
    let parts = InvoiceRequest { amount: MilliSats(1_500), description: String::new(), expiry_secs: 60 };
    assert!(matches!(spark.payee.invoice(parts).await, Err(WalletError::Refused(why)) if why.contains("whole sats")));
}

#[tokio::test]
async fn a_deposit_is_claimed_for_no_more_than_was_agreed_to_or_sent_back() {
    let spark = wallets().await;
    let like = recorded().deposits.remove(0);
    let name = |txid: &str| DepositId { txid: txid.repeat(32), vout: 1 };
    for txid in ["aa", "bb"] {
        let deposit = Deposit { txid: txid.repeat(32), vout: 1, ..like.clone() };
        spark.world.account(PAYER, |account| account.deposits.push(deposit));
    }
    let found = spark.payer.deposits().await.unwrap();
    assert_eq!((found.len(), found[0].amount, found[0].is_mature), (2, MilliSats(5_000_000), true));
    let dear = spark.payer.claim(name("aa"), Sats(FEE - 1)).await.unwrap_err().to_string();
    assert!(dear.contains("3 sats") && dear.contains("2 are allowed"), "{dear}");
    let had = spark.sats();
    assert_eq!(spark.payer.claim(name("aa"), Sats(FEE)).await.unwrap(), Claimed::Settled { amount: MilliSats((5_000 - FEE) * 1_000) });
    assert_eq!(spark.sats(), had + 5_000 - FEE);
    let gone = spark.payer.claim(name("aa"), Sats(FEE)).await.unwrap_err().to_string();
    assert!(gone.contains("no such deposit"), "{gone}");
    let txid = spark.payer.refund_deposit(name("bb"), "bcrt1qback".into(), Sats(200)).await.unwrap();
    assert_eq!(txid.len(), 64);
    assert_eq!(spark.world.account(PAYER, |account| account.refunds.clone()), [(name("bb").to_string(), "bcrt1qback".to_owned(), 200)]);
}

#[tokio::test]
async fn a_lightning_address_is_registered_and_given_up() {
    let spark = wallets().await;
    assert_eq!(spark.payee.lightning_address().await.unwrap(), None);
    let address = spark.payee.register_lightning_address("me".into()).await.unwrap();
    assert_eq!(spark.payee.lightning_address().await.unwrap(), Some(address));
    spark.payee.release_lightning_address().await.unwrap();
    assert_eq!(spark.payee.lightning_address().await.unwrap(), None);
}
