//! The money behind the scripted wallets: two accounts and real invoices.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
use nostr::hashes::{Hash as _, sha256};
use nostr::{Keys, SECP256K1};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::broadcast;

use crate::clock::Clock;
use crate::wallet::bolt11;

/// What every payment costs.
pub const FEE: u64 = 1_000;

/// One of the two accounts.
pub type Account = usize;

/// What an account is told, and by which name.
pub type Told = (Account, &'static str, Value);

/// A no, by NIP-47's code.
pub type No = (&'static str, String);

/// Balances in msats, and what became of every invoice.
pub struct Bank {
    keys: Keys,
    books: Mutex<Books>,
    told: broadcast::Sender<Told>,
}

struct Books {
    balances: [u64; 2],
    invoices: Vec<Made>,
    /// As `list_transactions` tells them, oldest first.
    sent: Vec<(Account, Value)>,
}

struct Made {
    account: Account,
    hash: String,
    amount: u64,
    is_paid: bool,
    record: Value,
}

fn now() -> u64 {
    Clock::default().now().as_secs()
}

impl Bank {
    pub fn new(balances: [u64; 2]) -> Self {
        let books = Books { balances, invoices: Vec::new(), sent: Vec::new() };
        Self { keys: Keys::generate(), books: Mutex::new(books), told: broadcast::channel(1024).0 }
    }

    pub fn tellings(&self) -> broadcast::Receiver<Told> {
        self.told.subscribe()
    }

    pub fn balance(&self, account: Account) -> u64 {
        self.books().balances[account]
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub fn make(&self, account: Account, params: &Value) -> Value {
        let amount = params["amount"].as_u64().unwrap();
        let (description, expiry) = (params["description"].as_str().unwrap_or_default(), params["expiry"].as_u64().unwrap_or(3600));
        let (mut preimage, at) = ([0; 32], now());
        getrandom::fill(&mut preimage).unwrap();
        let hash: [u8; 32] = Sha256::digest(preimage).into();
        let invoice = InvoiceBuilder::new(Currency::Regtest)
            .amount_milli_satoshis(amount)
            .description(description.to_owned())
            .payment_hash(sha256::Hash::from_byte_array(hash))
            .duration_since_epoch(Duration::from_secs(at))
            .expiry_time(Duration::from_secs(expiry))
            .min_final_cltv_expiry_delta(18)
            .payment_secret(PaymentSecret([5; 32]))
            .build_signed(|message| SECP256K1.sign_ecdsa_recoverable(message, self.keys.secret_key()));
        let hash = hex::encode(hash);
        let record = json!({
            "type": "incoming", "state": "pending", "invoice": invoice.unwrap().to_string(), "description": description,
            "preimage": hex::encode(preimage), "payment_hash": hash, "amount": amount, "fees_paid": 0, "created_at": at,
            "expires_at": at + expiry, "settled_at": null,
        });
        self.books().invoices.push(Made { account, hash, amount, is_paid: false, record: record.clone() });
        record
    }

    /// Moves the money and tells both sides. Returns the payer's record.
    pub fn pay(&self, payer: Account, text: &str) -> Result<Value, No> {
        let hash = bolt11::decode(text).map_err(|error| ("OTHER", error.to_string()))?.hash.to_string();
        let mut books = self.books();
        let Books { balances, invoices, sent } = &mut *books;
        let made = invoices.iter_mut().find(|made| made.hash == hash).ok_or(("PAYMENT_FAILED", "no route".to_owned()))?;
        if made.is_paid {
            return Err(("OTHER", "invoice already paid".to_owned()));
        }
        balances[payer] = balances[payer].checked_sub(made.amount + FEE).ok_or(("INSUFFICIENT_BALANCE", "too poor".to_owned()))?;
        balances[made.account] += made.amount;
        made.is_paid = true;
        made.record["state"] = json!("settled");
        made.record["settled_at"] = json!(now());
        let mut record = made.record.clone();
        record["type"] = json!("outgoing");
        record["fees_paid"] = json!(FEE);
        record["created_at"] = json!(now());
        sent.push((payer, record.clone()));
        let _ = self.told.send((made.account, "payment_received", made.record.clone()));
        let _ = self.told.send((payer, "payment_sent", record.clone()));
        Ok(record)
    }

    /// Notes a try that failed, as some wallets list them.
    pub fn fail(&self, payer: Account, text: &str) {
        self.note(payer, text, "failed");
    }

    /// Notes a payment that is on its way.
    pub fn begin(&self, payer: Account, text: &str) {
        self.note(payer, text, "pending");
    }

    fn note(&self, payer: Account, text: &str, state: &str) {
        let invoice = bolt11::decode(text).unwrap();
        let record = json!({
            "type": "outgoing", "state": state, "invoice": text, "payment_hash": invoice.hash, "amount": invoice.amount,
            "fees_paid": 0, "created_at": now(),
        });
        self.books().sent.push((payer, record));
    }

    pub fn lookup(&self, account: Account, params: &Value) -> Result<Value, No> {
        let (books, hash) = (self.books(), params["payment_hash"].as_str().unwrap());
        let sent = books.sent.iter().rfind(|(payer, record)| *payer == account && record["payment_hash"] == hash);
        let made = || books.invoices.iter().find(|made| made.account == account && made.hash == hash);
        let found = sent.map(|(_, record)| record.clone()).or_else(|| made().map(|made| made.record.clone()));
        found.ok_or(("NOT_FOUND", "no such payment".to_owned()))
    }

    pub fn list(&self, account: Account, params: &Value) -> Value {
        let books = self.books();
        let got = books.invoices.iter().filter(|made| made.account == account && made.is_paid).map(|made| made.record.clone());
        let sent = books.sent.iter().filter(|(payer, _)| *payer == account).map(|(_, record)| record.clone());
        let mut all: Vec<Value> = got.chain(sent).collect();
        let until = params["until"].as_u64().unwrap_or(u64::MAX);
        all.retain(|record| record["created_at"].as_u64().unwrap() <= until);
        // The order within one second is this wallet's own affair.
        all.reverse();
        all.sort_by_key(|record| std::cmp::Reverse(record["created_at"].as_u64().unwrap()));
        let number = |name: &str, default: u64| usize::try_from(params[name].as_u64().unwrap_or(default)).unwrap();
        let page: Vec<Value> = all.into_iter().skip(number("offset", 0)).take(number("limit", 10)).collect();
        json!({ "transactions": page })
    }
}
