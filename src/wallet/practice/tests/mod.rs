#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod chaos;
mod kill;
mod money;
mod restart;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tempfile::TempDir;

use super::*;
use crate::domain::payment::{Invoice, Payment, PaymentState};
use crate::practice::PracticeRelay;
use crate::wallet::contract::{self, FUNDS, Pair, ask, fresh_key};
use crate::wallet::{InvoiceRequest, PaymentsQuery, Prepared, Wallet, WalletError, WalletEvent};

const PATIENCE: Duration = Duration::from_secs(60);

/// As a caller would have it, but in more of a hurry.
fn options(dir: &Path, relay: &PracticeRelay, balance: MilliSats) -> PracticeOptions {
    PracticeOptions { opening_balance: balance, retry: Duration::from_millis(30), ..PracticeOptions::new(dir, relay.url()) }
}

/// Opens a wallet whose last process may still be on its way out.
async fn open(options: &PracticeOptions) -> PracticeWallet {
    let opening = async {
        loop {
            match PracticeWallet::open(options.clone()).await {
                Err(OpenError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(2)).await,
                opened => return opened.unwrap(),
            }
        }
    };
    tokio::time::timeout(PATIENCE, opening).await.unwrap()
}

/// A relay and two wallets on it. The payer is rich.
struct Practice {
    relay: PracticeRelay,
    dirs: Arc<(TempDir, TempDir)>,
    payee: Arc<PracticeWallet>,
    payer: Arc<PracticeWallet>,
}

impl Practice {
    async fn open() -> Self {
        let relay = PracticeRelay::start().await.unwrap();
        Self::on(relay, Arc::new((tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()))).await
    }

    async fn on(relay: PracticeRelay, dirs: Arc<(TempDir, TempDir)>) -> Self {
        let payee = Arc::new(open(&options(dirs.0.path(), &relay, MilliSats(0))).await);
        let payer = Arc::new(open(&options(dirs.1.path(), &relay, FUNDS)).await);
        Self { relay, dirs, payee, payer }
    }

    /// A payment that stays pending after a moment: the payee answers nothing.
    async fn pending(&self, description: &str) -> (Invoice, Payment) {
        self.payee.behave(Behaviour { lose_reply: 1.0, ..Behaviour::default() });
        let invoice = ask(&*self.payee, MilliSats(5_000), description).await;
        let mut told = self.payee.events();
        let payment = {
            let sending = send(&self.payer, &invoice);
            tokio::pin!(sending);
            loop {
                tokio::select! {
                    sent = &mut sending => panic!("{sent:?}"),
                    event = told.recv() => if matches!(event.unwrap(), WalletEvent::Payment(_)) { break },
                }
            }
            self.payer.payment(invoice.hash).await.unwrap().unwrap()
        };
        assert!(payment.is_pending(), "{payment:?}");
        (invoice, payment)
    }
}

async fn send(payer: &PracticeWallet, invoice: &Invoice) -> Result<Payment, WalletError> {
    let prepared = payer.prepare(invoice.bolt11.clone()).await?;
    payer.send(prepared, fresh_key()).await
}

/// Balance, put aside, on its way in.
async fn money(wallet: &PracticeWallet) -> (u64, u64, u64) {
    let snapshot = wallet.snapshot().await.unwrap();
    (snapshot.balance.0, snapshot.pending_out.0, snapshot.pending_in.0)
}

/// Waits until nothing is pending.
async fn quiet(wallet: &PracticeWallet) {
    let mut events = wallet.events();
    let waiting = async {
        while wallet.snapshot().await.unwrap().pending_out.0 > 0 {
            events.recv().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

impl Pair for Practice {
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
            Self::on(self.relay, self.dirs).await
        }
        .boxed()
    }
}

async fn practice() -> Practice {
    Practice::open().await
}

async fn misbehaving() -> Practice {
    let practice = practice().await;
    let behaviour = Behaviour { seed: 7, duplicate: 0.5, lose_reply: 0.3, delay: Duration::from_millis(5), ..Behaviour::default() };
    practice.payee.behave(behaviour.clone());
    practice.payer.behave(behaviour);
    practice
}

contract::wallet_contract!(practice);

/// The port's rules hold when messages come twice and answers do not come.
mod in_bad_weather {
    use super::misbehaving;
    crate::wallet::contract::wallet_contract!(misbehaving);
}
