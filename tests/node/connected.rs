//! A node whose wallet is another program, reached over Nostr Wallet Connect. That program speaks the protocol here with
//! the types of the nostr library, and with no code of ours.

use std::sync::Arc;

use nostr_sdk::nips::nip44::{self, Version};
use nostr_sdk::nips::nip47::{
    ErrorCode, GetBalanceResponse, LookupInvoiceResponse, MakeInvoiceResponse, Method, NIP47Error, NostrWalletConnectURI, Request,
    RequestParams, Response, ResponseResult, TransactionState, TransactionType,
};
use nostr_sdk::prelude::{
    Client, Event, EventBuilder, Filter, JsonUtil as _, Keys, Kind, PublicKey, RelayPoolNotification, RelayUrl, SecretKey, Tag, Timestamp,
};
use pylon_hud::config::SecretFile;
use pylon_hud::domain::ids::PaymentHash;
use pylon_hud::domain::job::{JobState, Payment};
use pylon_hud::domain::money::MilliSats;
use pylon_hud::node::{NodeCommand, NodeEvent, NodeState, Report};
use pylon_hud::wallet::nwc::Connection;
use pylon_hud::wallet::{InvoiceRequest, PaymentsQuery, Wallet as _, WalletEvent};
use tokio::task::JoinSet;

use crate::common::{Buyer, Market, Running, Scripted, soon, tag};
use crate::purse::Purse;

const NWC: &[&str] =
    &["wallet.kind=\"nwc\"", "provider.policy=\"pay-first\"", "provider.min_price=3000", "provider.in_rate=0", "provider.out_rate=0"];

/// The other program: it holds the purse and answers for it.
struct Program {
    client: Client,
    keys: Keys,
    uri: NostrWalletConnectURI,
    purse: Arc<Purse>,
}

impl Program {
    /// Starts it; it listens when this returns. Ends with the set.
    async fn start(market: &Market, purse: &Arc<Purse>) -> (NostrWalletConnectURI, JoinSet<()>) {
        let keys = Keys::generate();
        let relay = RelayUrl::parse(market.relay.url()).unwrap();
        let uri = NostrWalletConnectURI::new(keys.public_key(), vec![relay.clone()], SecretKey::generate(), None);
        let client = Client::new(keys.clone());
        client.add_relay(relay).await.unwrap();
        client.connect().await;
        let info = EventBuilder::new(Kind::WalletConnectInfo, "get_balance make_invoice lookup_invoice")
            .tag(Tag::parse(["encryption", "nip44_v2"]).unwrap())
            .tag(Tag::parse(["notifications", "payment_received"]).unwrap());
        client.send_event_builder(info).await.unwrap();
        let mut notifications = client.notifications();
        client.subscribe(Filter::new().kind(Kind::WalletConnectRequest).pubkey(keys.public_key()), None).await.unwrap();
        let program = Arc::new(Self { client, keys, uri: uri.clone(), purse: Arc::clone(purse) });
        let mut tasks = JoinSet::new();
        let (asked, told) = (Arc::clone(&program), program);
        tasks.spawn(async move {
            while let Ok(notification) = notifications.recv().await {
                if let RelayPoolNotification::Event { event, .. } = notification {
                    asked.answer(&event).await;
                }
            }
        });
        tasks.spawn(async move {
            let mut events = told.purse.events();
            while let Ok(event) = events.recv().await {
                if let WalletEvent::Payment(payment) = event {
                    let record = told.lookup(payment.hash.unwrap()).await.unwrap();
                    let text = serde_json::json!({ "notification_type": "payment_received", "notification": record }).to_string();
                    told.say(Kind::from(23_197), &text, &[]).await;
                }
            }
        });
        (uri, tasks)
    }

    fn us(&self) -> PublicKey {
        Keys::new(self.uri.secret.clone()).public_key()
    }

    async fn say(&self, kind: Kind, text: &str, tags: &[Tag]) {
        let content = nip44::encrypt(self.keys.secret_key(), &self.us(), text, Version::V2).unwrap();
        let event = EventBuilder::new(kind, content).tag(Tag::public_key(self.us())).tags(tags.to_vec());
        self.client.send_event_builder(event).await.unwrap();
    }

