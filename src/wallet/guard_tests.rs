//! The guard over two practice wallets and a real ledger: within the limits, everything once, whatever happens between.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use super::*;
use crate::domain::limits::Limit;
use crate::domain::money::Sats;
use crate::domain::payment::Invoice;
use crate::practice::PracticeRelay;
use crate::store::{MoneySums, Reader, StoreOptions};
use crate::wallet::InvoiceRequest;
use crate::wallet::practice::{Behaviour, PracticeOptions, PracticeWallet};

const FUNDS: MilliSats = MilliSats(1_000_000);
const PRICE: MilliSats = MilliSats(5_000);
const LIMITS: Limits = Limits {
    per_payment: Sats(100),
    per_request: Sats(100),
    per_day: Sats(200),
    per_payee_day: Sats(200),
    fee_percent: 1,
    fee_floor: Sats(10),
};

struct Desk {
    dir: tempfile::TempDir,
    _relay: PracticeRelay,
    payer: Arc<PracticeWallet>,
    payee: PracticeWallet,
    store: Store,
    guard: Guard,
}

impl Desk {
    async fn new() -> Self {
        crate::net::init();
        let relay = PracticeRelay::start().await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let open =
            |name: &str, opening_balance| PracticeOptions { opening_balance, ..PracticeOptions::new(dir.path().join(name), relay.url()) };
        let payer = Arc::new(PracticeWallet::open(open("payer", FUNDS)).await.unwrap());
        let payee = PracticeWallet::open(open("payee", MilliSats(0))).await.unwrap();
        let store = Store::open(&dir.path().join("pylon.db"), StoreOptions::default()).unwrap();
        let guard = Guard::new(payer.clone(), store.clone(), LIMITS, Clock::default());
        Self { dir, _relay: relay, payer, payee, store, guard }
    }

    async fn invoice(&self, amount: MilliSats) -> Invoice {
        self.payee.invoice(InvoiceRequest { amount, description: "a job".into(), expiry_secs: 600 }).await.unwrap()
    }

    async fn pay(&self, invoice: &Invoice, amount: MilliSats) -> Result<Paid, PayError> {
        self.guard.pay(Order { purpose: Purpose::Manual, bolt11: invoice.bolt11.clone(), amount, payee: None }).await
    }

    fn sums(&self) -> MoneySums {
        Reader::open(&self.dir.path().join("pylon.db")).unwrap().money().unwrap()
    }

    /// What both wallets hold. The payer's is what the ledger says it should be.
    async fn balances(&self) -> (MilliSats, MilliSats) {
        let (payer, payee) = (self.payer.snapshot().await.unwrap(), self.payee.snapshot().await.unwrap());
        let sums = self.sums();
        assert_eq!(payer.balance.0 + sums.spent.0 + sums.fees.0 + sums.pending.0, FUNDS.0, "ledger and wallet disagree: {sums:?}");
        (payer.balance, payee.balance)
    }
}

#[tokio::test]
async fn what_is_paid_is_in_the_ledger_and_is_not_paid_again() {
    let desk = Desk::new().await;
    let invoice = desk.invoice(PRICE).await;
    assert!(desk.pay(&invoice, PRICE).await.unwrap().payment.is_settled());
    assert!(desk.pay(&invoice, PRICE).await.is_err());
    assert_eq!(desk.balances().await, (MilliSats(FUNDS.0 - PRICE.0), PRICE));
    assert_eq!(desk.sums(), MoneySums { spent: PRICE, ..MoneySums::default() });
}

#[tokio::test]
async fn what_the_wallet_called_failed_and_paid_after_all_is_found() {
    let desk = Desk::new().await;
    let invoice = desk.invoice(PRICE).await;
    let now = Clock::default().now();
    let (hash, bolt11) = (invoice.hash, invoice.bolt11);
    let purpose = Purpose::Manual;
    let spend = Spend {
        purpose,
        hash,
        bolt11: bolt11.clone(),
        payee: None,
        idempotency: [1; 16],
        amount: PRICE,
        fee: MilliSats(0),
        sent_back: None,
    };
    assert_eq!(desk.store.reserve(spend, LIMITS, now).await.unwrap(), Reserved::New);
    desk.store.fail_spend(hash, [1; 16], "timed out".into(), now).await.unwrap();
    assert_eq!(desk.guard.recheck(now).await.unwrap(), [], "nothing has arrived");
    let prepared = desk.payer.prepare(bolt11).await.unwrap();
    desk.payer.send(prepared, IdempotencyKey([1; 16])).await.unwrap();
    assert_eq!(desk.guard.recheck(now).await.unwrap().len(), 1);
    assert_eq!(desk.guard.recheck(now).await.unwrap(), [], "once");
    assert_eq!(desk.balances().await, (MilliSats(FUNDS.0 - PRICE.0), PRICE));
    assert_eq!(desk.sums(), MoneySums { spent: PRICE, ..MoneySums::default() });
}

