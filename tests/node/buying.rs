//! Buying: from the question to the answer, and every way a provider can try to get more than it should.

use std::path::Path;
use std::sync::Arc;

use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
use nostr_sdk::hashes::{Hash as _, sha256};
use nostr_sdk::prelude::*;
use nostr_sdk::secp256k1::{Secp256k1, SecretKey};
use pylon_hud::domain::ids::{JobId, Pubkey};
use pylon_hud::domain::money::{MilliSats, Sats};
use pylon_hud::domain::offer::Flaw;
use pylon_hud::domain::purchase::{AutoPay, PurchaseState};
use pylon_hud::node::{Ask, Failure, NodeCommand, NodeEvent, NodeState};
use pylon_hud::store::{PurchaseDetail, Reader};
use pylon_hud::wallet::practice::{PracticeOptions, PracticeWallet};
use pylon_hud::wallet::{IdempotencyKey, InvoiceRequest, Wallet as _};

use crate::common::{Buyer, Market, Running, Scripted, soon, tag};

const FUNDS: MilliSats = MilliSats(200_000);
const PRICE: MilliSats = MilliSats(3_000);

/// A node that buys: with keys, a ledger and a wallet of its own on somebody's relay.
pub struct Customer {
    pub node: Running,
    pub purse: Arc<PracticeWallet>,
    market: Market,
}

impl Customer {
    pub async fn new(seller: &Market, settings: &[&str]) -> Self {
        let market = Market { relay: seller.relay.clone(), ..Market::new().await };
        let purse = Arc::new(wallet(market.dir.path(), market.relay.url(), FUNDS).await);
        let mut options = market.options(Scripted::quick(&[]), settings);
        options.wallet = Some(purse.clone());
        let node = Running::launch(options);
        node.done(NodeCommand::Start).await;
        node.status_where(|status| status.relays_connected == 1).await;
        Self { node, purse, market }
    }

    pub async fn ask(&self, ask: Ask) -> JobId {
        self.try_ask(ask).await.unwrap()
    }

    async fn try_ask(&self, ask: Ask) -> Result<JobId, Failure> {
        match self.node.call(NodeCommand::Submit { ask: Box::new(ask) }).await {
            NodeEvent::PurchaseChanged { purchase } => Ok(purchase.id),
            NodeEvent::Failed { failure } => Err(failure),
            event => panic!("{event:?}"),
        }
    }

    pub async fn look(&self, id: JobId) -> PurchaseDetail {
        match self.node.call(NodeCommand::Purchase { request: id.to_string() }).await {
            NodeEvent::Purchase { purchase } => *purchase,
            event => panic!("{event:?}"),
        }
    }