    async fn answer(&self, event: &Event) {
        let text = nip44::decrypt(self.keys.secret_key(), &event.pubkey, &event.content).unwrap();
        let request = Request::from_json(text).unwrap();
        let result = match request.params {
            RequestParams::GetBalance => {
                Some(ResponseResult::GetBalance(GetBalanceResponse { balance: self.purse.snapshot().await.unwrap().balance.0 }))
            }
            RequestParams::MakeInvoice(asked) => {
                let description = asked.description.unwrap_or_default();
                let asked = InvoiceRequest { amount: MilliSats(asked.amount), description, expiry_secs: asked.expiry.unwrap() };
                let made = self.purse.invoice(asked).await.unwrap();
                Some(ResponseResult::MakeInvoice(MakeInvoiceResponse {
                    invoice: made.bolt11,
                    payment_hash: Some(made.hash.to_string()),
                    description: None,
                    description_hash: None,
                    preimage: None,
                    amount: None,
                    created_at: None,
                    expires_at: None,
                }))
            }
            RequestParams::LookupInvoice(asked) => {
                self.lookup(asked.payment_hash.unwrap().parse().unwrap()).await.map(ResponseResult::LookupInvoice)
            }
            RequestParams::ListTransactions(_) => {
                let mut listed = Vec::new();
                for payment in self.purse.payments(PaymentsQuery::default()).await.unwrap().payments {
                    listed.extend(self.lookup(payment.hash.unwrap()).await);
                }
                Some(ResponseResult::ListTransactions(listed))
            }
            _ => None,
        };
        let error = result.is_none().then(|| NIP47Error { code: ErrorCode::NotImplemented, message: String::new() });
        let method = if result.is_none() { Method::GetInfo } else { request.method };
        let response = Response { result_type: method, error, result };
        self.say(Kind::WalletConnectResponse, &response.as_json(), &[Tag::event(event.id)]).await;
    }

    async fn lookup(&self, hash: PaymentHash) -> Option<LookupInvoiceResponse> {
        let payment = self.purse.payment(hash).await.unwrap()?;
        let at = Timestamp::from(payment.created_at.as_secs());
        Some(LookupInvoiceResponse {
            transaction_type: Some(TransactionType::Incoming),
            state: Some(TransactionState::Settled),
            invoice: None,
            description: Some(payment.description),
            description_hash: None,
            preimage: None,
            payment_hash: hash.to_string(),
            amount: payment.amount.0,
            fees_paid: 0,
            created_at: at,
            expires_at: None,
            settled_at: Some(at),
            metadata: None,
        })
    }
}

fn connect(market: &Market, uri: &NostrWalletConnectURI) {
    let connection = Connection::parse(&uri.to_string().into()).unwrap();
    connection.store(&SecretFile::at(&market.paths.nwc)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_paid_into_a_wallet_that_is_another_program() {
    let market = Market::new().await;
    let purse = Purse::new();
    let (uri, _program) = Program::start(&market, &purse).await;
    connect(&market, &uri);
    let node = Running::launch(market.real_options(Scripted::quick(&["Hello."]), NWC));
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.state == NodeState::Online).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Say hello.", "text"]], "").await;
    let quote = buyer.next(job).await;
    assert_eq!(tag(&quote, "status").as_deref(), Some("payment-required"));
    let invoice = quote.tags.iter().map(|tag| tag.as_slice()).find(|tag| tag[0] == "amount").unwrap()[2].clone();
    purse.pay(&invoice, 1);
    let (result, _) = buyer.result(job).await;
    assert_eq!(result.content, "Hello.");
    assert_eq!(node.job_in(job, JobState::Done).await.record.payment, Payment::Received);
    match node.call(NodeCommand::Wallet).await {
        NodeEvent::Wallet { wallet: Some(wallet) } => {
            assert_eq!((wallet.kind.as_str(), wallet.snapshot.balance), ("nwc", MilliSats(3_000)));
        }
        event => panic!("{event:?}"),
    }
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_the_wallet_it_should_use_says_how_to_connect_one() {
    let market = Market::new().await;
    let node = Running::launch(market.real_options(Scripted::quick(&[]), NWC));
    node.ask(NodeCommand::GoOnline);
    let hint = node.wait("a fault", |report: &Report| match &report.event {
        NodeEvent::Fault { fault } => Some(fault.hint.clone()),
        _ => None,
    });
    assert!(soon("the fault", hint).await.contains("pylon wallet connect"));
    node.stop();
}