#[tokio::test]
async fn another_amount_than_the_one_named_is_not_paid() {
    let desk = Desk::new().await;
    // The offer says 1 sat, the invoice 100,000: the hostile provider's trick.
    let invoice = desk.invoice(MilliSats(100_000_000)).await;
    let refused = desk.pay(&invoice, MilliSats(1_000)).await;
    assert!(matches!(refused, Err(PayError::OtherAmount { .. } | PayError::Wallet(WalletError::Insufficient { .. }))), "{refused:?}");
    let invoice = desk.invoice(PRICE).await;
    assert!(matches!(desk.pay(&invoice, MilliSats(1_000)).await, Err(PayError::OtherAmount { wanted: 1_000, found: 5_000 })));
    assert_eq!((desk.balances().await, desk.sums()), ((FUNDS, MilliSats(0)), MoneySums::default()));
}

#[tokio::test]
async fn past_a_limit_nothing_moves() {
    let desk = Desk::new().await;
    let dear = desk.invoice(MilliSats(101_000)).await;
    assert!(matches!(desk.pay(&dear, MilliSats(101_000)).await, Err(PayError::OverLimit(over)) if over.limit == Limit::PerPayment));
    for _ in 0..2 {
        let invoice = desk.invoice(MilliSats(100_000)).await;
        desk.pay(&invoice, MilliSats(100_000)).await.unwrap();
    }
    let one_more = desk.invoice(MilliSats(1_000)).await;
    assert!(matches!(desk.pay(&one_more, MilliSats(1_000)).await, Err(PayError::OverLimit(over)) if over.limit == Limit::PerDay));
    assert_eq!(desk.balances().await, (MilliSats(FUNDS.0 - 200_000), MilliSats(200_000)));
}

#[tokio::test]
async fn a_refusal_gives_the_money_back_and_another_try_may_follow() {
    let desk = Desk::new().await;
    desk.payee.behave(Behaviour { refuse: 1.0, ..Behaviour::default() });
    let invoice = desk.invoice(PRICE).await;
    assert!(!desk.pay(&invoice, PRICE).await.is_ok_and(|paid| paid.payment.is_settled()));
    assert_eq!(desk.balances().await, (FUNDS, MilliSats(0)));
    desk.payee.behave(Behaviour::default());
    assert!(desk.pay(&invoice, PRICE).await.unwrap().payment.is_settled());
    assert_eq!(desk.balances().await, (MilliSats(FUNDS.0 - PRICE.0), PRICE));
}

#[tokio::test]
async fn a_crash_after_the_reservation_and_before_the_sending_is_made_good_once() {
    let desk = Desk::new().await;
    let invoice = desk.invoice(PRICE).await;
    let spend = Spend {
        purpose: Purpose::Manual,
        hash: invoice.hash,
        bolt11: invoice.bolt11.clone(),
        payee: None,
        idempotency: [9; 16],
        amount: PRICE,
        fee: MilliSats(0),
        sent_back: None,
    };
    assert_eq!(desk.store.reserve(spend, LIMITS, Clock::default().now()).await.unwrap(), Reserved::New);
    assert_eq!(desk.sums().pending, PRICE);
    for _ in 0..3 {
        desk.guard.resume().await.unwrap();
    }
    assert_eq!(desk.balances().await, (MilliSats(FUNDS.0 - PRICE.0), PRICE));
    assert_eq!(desk.sums(), MoneySums { spent: PRICE, ..MoneySums::default() });
}

#[tokio::test]
async fn a_crash_after_the_sending_is_found_in_the_wallets_record() {
    let desk = Desk::new().await;
    let invoice = desk.invoice(PRICE).await;
    let prepared = desk.payer.prepare(invoice.bolt11.clone()).await.unwrap();
    let spend = Spend {
        purpose: Purpose::Manual,
        hash: invoice.hash,
        bolt11: invoice.bolt11.clone(),
        payee: None,
        idempotency: [9; 16],
        amount: PRICE,
        fee: prepared.fee,
        sent_back: None,
    };
    desk.store.reserve(spend, LIMITS, Clock::default().now()).await.unwrap();
    // The wallet has paid, and the ledger never heard.
    assert!(desk.payer.send(prepared, IdempotencyKey([9; 16])).await.unwrap().is_settled());
    desk.guard.resume().await.unwrap();
    assert_eq!(desk.sums(), MoneySums { spent: PRICE, ..MoneySums::default() });
    assert_eq!(desk.balances().await, (MilliSats(FUNDS.0 - PRICE.0), PRICE));
}

/// The check that holds ledger and wallet against each other can fail: here money leaves past the guard.
#[tokio::test]
#[should_panic(expected = "ledger and wallet disagree")]
async fn money_that_leaves_past_the_guard_is_noticed() {
    let desk = Desk::new().await;
    let invoice = desk.invoice(PRICE).await;
    let prepared = desk.payer.prepare(invoice.bolt11).await.unwrap();
    desk.payer.send(prepared, IdempotencyKey([1; 16])).await.unwrap();
    desk.balances().await;
}
