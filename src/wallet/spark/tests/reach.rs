//! What is shown while nobody can be reached.

use super::*;
use crate::wallet::{SyncState, WalletError};

#[tokio::test]
async fn an_empty_wallet_that_was_never_reached_is_not_shown_as_empty() {
    let world = World::new([0, 0]);
    world.account(PAYER, |account| account.is_reached = false);
    let dir = tempfile::tempdir().unwrap();
    let wallet = SparkWallet::open(options(Launcher::Task(world.stand(PAYER)), dir.path())).await.unwrap();
    // The library has "synced" and says 0.
    world.tell(PAYER, &protocol::News::Synced);
    let unread = wallet.snapshot().await.unwrap_err();
    assert!(matches!(&unread, WalletError::Unreachable(why) if why.contains("nobody is there")), "{unread}");
    assert!(!wallet.health().unwrap().is_online);
    world.account(PAYER, |account| (account.is_reached, account.sats) = (true, 7));
    until("the network", async || wallet.snapshot().await.is_ok_and(|snapshot| snapshot.sync == SyncState::Synced)).await;
    assert_eq!(wallet.snapshot().await.unwrap().balance, MilliSats(7_000));
}

#[tokio::test]
async fn an_old_balance_is_shown_as_old_also_after_a_restart() {
    let spark = wallets().await;
    let known = spark.payer.snapshot().await.unwrap();
    assert_eq!((known.balance, &known.sync), (FUNDS, &SyncState::Synced));
    // The network goes away, and the library forgets what it knew.
    spark.world.account(PAYER, |account| account.is_reached = false);
    until("the network to be missed", async || !spark.payer.health().unwrap().is_online).await;
    spark.world.account(PAYER, |account| account.sats = 0);
    let is_old = async |wallet: &SparkWallet| {
        let snapshot = wallet.snapshot().await.unwrap();
        matches!(snapshot.sync, SyncState::Unreachable { .. }) && snapshot.balance == FUNDS && snapshot.as_of <= known.as_of
    };
    assert!(is_old(&spark.payer).await);
    let spark = spark.restart().await;
    assert!(is_old(&spark.payer).await);
    let refused =
        spark.payer.invoice(crate::wallet::InvoiceRequest { amount: MilliSats(1_000), description: String::new(), expiry_secs: 60 });
    assert!(matches!(refused.await, Err(WalletError::Unreachable(_))));
}
