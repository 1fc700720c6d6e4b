//! What is made to go wrong does, and in the way it says.

use std::sync::atomic::{AtomicI64, Ordering};

use nostr::Keys;

use super::message::{Message, Refusal};
use super::*;
use crate::domain::time::UnixMs;
use crate::relay::{LinkOptions, NostrRelays, RelayLink as _};
use crate::wallet::bolt11::InvoiceError;

fn failed(payment: &Payment) -> &str {
    match &payment.state {
        PaymentState::Failed { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refusal_gives_the_money_back_and_stands() {
    let practice = practice().await;
    let (payee, payer) = (&practice.payee, &practice.payer);
    payee.behave(Behaviour { refuse: 1.0, ..Behaviour::default() });
    let invoice = ask(&**payee, MilliSats(5_000), "unwilling").await;
    let (prepared, key) = (payer.prepare(invoice.bolt11.clone()).await.unwrap(), fresh_key());
    let payment = payer.send(prepared.clone(), key).await.unwrap();
    assert_eq!(failed(&payment), "the payee did not take it");
    assert_eq!(money(payer).await, (FUNDS.0, 0, 0));
    // The payee changes its mind. For this key it cannot; for another it can.
    payee.behave(Behaviour::default());
    assert_eq!(payer.send(prepared.clone(), key).await.unwrap(), payment);
    let second = payer.send(prepared, fresh_key()).await.unwrap();
    assert!(second.is_settled() && second.id != payment.id);
    assert_eq!(payer.payment(invoice.hash).await.unwrap(), Some(second));
    assert_eq!((money(payer).await.0, money(payee).await.0), (FUNDS.0 - 5_000, 5_000));
}

#[tokio::test]
async fn a_copy_of_a_refused_try_that_comes_later_is_refused_too() {
    let practice = practice().await;
    let payee = &practice.payee;
    payee.behave(Behaviour { refuse: 1.0, ..Behaviour::default() });
    let invoice = ask(&**payee, MilliSats(5_000), "a copy").await;
    let stranger = Stranger::connect(&practice.relay).await;
    let pay = Message::Pay { hash: invoice.hash, key: fact::Key([1; 16]), amount: MilliSats(5_000) };
    let refused = |reason| Message::Refused { hash: invoice.hash, key: fact::Key([1; 16]), reason };
    assert_eq!(stranger.ask(payee, &pay).await, refused(Refusal::Unwilling));
    payee.close().await;
    let payee = open(&options(practice.dirs.0.path(), &practice.relay, MilliSats(0))).await;
    assert_eq!(stranger.ask(&payee, &pay).await, refused(Refusal::Unwilling), "also by a new process in a better mood");
    assert_eq!(money(&payee).await, (0, 0, 0));
}

#[tokio::test]
async fn a_payee_takes_the_first_try_and_answers_it_for_ever() {
    let practice = practice().await;
    let payee = &practice.payee;
    let invoice = ask(&**payee, MilliSats(5_000), "a race").await;
    let (first, second) = (Stranger::connect(&practice.relay).await, Stranger::connect(&practice.relay).await);
    let pay = |amount, key| Message::Pay { hash: invoice.hash, key: fact::Key([key; 16]), amount: MilliSats(amount) };
    let refused = |key, reason| Message::Refused { hash: invoice.hash, key: fact::Key([key; 16]), reason };
    assert_eq!(first.ask(payee, &pay(4_000, 1)).await, refused(1, Refusal::Amount));
    let paid = first.ask(payee, &pay(5_000, 2)).await;
    assert!(matches!(paid, Message::Paid { preimage, .. } if preimage.hash() == invoice.hash));
    assert_eq!(first.ask(payee, &pay(5_000, 2)).await, paid);
    assert_eq!(first.ask(payee, &pay(5_000, 3)).await, refused(3, Refusal::Paid), "another intention of the same payer");
    assert_eq!(second.ask(payee, &pay(5_000, 2)).await, refused(2, Refusal::Paid), "the same key of another payer");
    let unknown = Message::Pay { hash: PaymentHash([9; 32]), key: fact::Key([4; 16]), amount: MilliSats(1) };
    let answer = Message::Refused { hash: PaymentHash([9; 32]), key: fact::Key([4; 16]), reason: Refusal::Unknown };
    assert_eq!(first.ask(payee, &unknown).await, answer);
    assert_eq!(money(payee).await, (5_000, 0, 0));
}

#[tokio::test]
async fn only_the_payee_ends_a_payment_and_only_the_preimage_settles_it() {
    let practice = practice().await;
    let (invoice, _) = practice.pending("forged").await;
    let payer = &practice.payer;
    let key = payer.post.records.read(|book| book.pending())[0];
    let stranger = Stranger::connect(&practice.relay).await;
    stranger.say(payer, &Message::Refused { hash: invoice.hash, key, reason: Refusal::Expired }).await;
    stranger.say(payer, &Message::Paid { hash: invoice.hash, key, preimage: fact::Preimage([1; 32]) }).await;
    // The payee itself, with a wrong proof and about another payment.
    let payee = Stranger { keys: practice.payee.post.keys.clone(), ..Stranger::connect(&practice.relay).await };
    payee.say(payer, &Message::Paid { hash: invoice.hash, key, preimage: fact::Preimage([1; 32]) }).await;
    payee.say(payer, &Message::Refused { hash: PaymentHash([1; 32]), key, reason: Refusal::Expired }).await;
    // A question is answered after all of these have been heard.
    let known = Message::Pay { hash: PaymentHash([9; 32]), key, amount: MilliSats(1) };
    assert!(matches!(stranger.ask(payer, &known).await, Message::Refused { reason: Refusal::Unknown, .. }));
    assert!(payer.payment(invoice.hash).await.unwrap().unwrap().is_pending());
    practice.payee.behave(Behaviour::default());
    quiet(payer).await;
    assert!(payer.payment(invoice.hash).await.unwrap().unwrap().is_settled());
}

/// Two wallets by one clock that tests move.
async fn by_the_clock() -> (Practice, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(1_700_000_000_000));
    let shown = Arc::clone(&time);
    let clock = Clock::new(move || UnixMs(shown.load(Ordering::SeqCst)));
    let relay = PracticeRelay::start().await.unwrap();
    let dirs = Arc::new((tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()));
    let wallet = async |dir: &TempDir, balance| {
        let options = PracticeOptions { clock: clock.clone(), ..options(dir.path(), &relay, balance) };
        Arc::new(open(&options).await)
    };
    let (payee, payer) = (wallet(&dirs.0, MilliSats(0)).await, wallet(&dirs.1, FUNDS).await);
    (Practice { relay, dirs, payee, payer }, time)
}

async fn short(payee: &PracticeWallet) -> Invoice {
    payee.invoice(InvoiceRequest { amount: MilliSats(5_000), description: "soon over".into(), expiry_secs: 60 }).await.unwrap()
}

#[tokio::test]
async fn an_expired_invoice_is_refused_on_either_side() {
    let (practice, time) = by_the_clock().await;
    let (payee, payer) = (&practice.payee, &practice.payer);
    let invoice = short(payee).await;
    let prepared = payer.prepare(invoice.bolt11.clone()).await.unwrap();
    time.fetch_add(60_000, Ordering::SeqCst);
    let expired = Err(WalletError::Invoice(InvoiceError::Expired(invoice.expires_at.as_secs())));
    assert_eq!(payer.send(prepared.clone(), fresh_key()).await, expired, "prepared in time and sent too late");
    // A payer that does not care meets a payee that does.
    payer.behave(Behaviour { late_settlement: true, ..Behaviour::default() });
    let payment = payer.send(prepared.clone(), fresh_key()).await.unwrap();
    assert_eq!(failed(&payment), "the invoice has expired");
    assert_eq!(money(payer).await, (FUNDS.0, 0, 0));
    // What has lapsed stays so, even when the clock goes back.
    time.fetch_sub(60_000, Ordering::SeqCst);
    assert_eq!(failed(&payer.send(prepared, fresh_key()).await.unwrap()), "the invoice has expired");
}

#[tokio::test]
async fn late_settlement_is_recorded_as_late() {
    let (practice, time) = by_the_clock().await;
    let (payee, payer) = (&practice.payee, &practice.payer);
    let late = Behaviour { late_settlement: true, ..Behaviour::default() };
    payee.behave(late.clone());
    payer.behave(late);
    let (in_time, too_late) = (short(payee).await, short(payee).await);
    assert!(send(payer, &in_time).await.unwrap().is_settled());
    time.fetch_add(3_600_000, Ordering::SeqCst);
    let prepared: Prepared = payer.prepare(too_late.bolt11.clone()).await.unwrap();
    assert_eq!(prepared.warnings.len(), 1);
    assert!(payer.send(prepared, fresh_key()).await.unwrap().is_settled());
    assert!(!payee.was_late(in_time.hash) && payee.was_late(too_late.hash));
    assert_eq!(money(payee).await.0, 10_000);
}

#[tokio::test]
async fn a_delay_shows_as_on_its_way() {
    let practice = practice().await;
    let (payee, payer) = (&practice.payee, &practice.payer);
    payee.behave(Behaviour { delay: Duration::from_millis(200), ..Behaviour::default() });
    let invoice = ask(&**payee, MilliSats(5_000), "slow").await;
    let mut events = payee.events();
    let sending = send(payer, &invoice);
    let seen = async {
        let mut seen = Vec::new();
        while !seen.contains(&(5_000, 0, 0)) {
            let now = money(payee).await;
            assert!(now.0 + now.2 <= 5_000, "the money is shown twice: {now:?}");
            seen.push(now);
            let _ = events.recv().await;
        }
        seen
    };
    let (sent, seen) = tokio::time::timeout(PATIENCE, async { tokio::join!(sending, seen) }).await.unwrap();
    assert!(sent.unwrap().is_settled());
    assert!(seen.contains(&(0, 0, 5_000)), "{seen:?}");
}

#[tokio::test]
async fn duplicates_are_told_twice_and_paid_once() {
    let practice = practice().await;
    for wallet in [&practice.payee, &practice.payer] {
        wallet.behave(Behaviour { duplicate: 1.0, ..Behaviour::default() });
    }
    let mut events = practice.payee.events();
    let invoice = ask(&*practice.payee, MilliSats(5_000), "twice").await;
    assert!(send(&practice.payer, &invoice).await.unwrap().is_settled());
    let mut told = 0;
    while told < 2 {
        told += usize::from(matches!(events.recv().await.unwrap(), WalletEvent::Payment(_)));
    }
    assert_eq!((money(&practice.payee).await.0, money(&practice.payer).await.0), (5_000, FUNDS.0 - 5_000));
}

/// Somebody with a key who speaks the wallets' language.
struct Stranger {
    keys: Keys,
    link: NostrRelays,
    news: tokio::sync::Mutex<tokio::sync::mpsc::Receiver<crate::relay::RelayNews>>,
}

impl Stranger {
    async fn connect(relay: &PracticeRelay) -> Self {
        let keys = Keys::generate();
        let options = LinkOptions::new(vec![relay.url().to_owned()], 65_536, keys.clone(), crate::net::http_client().unwrap());
        let (link, mut news) = NostrRelays::new(options).unwrap();
        link.subscribe(crate::relay::SubscriptionName("stranger"), message::filter(keys.public_key())).await.unwrap();
        link.connect().await;
        while !matches!(news.recv().await.unwrap(), crate::relay::RelayNews::EndOfStored { .. }) {}
        Self { keys, link, news: tokio::sync::Mutex::new(news) }
    }

    async fn say(&self, to: &PracticeWallet, message: &Message) {
        use futures_util::StreamExt as _;
        let event = message::write(&self.keys, to.owner(), message, Clock::default().now()).unwrap();
        self.link.publish(event, Vec::new()).for_each(|sent| async move { sent.outcome.unwrap() }).await;
    }

    async fn ask(&self, to: &PracticeWallet, question: &Message) -> Message {
        let mut news = self.news.lock().await;
        let answered = async {
            loop {
                // Again now and then: the wallet may not be listening yet.
                self.say(to, question).await;
                let answer = async {
                    loop {
                        if let crate::relay::RelayNews::Event { event, .. } = news.recv().await.unwrap() {
                            return message::read(&self.keys, &event).unwrap().1;
                        }
                    }
                };
                if let Ok(answer) = tokio::time::timeout(Duration::from_millis(500), answer).await {
                    return answer;
                }
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.unwrap()
    }
}
