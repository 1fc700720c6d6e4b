//! A wallet that a test holds in its hand: real invoices, and payments that happen when the test says so.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
use nostr_sdk::hashes::{Hash as _, sha256};
use nostr_sdk::secp256k1::{Secp256k1, SecretKey};
use pylon_hud::domain::ids::PaymentHash;
use pylon_hud::domain::money::MilliSats;
use pylon_hud::domain::payment::{Direction, Invoice, Network, Payment, PaymentState};
use pylon_hud::domain::time::UnixMs;
use pylon_hud::wallet::{
    IdempotencyKey, InvoiceRequest, PaymentsPage, PaymentsQuery, Prepared, Snapshot, SyncState, Wallet, WalletError, WalletEvent, bolt11,
};
use tokio::sync::{broadcast, watch};

/// What the wallet remembers; survives the node it is given to.
pub struct Purse {
    key: SecretKey,
    invoices: Mutex<HashMap<PaymentHash, (Invoice, Option<Payment>)>>,
    broken: Mutex<bool>,
    away: Mutex<Option<WalletError>>,
    hides_balance: AtomicBool,
    /// How often it was asked what it holds.
    looks: watch::Sender<usize>,
    events: broadcast::Sender<WalletEvent>,
}

impl Purse {
    pub fn new() -> Arc<Self> {
        let key = SecretKey::from_slice(&[7; 32]).unwrap();
        Arc::new(Self {
            key,
            invoices: Mutex::default(),
            broken: Mutex::new(false),
            away: Mutex::default(),
            hides_balance: AtomicBool::new(false),
            looks: watch::Sender::default(),
            events: broadcast::channel(64).0,
        })
    }

    /// From now on it makes no invoices, or does again.
    pub fn break_down(&self, broken: bool) {
        *self.broken.lock().unwrap() = broken;
    }

    /// From now on it answers nothing but this, or answers again. Its record of payments can be read all the same.
    pub fn go_away(&self, error: Option<WalletError>) {
        *self.away.lock().unwrap() = error;
    }

    /// Whoever asks may not know what it holds.
    pub fn hide_balance(&self) {
        self.hides_balance.store(true, Ordering::SeqCst);
    }

    /// Does not answer when it is asked next, and answers again after that.
    pub async fn hiccup(&self) {
        let mut looks = self.looks.subscribe();
        looks.mark_unchanged();
        self.go_away(Some(WalletError::Unreachable("hiccup".into())));
        looks.changed().await.unwrap();
        self.go_away(None);
    }

    /// Waits until it has been asked so often from now on.
    pub async fn is_asked(&self, times: usize) {
        let mut looks = self.looks.subscribe();
        let before = *looks.borrow();
        looks.wait_for(|now| *now >= before + times).await.unwrap();
    }

    fn answers(&self) -> Result<(), WalletError> {
        self.away.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    /// Settles an invoice in the wallet's own record, without a word.
    pub fn settle_silently(&self, bolt11: &str) -> Payment {
        let invoice = bolt11::decode(bolt11).unwrap();
        let mut invoices = self.invoices.lock().unwrap();
        let (_, payment) = invoices.get_mut(&invoice.hash).expect("an invoice of this purse");
        payment
            .get_or_insert_with(|| Payment {
                id: invoice.hash.to_string(),
                direction: Direction::In,
                state: PaymentState::Settled { at: invoice.created_at },
                amount: invoice.amount.unwrap(),
                fee: MilliSats(0),
                hash: Some(invoice.hash),
                preimage: None,
                // After every invoice made so far, as in life.
                created_at: invoice.created_at.plus_ms(1_000),
                description: String::new(),
            })
            .clone()
    }

    /// Settles an invoice and says so, this often.
    pub fn pay(&self, bolt11: &str, times: usize) {
        let payment = self.settle_silently(bolt11);
        for _ in 0..times {
            let _ = self.events.send(WalletEvent::Payment(Box::new(payment.clone())));
        }
    }

    fn make(&self, request: &InvoiceRequest) -> Invoice {
        let mut invoices = self.invoices.lock().unwrap();
        let preimage = sha256::Hash::hash(&u64::try_from(invoices.len()).unwrap().to_be_bytes());
        let hash = sha256::Hash::hash(preimage.as_byte_array());
        let text = InvoiceBuilder::new(Currency::Simnet)
            .description(request.description.clone())
            .payment_hash(lightning_invoice::Sha256(hash).0)
            .payment_secret(PaymentSecret([1; 32]))
            .current_timestamp()
            .min_final_cltv_expiry_delta(18)
            .expiry_time(Duration::from_secs(request.expiry_secs))
            .amount_milli_satoshis(request.amount.0)
            .build_signed(|message| Secp256k1::new().sign_ecdsa_recoverable(message, &self.key))
            .unwrap()
            .to_string();
        let invoice = bolt11::decode(&text).unwrap();
        invoices.insert(invoice.hash, (invoice.clone(), None));
        invoice
    }
}

impl Wallet for Purse {
    fn kind(&self) -> &'static str {
        "test"
    }

    fn network(&self) -> Network {
        Network::Practice
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, WalletError>> {
        let paid = self.invoices.lock().unwrap().values().filter_map(|(_, payment)| payment.as_ref()).map(|payment| payment.amount.0).sum();
        let snapshot = Snapshot {
            balance: MilliSats(paid),
            pending_in: MilliSats(0),
            pending_out: MilliSats(0),
            network: Network::Practice,
            source: "test".into(),
            as_of: UnixMs(0),
            sync: SyncState::Synced,
        };
        let hidden = self.hides_balance.load(Ordering::SeqCst);
        let answer = if hidden { Err(WalletError::NotAllowed("not for you".into())) } else { self.answers().map(|()| snapshot) };
        self.looks.send_modify(|looks| *looks += 1);
        async { answer }.boxed()
    }

    fn invoice(&self, request: InvoiceRequest) -> BoxFuture<'_, Result<Invoice, WalletError>> {
        let made = if *self.broken.lock().unwrap() {
            Err(WalletError::Unreachable("it is off".into()))
        } else {
            self.answers().map(|()| self.make(&request))
        };
        async { made }.boxed()
    }

    fn prepare(&self, _: String) -> BoxFuture<'_, Result<Prepared, WalletError>> {
        async { Err(WalletError::Unsupported("paying")) }.boxed()
    }

    fn send(&self, _: Prepared, _: IdempotencyKey) -> BoxFuture<'_, Result<Payment, WalletError>> {
        async { Err(WalletError::Unsupported("paying")) }.boxed()
    }

    fn payment(&self, hash: PaymentHash) -> BoxFuture<'_, Result<Option<Payment>, WalletError>> {
        let payment = self.invoices.lock().unwrap().get(&hash).and_then(|(_, payment)| payment.clone());
        async { Ok(payment) }.boxed()
    }

    fn payments(&self, _: PaymentsQuery) -> BoxFuture<'_, Result<PaymentsPage, WalletError>> {
        let mut payments: Vec<Payment> = self.invoices.lock().unwrap().values().filter_map(|(_, payment)| payment.clone()).collect();
        payments.sort_by_key(|payment| std::cmp::Reverse(payment.created_at));
        async { Ok(PaymentsPage { payments, next: None }) }.boxed()
    }

    fn events(&self) -> broadcast::Receiver<WalletEvent> {
        self.events.subscribe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}