    /// The request once it is so.
    pub async fn request_where(&self, id: JobId, what: &str, so: impl Fn(&PurchaseDetail) -> bool) -> PurchaseDetail {
        soon(what, async {
            loop {
                let detail = self.look(id).await;
                if so(&detail) {
                    return detail;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    pub async fn request_in(&self, id: JobId, state: PurchaseState) -> PurchaseDetail {
        self.request_where(id, &format!("the request to be {state}"), |detail| detail.row.state == state).await
    }

    /// What it has paid so far, by its wallet.
    pub async fn spent(&self) -> u64 {
        let snapshot = self.purse.snapshot().await.unwrap();
        FUNDS.0 - snapshot.balance.0
    }

    pub fn ledger_file(&self) -> &Path {
        &self.market.paths.ledger
    }

    fn ledger(&self) -> Reader {
        Reader::open(&self.market.paths.ledger).unwrap()
    }
}

/// The wallet in this node's directory.
pub async fn wallet(dir: &Path, relay: &str, opening_balance: MilliSats) -> PracticeWallet {
    PracticeWallet::open(PracticeOptions { opening_balance, ..PracticeOptions::new(dir.join("wallet"), relay) }).await.unwrap()
}

/// A node that sells at this price, in msats.
pub async fn shop(market: &Market, model: Arc<Scripted>, policy: &str, price: u64) -> Running {
    let settings = [
        format!("provider.policy=\"{policy}\""),
        format!("provider.min_price={price}"),
        "provider.in_rate=0".into(),
        "provider.out_rate=0".into(),
    ];
    market.online(model, &settings.iter().map(String::as_str).collect::<Vec<_>>()).await
}

pub fn ask(auto_pay: AutoPay) -> Ask {
    Ask { prompt: "Say hello.".into(), auto_pay: Some(auto_pay), ..Ask::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_bought_paid_and_answered_once() {
    let market = Market::new().await;
    let seller = shop(&market, Scripted::quick(&["Hello."]), "pay-first", PRICE.0).await;
    let customer = Customer::new(&market, &[]).await;
    for encrypted in [false, true] {
        let provider = encrypted.then(|| Pubkey(market.provider().to_bytes()));
        let id = customer.ask(Ask { encrypted, provider, ..ask(AutoPay::First) }).await;
        let bought = customer.request_in(id, PurchaseState::Done).await;
        assert_eq!(bought.answer.as_deref(), Some("Hello."));
        assert_eq!((bought.row.paid, bought.row.provider), (PRICE, Some(Pubkey(market.provider().to_bytes()))));
    }
    assert_eq!(customer.spent().await, 2 * PRICE.0);
    assert_eq!(customer.ledger().money().unwrap().spent.0, 2 * PRICE.0);
    assert_eq!(Reader::open(&market.paths.ledger).unwrap().money().unwrap().received.0, 2 * PRICE.0);
    customer.node.stop();
    seller.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_waits_for_the_user_who_asked_to_be_asked() {
    let market = Market::new().await;
    let seller = shop(&market, Scripted::quick(&["Hello."]), "pay-first", PRICE.0).await;
    let customer = Customer::new(&market, &[]).await;
    let id = customer.ask(ask(AutoPay::Ask)).await;
    let offered = customer.request_where(id, "an offer", |detail| !detail.offers.is_empty()).await;
    assert_eq!((offered.offers[0].asked, offered.offers[0].flaw), (Some(PRICE), None));
    assert_eq!(customer.spent().await, 0, "nobody pays what the user has not seen");
    let paying = customer.node.call(NodeCommand::PayOffer { request: id.to_string(), provider: None }).await;
    assert!(matches!(paying, NodeEvent::PurchaseChanged { .. }), "{paying:?}");
    customer.request_in(id, PurchaseState::Done).await;
    assert_eq!(customer.spent().await, PRICE.0);
    let again = customer.node.call(NodeCommand::PayOffer { request: id.to_string(), provider: None }).await;
    assert!(matches!(again, NodeEvent::Failed { .. }), "{again:?}");
    assert_eq!(customer.spent().await, PRICE.0);
    customer.node.stop();
    seller.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cheapest_of_two_offers_is_paid_and_the_other_is_not() {
    let (dear, cheap) = (Market::new().await, Market::new().await);
    let cheap = Market { relay: dear.relay.clone(), ..cheap };
    let dear_node = shop(&dear, Scripted::quick(&["Dear."]), "pay-first", 9_000).await;
    let cheap_node = shop(&cheap, Scripted::quick(&["Cheap."]), "pay-first", 4_000).await;
    let customer = Customer::new(&dear, &["buyer.offer_window_secs=2"]).await;
    let id = customer.ask(ask(AutoPay::Cheapest)).await;
    let bought = customer.request_in(id, PurchaseState::Done).await;
    assert_eq!((bought.offers.len(), bought.answer.as_deref(), customer.spent().await), (2, Some("Cheap."), 4_000));
    customer.node.stop();
    dear_node.stop();
    cheap_node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_first_is_paid_afterwards_or_left_unpaid_by_the_user() {
    let market = Market::new().await;
    let seller = shop(&market, Scripted::quick(&["Hello."]), "result-first", PRICE.0).await;
    let customer = Customer::new(&market, &[]).await;
    let paid = customer.ask(ask(AutoPay::First)).await;
    let bought = customer.request_in(paid, PurchaseState::Done).await;
    assert_eq!((bought.answer.as_deref(), bought.row.paid), (Some("Hello."), PRICE));
    let unpaid = customer.ask(ask(AutoPay::Ask)).await;
    let answered = customer.request_in(unpaid, PurchaseState::Answered).await;
    assert_eq!(answered.answer.as_deref(), Some("Hello."));
    customer.node.call(NodeCommand::CancelRequest { request: unpaid.to_string() }).await;
    assert_eq!(customer.request_in(unpaid, PurchaseState::Done).await.row.paid, MilliSats(0));
    assert_eq!(customer.spent().await, PRICE.0);
    customer.node.stop();
    seller.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_free_answer_costs_nothing_and_needs_no_wallet() {
    let market = Market::new().await;
    let seller = market.online(Scripted::quick(&["Gratis."]), &[]).await;
    let poor = Market { relay: market.relay.clone(), ..Market::new().await };
    let node = Running::launch(poor.real_options(Scripted::quick(&[]), &[]));
    node.done(NodeCommand::Start).await;
    node.status_where(|status| status.relays_connected == 1).await;
    let NodeEvent::PurchaseChanged { purchase } = node.call(NodeCommand::Submit { ask: Box::new(ask(AutoPay::First)) }).await else {
        panic!("the request was not taken");
    };
    let done = node
        .wait("the answer", |report| match &report.event {
            NodeEvent::PurchaseChanged { purchase: row } if row.id == purchase.id && row.state == PurchaseState::Done => Some(row.clone()),
            _ => None,
        })
        .await;
    assert_eq!(done.paid, MilliSats(0));
    node.stop();
    seller.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_can_be_called_off_and_runs_out_by_itself() {
    let market = Market::new().await;
    let customer = Customer::new(&market, &[]).await;
    let unwanted = customer.ask(ask(AutoPay::First)).await;
    customer.request_in(unwanted, PurchaseState::Published).await;
    customer.node.call(NodeCommand::CancelRequest { request: unwanted.to_string() }).await;
    assert_eq!(customer.request_in(unwanted, PurchaseState::Cancelled).await.row.reason_code.as_deref(), Some("cancelled"));
    let unheard = customer.ask(Ask { timeout_secs: Some(1), ..ask(AutoPay::First) }).await;
    let expired = customer.request_in(unheard, PurchaseState::Expired).await;
    assert_eq!(expired.row.reason.as_deref(), Some("Nobody answered within 1 s."));
    let again = customer.node.call(NodeCommand::CancelRequest { request: unheard.to_string() }).await;
    assert!(matches!(again, NodeEvent::Failed { .. }), "{again:?}");
    customer.node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_cannot_be_asked_is_refused_in_a_sentence() {
    let market = Market::new().await;
    let customer = Customer::new(&market, &[]).await;
    let refused = [
        Ask { prompt: "  ".into(), ..Ask::default() },
        Ask { prompt: "x".repeat(40_000), ..Ask::default() },
        Ask { encrypted: true, ..ask(AutoPay::First) },
        Ask { bid: Some(Sats(0)), ..ask(AutoPay::First) },
    ];
    for wrong in refused {
        let failure = customer.try_ask(wrong).await.unwrap_err();
        assert!(failure.message.ends_with('.') && failure.message.len() > 20, "{failure:?}");
    }
    customer.node.stop();
}

/// A provider with no honest code in it: it sends whatever it is told to.
pub struct Crook {
    pub hand: Buyer,
    pub wallet: PracticeWallet,
    _market: Market,
}

impl Crook {
    pub async fn new(market: &Market) -> Self {
        let own = Market { relay: market.relay.clone(), ..Market::new().await };
        Self {
            hand: Buyer::connect(&market.relay).await,
            wallet: wallet(own.dir.path(), own.relay.url(), MilliSats(0)).await,
            _market: own,
        }
    }

    pub fn key(&self) -> Pubkey {
        Pubkey(self.hand.keys.public_key().to_bytes())
    }

    pub async fn invoice(&self, sats: u64, expiry_secs: u64) -> String {
        let request = InvoiceRequest { amount: MilliSats(sats * 1_000), description: "a job".into(), expiry_secs };
        self.wallet.invoice(request).await.unwrap().bolt11
    }

    /// Sends `payment-required` with this `amount` tag.
    pub async fn offer(&self, request: JobId, msats: &str, invoice: &str) {
        let id = request.to_string();
        let tags: [&[&str]; 3] = [&["e", &id], &["status", "payment-required"], &["amount", msats, invoice]];
        let event = self.hand.sign(7000, &tags, "", Timestamp::now());
        self.hand.send(event).await;
    }
}

/// Each is a flaw with a name, and nothing is paid for any of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_provider_costs_nothing_and_each_trick_has_a_name() {
    let market = Market::new().await;
    let customer = Customer::new(&market, &[]).await;
    let tricks: [(Flaw, &str, Option<String>); 6] = [
        (Flaw::OtherAmount, "1000", None),
        (Flaw::WrongNetwork, "3000", Some(crafted(Currency::Bitcoin, Some(3_000)))),
        (Flaw::NoAmount, "3000", Some(crafted(Currency::Simnet, None))),
        (Flaw::Malformed, "3000", Some("lnsb30u1nonsense".into())),
        (Flaw::OverBid, "100000000", None),
        (Flaw::NoInvoice, "3000", Some(String::new())),
    ];
    for (flaw, msats, invoice) in tricks {
        let crook = Crook::new(&market).await;
        let id = customer.ask(Ask { provider: Some(crook.key()), bid: Some(Sats(50)), ..ask(AutoPay::First) }).await;
        customer.request_in(id, PurchaseState::Published).await;
        let invoice = match invoice {
            Some(invoice) => invoice,
            None => crook.invoice(100_000, 600).await,
        };
        crook.offer(id, msats, &invoice).await;
        let offered = customer.request_where(id, flaw.as_str(), |detail| detail.row.reason_code.as_deref() == Some(flaw.as_str())).await;
        assert_eq!(offered.offers[0].flaw, Some(flaw));
        assert!(offered.row.reason.as_deref().unwrap().starts_with("An offer is not paid: "), "{:?}", offered.row.reason);
        let by_hand = customer.node.call(NodeCommand::PayOffer { request: id.to_string(), provider: None }).await;
        assert!(matches!(by_hand, NodeEvent::Failed { .. }), "not even by hand: {by_hand:?}");
    }
    assert_eq!(customer.spent().await, 0);
    customer.node.stop();
}

/// A stranger's invoice, properly signed.
fn crafted(currency: Currency, msats: Option<u64>) -> String {
    let key = SecretKey::from_slice(&[7; 32]).unwrap();
    let builder = InvoiceBuilder::new(currency)
        .description("anything".into())
        .payment_hash(sha256::Hash::hash(b"a stranger's"))
        .payment_secret(PaymentSecret([5; 32]))
        .current_timestamp()
        .min_final_cltv_expiry_delta(18);
    let builder = match msats {
        Some(msats) => builder.amount_milli_satoshis(msats),
        None => builder,
    };
    builder.build_signed(|digest| Secp256k1::new().sign_ecdsa_recoverable(digest, &key)).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_wallet_has_paid_an_invoice_already_nothing_else_is_paid() {
    let market = Market::new().await;
    let customer = Customer::new(&market, &["buyer.offer_window_secs=3"]).await;
    let (cheap, dear) = (Crook::new(&market).await, Crook::new(&market).await);
    let paid = cheap.invoice(3, 600).await;
    let prepared = customer.purse.prepare(paid.clone()).await.unwrap();
    customer.purse.send(prepared, IdempotencyKey([1; 16])).await.unwrap();
    let id = customer.ask(ask(AutoPay::Cheapest)).await;
    customer.request_in(id, PurchaseState::Published).await;
    dear.offer(id, "4000", &dear.invoice(4, 600).await).await;
    cheap.offer(id, "3000", &paid).await;
    let waits = customer.request_where(id, "the wallet's word", |detail| detail.row.reason_code.as_deref() == Some("paid-before")).await;
    assert_eq!(waits.offers.iter().filter(|offer| offer.flaw.is_none()).count(), 1, "the other one could be paid");
    let by_hand = customer.node.call(NodeCommand::PayOffer { request: id.to_string(), provider: None }).await;
    assert!(matches!(by_hand, NodeEvent::Failed { .. }), "{by_hand:?}");
    let stands = customer.look(id).await.row;
    assert_eq!((stands.state, stands.is_being_paid), (PurchaseState::Published, false));
    assert_eq!(customer.spent().await, 3_000, "nothing but what was paid before");
    customer.node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_not_asked_offers_in_vain_and_a_second_offer_does_not_count() {
    let market = Market::new().await;
    let customer = Customer::new(&market, &[]).await;
    let (asked, other) = (Crook::new(&market).await, Crook::new(&market).await);
    let id = customer.ask(Ask { provider: Some(asked.key()), ..ask(AutoPay::Ask) }).await;
    customer.request_in(id, PurchaseState::Published).await;
    other.offer(id, "3000", &other.invoice(3, 600).await).await;
    asked.offer(id, "3000", &asked.invoice(3, 600).await).await;
    customer.request_where(id, "an offer", |detail| detail.offers.len() == 1).await;
    asked.offer(id, "4000", &asked.invoice(4, 600).await).await;
    let offered = customer.request_where(id, "two offers", |detail| detail.offers.len() == 2).await;
    let judged: Vec<_> = offered.offers.iter().map(|offer| (offer.provider, offer.claimed, offer.flaw)).collect();
    let expected = [(asked.key(), MilliSats(3_000), None), (asked.key(), MilliSats(4_000), Some(Flaw::SecondOffer))];
    assert_eq!(judged, expected, "who was not asked is not heard");
    assert_eq!(customer.spent().await, 0);
    customer.node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_or_an_empty_wallet_stops_a_payment_with_its_name() {
    let market = Market::new().await;
    for (settings, sats, flaw) in [
        (vec!["limits.per_request_sats=2"], 3, Flaw::OverLimit),
        (vec!["limits.per_payment_sats=0"], 3, Flaw::OverLimit),
        (
            vec![
                "limits.per_request_sats=1000000",
                "limits.per_payment_sats=1000000",
                "limits.per_day_sats=1000000",
                "limits.per_provider_day_sats=1000000",
            ],
            100_000,
            Flaw::WalletRefused,
        ),
    ] {
        let customer = Customer::new(&market, &settings).await;
        let crook = Crook::new(&market).await;
        let id = customer.ask(Ask { provider: Some(crook.key()), ..ask(AutoPay::First) }).await;
        customer.request_in(id, PurchaseState::Published).await;
        crook.offer(id, &format!("{}", sats * 1_000), &crook.invoice(sats, 600).await).await;
        let stopped = customer.request_where(id, flaw.as_str(), |detail| detail.row.reason_code.as_deref() == Some(flaw.as_str())).await;
        assert_eq!((stopped.row.state, stopped.row.paid), (PurchaseState::Published, MilliSats(0)), "{:?}", stopped.row.reason);
        assert_eq!(customer.spent().await, 0);
        customer.node.stop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_somebody_else_is_not_taken_for_what_was_paid() {
    let market = Market::new().await;
    let (model, customer) = (Scripted::slow(&["Genuine."]), Customer::new(&market, &[]).await);
    let seller = shop(&market, model.clone(), "pay-first", PRICE.0).await;
    let crook = Crook::new(&market).await;
    let id = customer.ask(ask(AutoPay::First)).await;
    customer.request_in(id, PurchaseState::Paid).await;
    let name = id.to_string();
    let tags: [&[&str]; 1] = [&["e", &name]];
    crook.hand.send(crook.hand.sign(6050, &tags, "Forged.", Timestamp::now())).await;
    // A second request that the crook may answer shows that its first word has been heard.
    let open = customer.ask(Ask { provider: Some(crook.key()), ..ask(AutoPay::First) }).await;
    let name = open.to_string();
    let tags: [&[&str]; 1] = [&["e", &name]];
    customer.request_in(open, PurchaseState::Published).await;
    crook.hand.send(crook.hand.sign(6050, &tags, "Heard.", Timestamp::now())).await;
    customer.request_in(open, PurchaseState::Done).await;
    assert_eq!(customer.look(id).await.answer, None);
    model.leave.add_permits(10);
    assert_eq!(customer.request_in(id, PurchaseState::Done).await.answer.as_deref(), Some("Genuine."));
    customer.node.stop();
    seller.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_refuses_ends_the_request_with_its_words() {
    let market = Market::new().await;
    let seller = shop(&market, Scripted::quick(&["Hello."]), "pay-first", 90_000).await;
    let customer = Customer::new(&market, &[]).await;
    let provider = Some(Pubkey(market.provider().to_bytes()));
    let id = customer.ask(Ask { provider, bid: Some(Sats(5)), ..ask(AutoPay::First) }).await;
    let failed = customer.request_in(id, PurchaseState::Failed).await;
    assert_eq!(failed.row.reason_code.as_deref(), Some("refused"));
    assert!(failed.row.reason.as_deref().unwrap().contains("90"), "{:?}", failed.row.reason);
    let buyer = Buyer::connect(&market.relay).await;
    let said = crate::common::stored(&buyer, Filter::new().kind(Kind::from(7000))).await;
    assert!(said.iter().any(|event| tag(event, "status").as_deref() == Some("error")));
    seller.status_where(|status| status.state == NodeState::Online).await;
    customer.node.stop();
    seller.stop();
}
