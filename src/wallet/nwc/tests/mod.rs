#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod bank;
mod paying;
mod receiving;
mod service;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tempfile::TempDir;

use super::cipher::Cipher;
use super::*;
use crate::domain::payment::{Invoice, Payment};
use crate::practice::PracticeRelay;
use crate::wallet::contract::{self, FUNDS, Pair, ask, fresh_key};
use crate::wallet::{Wallet, WalletError, WalletEvent};
use bank::Bank;
use service::{Manner, Service, Traits};

const PATIENCE: Duration = Duration::from_secs(60);

/// As a caller would have it, but in more of a hurry.
fn options(service: &Service, dir: &Path) -> NwcOptions {
    NwcOptions {
        answer: Duration::from_secs(5),
        poll: Duration::from_millis(20),
        longest_poll: Duration::from_millis(200),
        reconnect: Duration::from_millis(50),
        ..NwcOptions::new(service.connection(), dir.join("nwc.jsonl"))
    }
}

/// A relay, a bank, two wallets there, and two of ours that use them.
struct Nwc {
    relay: PracticeRelay,
    dirs: Arc<(TempDir, TempDir)>,
    bank: Arc<Bank>,
    services: Arc<(Service, Service)>,
    hurry: Hurry,
    payee: Arc<NwcWallet>,
    payer: Arc<NwcWallet>,
}

/// How a test's payer differs from a usual one.
type Hurry = fn(NwcOptions) -> NwcOptions;

impl Nwc {
    async fn open(traits: Traits, hurry: Hurry) -> Self {
        let relay = PracticeRelay::start().await.unwrap();
        let bank = Arc::new(Bank::new([0, FUNDS.0]));
        let payee = Service::start(relay.url(), &bank, 0, traits).await;
        let payer = Service::start(relay.url(), &bank, 1, traits).await;
        let dirs = Arc::new((tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()));
        Self::on(relay, dirs, bank, Arc::new((payee, payer)), hurry).await
    }

    async fn on(
        relay: PracticeRelay,
        dirs: Arc<(TempDir, TempDir)>,
        bank: Arc<Bank>,
        services: Arc<(Service, Service)>,
        hurry: Hurry,
    ) -> Self {
        let payee = Arc::new(NwcWallet::open(options(&services.0, dirs.0.path())).await.unwrap());
        let payer = Arc::new(NwcWallet::open(hurry(options(&services.1, dirs.1.path()))).await.unwrap());
        Self { relay, dirs, bank, services, hurry, payee, payer }
    }

    /// The wallet at the other end of the payer's wire.
    fn their_payer(&self) -> &Service {
        &self.services.1
    }

    async fn ask(&self, description: &str) -> Invoice {
        ask(&*self.payee, crate::domain::money::MilliSats(21_000), description).await
    }
}

impl Pair for Nwc {
    fn payee(&self) -> Arc<dyn Wallet> {
        Arc::clone(&self.payee) as _
    }

    fn payer(&self) -> Arc<dyn Wallet> {
        Arc::clone(&self.payer) as _
    }

    fn restart(self) -> BoxFuture<'static, Self> {
        async move {
            self.payee.close().await;
            self.payer.close().await;
            Self::on(self.relay, self.dirs, self.bank, self.services, self.hurry).await
        }
        .boxed()
    }
}

/// Waits until an event tells of this payment's end.
async fn told(events: &mut tokio::sync::broadcast::Receiver<WalletEvent>, invoice: &Invoice) -> Payment {
    let telling = async {
        loop {
            if let WalletEvent::Payment(payment) = events.recv().await.unwrap()
                && payment.hash == Some(invoice.hash)
                && !payment.is_pending()
            {
                return *payment;
            }
        }
    };
    tokio::time::timeout(PATIENCE, telling).await.unwrap()
}

async fn wallets() -> Nwc {
    Nwc::open(Traits::default(), |options| options).await
}

/// As wallets were before NIP-44 and notifications.
async fn old_wallets() -> Nwc {
    Nwc::open(Traits { ciphers: &[Cipher::Nip04], notifies: false, ..Traits::default() }, |options| options).await
}

contract::wallet_contract!(wallets);

/// The port's rules hold with a wallet that knows only the old cipher and tells nothing by itself.
mod of_old {
    use super::old_wallets;
    crate::wallet::contract::wallet_contract!(old_wallets);
}
