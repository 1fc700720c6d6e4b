//! A scripted wallet at the other end of the wire: NIP-47 by its letter, unless it is told to misbehave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use nostr::{Event, EventBuilder, EventId, Filter, Keys, Kind, Tag, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::bank::{Account, Bank, No};
use crate::relay::{LinkOptions, NostrRelays, RelayLink as _, RelayNews, SubscriptionName};
use crate::wallet::nwc::cipher::Cipher;
use crate::wallet::nwc::connection::Connection;

/// What it does with requests of one method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Manner {
    #[default]
    Good,
    /// Does nothing and says nothing.
    Silent,
    /// Does it and says nothing.
    Lost,
    /// Does it and says something that is no answer.
    Garbage,
    /// Does it, and says that something went wrong inside.
    Unclear,
    /// A stranger says first that it failed.
    Forged,
    /// Refuses with this code.
    No(&'static str),
    /// Refuses with this code and lists a failed payment.
    Fails,
    /// Has waited long enough and calls it failed, while the payment is still on its way.
    GivesUp,
}

/// What kind of wallet it is.
#[derive(Debug, Clone, Copy)]
pub struct Traits {
    /// Ciphers it can read.
    pub ciphers: &'static [Cipher],
    /// One of these that it refuses all the same.
    pub refuses: Option<Cipher>,
    pub has_info: bool,
    pub notifies: bool,
    /// How often each notification is sent.
    pub copies: usize,
    /// What `get_info` says of the network.
    pub network: &'static str,
}

impl Default for Traits {
    fn default() -> Self {
        Self { ciphers: &[Cipher::Nip44, Cipher::Nip04], refuses: None, has_info: true, notifies: true, copies: 1, network: "regtest" }
    }
}

/// One wallet, with one connection to it.
pub struct Service {
    inner: Arc<Inner>,
    _tasks: JoinSet<()>,
}

struct Inner {
    keys: Keys,
    client: Keys,
    url: String,
    link: NostrRelays,
    bank: Arc<Bank>,
    account: Account,
    traits: Traits,
    manners: Mutex<Vec<(&'static str, Manner)>>,
    heard: watch::Sender<Vec<(String, Value)>>,
}

const SUBSCRIPTION: SubscriptionName = SubscriptionName("service");

impl Service {
    /// Starts it; it listens when this returns.
    pub async fn start(url: &str, bank: &Arc<Bank>, account: Account, traits: Traits) -> Self {
        let keys = Keys::generate();
        let client = crate::net::http_client().unwrap();
        let options = LinkOptions::new(vec![url.to_owned()], 1 << 20, keys.clone(), client);
        let (link, mut news) = NostrRelays::new(LinkOptions { retry: Duration::from_millis(50), ..options }).unwrap();
        link.subscribe(SUBSCRIPTION, Filter::new().kind(Kind::WalletConnectRequest).pubkey(keys.public_key())).await.unwrap();
        link.connect().await;
        while !matches!(news.recv().await.unwrap(), RelayNews::EndOfStored { .. }) {}
        let (client, heard) = (Keys::generate(), watch::Sender::default());
        let (url, bank) = (url.to_owned(), Arc::clone(bank));
        let inner = Arc::new(Inner { keys, client, url, link, bank, account, traits, manners: Mutex::default(), heard });
        if traits.has_info {
            inner.publish(inner.info()).await;
        }
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&inner).serve(news));
        tasks.spawn(Arc::clone(&inner).tell());
        Self { inner, _tasks: tasks }
    }

    /// The string that gives access.
    pub fn connection(&self) -> Connection {
        let (wallet, secret) = (self.inner.keys.public_key().to_hex(), self.inner.client.secret_key().to_secret_hex());
        let relay = self.inner.url.replace(':', "%3A").replace('/', "%2F");
        Connection::parse(&SecretString::from(format!("nostr+walletconnect://{wallet}?relay={relay}&secret={secret}"))).unwrap()
    }

    /// Does this with requests of this method from now on.
    pub fn set(&self, method: &'static str, manner: Manner) {
        let mut manners = self.inner.manners.lock().unwrap();
        manners.retain(|(other, _)| *other != method);
        manners.push((method, manner));
    }

    /// How many requests of this method have come.
    pub fn count(&self, method: &str) -> usize {
        count(&self.inner.heard.borrow(), method)
    }

    /// The methods that were asked for, in order.
    pub fn methods(&self) -> Vec<String> {
        self.inner.heard.borrow().iter().map(|(method, _)| method.clone()).collect()
    }

    /// Waits until so many requests of this method have come.
    pub async fn heard(&self, method: &str, least: usize) {
        self.inner.heard.subscribe().wait_for(|heard| count(heard, method) >= least).await.unwrap();
    }
}

fn count(heard: &[(String, Value)], method: &str) -> usize {
    heard.iter().filter(|(heard, _)| heard == method).count()
}

impl Inner {
    fn info(&self) -> EventBuilder {
        let words = self.traits.ciphers.iter().map(|cipher| cipher.as_str()).collect::<Vec<_>>().join(" ");
        let info = EventBuilder::new(Kind::WalletConnectInfo, "pay_invoice make_invoice notifications");
        let info = match self.traits.ciphers {
            [Cipher::Nip04] => info,
            _ => info.tag(Tag::parse(["encryption", &words]).unwrap()),
        };
        let told = Tag::parse(["notifications", "payment_received payment_sent"]).unwrap();
        if self.traits.notifies { info.tag(told) } else { info }
    }

    async fn publish(&self, event: EventBuilder) {
        let event = event.sign_with_keys(&self.keys).unwrap();
        assert!(self.link.publish(event, Vec::new()).all(async |published| published.outcome.is_ok()).await);
    }

    async fn serve(self: Arc<Self>, mut news: mpsc::Receiver<RelayNews>) {
        let mut tasks = JoinSet::new();
        while let Some(heard) = news.recv().await {
            if let RelayNews::Event { event, .. } = heard {
                tasks.spawn(Arc::clone(&self).answer(event));
            }
        }
    }

    async fn answer(self: Arc<Self>, event: Box<Event>) {
        assert_eq!(event.pubkey, self.client.public_key(), "a stranger's request");
        assert!(event.tags.expiration().is_some_and(|at| *at > Timestamp::now()), "a request that never ends");
        let (cipher, text) = Cipher::decrypt(&self.keys, &event.pubkey, &event.content).unwrap();
        let tag = event.tags.iter().find(|tag| tag.as_slice()[0] == "encryption").map(|tag| tag.as_slice()[1].clone());
        assert_eq!(tag.as_deref().unwrap_or("nip04"), cipher.as_str(), "the tag says what the cipher is");
        if !self.traits.ciphers.contains(&cipher) {
            return;
        }
        let request: Value = serde_json::from_str(&text).unwrap();
        let (method, params) = (request["method"].as_str().unwrap().to_owned(), request["params"].clone());
        self.heard.send_modify(|heard| heard.push((method.clone(), params.clone())));
        let manner = self.manners.lock().unwrap().iter().find(|(name, _)| *name == method).map_or(Manner::Good, |(_, manner)| *manner);
        let reply = match manner {
            Manner::Silent => return,
            _ if self.traits.refuses == Some(cipher) => Err(("UNSUPPORTED_ENCRYPTION", "the other one, please".to_owned())),
            Manner::No(code) => Err((code, "because".to_owned())),
            Manner::Fails => {
                self.bank.fail(self.account, params["invoice"].as_str().unwrap());
                Err(("PAYMENT_FAILED", "no route".to_owned()))
            }
            Manner::GivesUp => {
                self.bank.begin(self.account, params["invoice"].as_str().unwrap());
                Err(("PAYMENT_FAILED", "timed out".to_owned()))
            }
            Manner::Forged => {
                self.forge(event.id, cipher).await;
                self.act(&method, &params)
            }
            Manner::Good | Manner::Lost | Manner::Garbage | Manner::Unclear => self.act(&method, &params),
        };
        let reply = match manner {
            Manner::Lost => return,
            Manner::Garbage => "{\"result".to_owned(),
            Manner::Unclear => said(&method, Err(("INTERNAL", "a database is away".to_owned()))),
            _ => said(&method, reply),
        };
        let content = cipher.encrypt(&self.keys, &self.client.public_key(), &reply).unwrap();
        let tags = [Tag::public_key(self.client.public_key()), Tag::event(event.id)];
        self.publish(EventBuilder::new(Kind::WalletConnectResponse, content).tags(tags)).await;
    }

    /// A stranger who has seen the request on the relay answers it.
    async fn forge(&self, request: EventId, cipher: Cipher) {
        let stranger = Keys::generate();
        let content =
            cipher.encrypt(&stranger, &self.client.public_key(), &said("", Err(("PAYMENT_FAILED", "forged".to_owned())))).unwrap();
        let tags = [Tag::public_key(self.client.public_key()), Tag::event(request)];
        let event = EventBuilder::new(Kind::WalletConnectResponse, content).tags(tags).sign_with_keys(&stranger).unwrap();
        self.link.publish(event, Vec::new()).collect::<Vec<_>>().await;
    }

    fn act(&self, method: &str, params: &Value) -> Result<Value, No> {
        match method {
            "get_info" => Ok(json!({
                "alias": "Scripted", "color": "", "pubkey": "", "network": self.traits.network, "block_height": 1, "block_hash": "",
                "methods": ["pay_invoice", "notifications", "open_the_pod_bay_doors"], "notifications": [],
            })),
            "get_balance" => Ok(json!({ "balance": self.bank.balance(self.account) })),
            "make_invoice" => Ok(self.bank.make(self.account, params)),
            "pay_invoice" => self.bank.pay(self.account, params["invoice"].as_str().unwrap()),
            "lookup_invoice" => self.bank.lookup(self.account, params),
            "list_transactions" => Ok(self.bank.list(self.account, params)),
            _ => Err(("NOT_IMPLEMENTED", String::new())),
        }
    }

    async fn tell(self: Arc<Self>) {
        let mut told = self.bank.tellings();
        while let Ok((account, name, record)) = told.recv().await {
            if account == self.account && self.traits.notifies {
                self.notify(name, record).await;
            }
        }
    }

    async fn notify(&self, name: &str, record: Value) {
        let text = json!({ "notification_type": name, "notification": record }).to_string();
        // To wallets that know both, each is told both ways.
        for cipher in self.traits.ciphers {
            let kind = if *cipher == Cipher::Nip44 { Kind::from(23_197) } else { Kind::WalletConnectNotification };
            for _ in 0..self.traits.copies {
                let content = cipher.encrypt(&self.keys, &self.client.public_key(), &text).unwrap();
                self.publish(EventBuilder::new(kind, content).tag(Tag::public_key(self.client.public_key()))).await;
            }
        }
    }
}

fn said(method: &str, reply: Result<Value, No>) -> String {
    match reply {
        Ok(result) => json!({ "result_type": method, "error": null, "result": result }),
        Err((code, message)) => json!({ "result_type": method, "error": { "code": code, "message": message }, "result": null }),
    }
    .to_string()
}
