//! The wallet's verbs, over the control socket of a node whose network is scripted.

use lightning_invoice::Currency;
use pylon_hud::domain::money::Sats;
use pylon_hud::node::{NodeCommand, NodeEvent};
use pylon_hud::wallet::AddressKind;
use serde_json::Value;

use super::real::invoice;
use super::scripted::{FEE, Theirs};
use crate::cli::{Run, run};
use crate::common::{Market, Running, Scripted};

/// A node with a wallet of its own, and a prompt beside it.
struct Desk {
    market: Market,
    theirs: Theirs,
    node: Running,
}

const CHAIN: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

impl Desk {
    async fn open(sats: u64, settings: &[&str]) -> Self {
        let market = Market::new().await;
        // It is only looked whether it is there: the scripted helper loads nothing.
        let library = market.dir.path().join("library.so");
        std::fs::write(&library, "never loaded").unwrap();
        let theirs = Theirs::new(sats);
        let named = format!("wallet.spark_library=\"{}\"", library.display());
        let settings = [&["wallet.kind=\"spark\"", &named, "provider.policy=\"free\""], settings].concat();
        let mut options = market.real_options(Scripted::quick(&[]), &settings);
        options.spark = Some(theirs.launcher());
        let node = Running::launch(options);
        node.done(NodeCommand::Start).await;
        Self { market, theirs, node }
    }

    /// `pylon wallet` with these words. In a thread of its own, as it waits for the node.
    async fn wallet(&self, words: &[&str]) -> Run {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pylon"));
        command.env_clear().env("HOME", self.market.dir.path()).arg("--data-dir").arg(&self.market.paths.data_dir);
        command.arg("wallet").args(words).stdin(std::process::Stdio::null());
        tokio::task::spawn_blocking(move || run(command.output().unwrap())).await.unwrap()
    }

    async fn json(&self, words: &[&str]) -> Value {
        let said = self.wallet(&[words, &["--json"]].concat()).await;
        assert_eq!(said.code, 0, "{words:?}: {}", said.err);
        serde_json::from_str(&said.out).unwrap()
    }

    fn sent(&self) -> usize {
        self.theirs.now(|network| network.sent.len())
    }

    fn sats(&self) -> u64 {
        self.theirs.now(|network| network.sats)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_before_amount_and_fee_were_shown_and_agreed_to() {
    let desk = Desk::open(1_000, &[]).await;
    let bolt11 = invoice(Currency::Regtest, 21);
    let asked = desk.wallet(&["send", &bolt11]).await;
    assert_eq!(asked.code, 1);
    for part in ["amount   21 sats", "fee      up to 3 sats", "a job", "regtest"] {
        assert!(asked.out.contains(part), "{:?} lacks {part}", asked.out);
    }
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    assert_eq!(desk.sent(), 0);
    let quote = desk.wallet(&["send", &bolt11, "--json"]).await;
    let quoted: Value = serde_json::from_str(&quote.out).unwrap();
    assert_eq!((quote.code, quoted["sats"].as_u64(), quoted["fee"].as_u64()), (1, Some(21), Some(FEE)));

    let paid = desk.json(&["send", &bolt11, "--yes"]).await;
    assert_eq!((paid["state"].as_str(), paid["amount"].as_u64(), paid["fee"].as_u64()), (Some("settled"), Some(21_000), Some(FEE * 1_000)));
    assert_eq!((desk.sent(), desk.sats()), (1, 1_000 - 21 - FEE));
    let again = desk.wallet(&["send", &bolt11, "--yes"]).await;
    assert!(again.code == 1 && again.err.contains("paid before"), "{}", again.err);
    let listed = desk.json(&["payments"]).await;
    assert_eq!(listed["payments"].as_array().unwrap().len(), 1);

    // An address: what it costs is shown in the same way, and more is not paid than was shown.
    let address = super::ADDRESS;
    let nameless = desk.wallet(&["send", address, "--yes"]).await;
    assert!(nameless.code == 2 && nameless.err.contains("--sats"), "{}", nameless.err);
    let sent = desk.json(&["send", address, "--sats", "100", "--yes"]).await;
    assert_eq!((sent["state"].as_str(), sent["amount"].as_u64()), (Some("settled"), Some(100_000)));
    let chain = desk.wallet(&["send", CHAIN, "--sats", "600", "--yes"]).await;
    assert_eq!(chain.code, 0, "{}", chain.err);
    assert!(chain.out.contains("cannot be called back"), "{}", chain.out);
    let uri = desk.wallet(&["send", &format!("bitcoin:{CHAIN}?amount=0.0001&message=a%20job"), "--yes"]).await;
    assert!(uri.code == 1 && uri.err.contains("not enough"), "{}", uri.err);
    assert_eq!((desk.sent(), desk.sats()), (3, 1_000 - 21 - 100 - 600 - 3 * FEE));
    desk.node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_paid_is_a_sentence_and_nothing_is_sent() {
    let desk = Desk::open(5_000, &["limits.per_payment_sats=100"]).await;
    let own = desk.market.dir.path().join("x");
    for (words, code, parts) in [
        (vec!["send", "zzz", "--yes"], 1, ["cannot be paid to", "Lightning address"]),
        (vec!["send", "", "--yes"], 2, ["nothing that could be paid", "invoice"]),
        (vec!["send", "lnbcrt1nonsense", "--yes"], 1, ["no BOLT11 invoice", "invoice"]),
        (vec!["send", "me@", "--sats", "5", "--yes"], 1, ["no Lightning address", "Nothing was paid"]),
        (vec!["send", "lnurl1nonsense", "--sats", "5", "--yes"], 1, ["Lightning address", "Nothing was paid"]),
        (vec!["send", "me@127.0.0.1", "--sats", "5", "--yes"], 1, ["not asked", "Nothing was paid"]),
        (vec!["send", CHAIN, "--sats", "545", "--yes"], 1, ["from 546000", "msats"]),
        (vec!["send", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "--sats", "600", "--yes"], 1, ["mainnet", "regtest"]),
        (vec!["send", super::ADDRESS, "--sats", "101", "--yes"], 1, ["more than one payment may be", "limits"]),
        (vec!["send", super::ADDRESS, "--sats", "6000", "--yes"], 1, ["not enough", "5000000"]),
        (vec!["deposits", "claim", "nonsense", "--max-fee", "5"], 2, ["TRANSACTION:OUTPUT", "nonsense"]),
    ] {
        let said = desk.wallet(&words).await;
        assert_eq!(said.code, code, "{words:?}: {}{}", said.out, said.err);
        for part in parts {
            assert!(said.err.contains(part), "{words:?}: {:?} lacks {part:?}", said.err);
        }
    }
    for (bolt11, part) in [
        (invoice(Currency::Bitcoin, 5), "mainnet"),
        (invoice(Currency::Regtest, 101), "more than one payment may be"),
        (invoice(Currency::Regtest, 6_000), "not enough"),
    ] {
        let said = desk.wallet(&["send", &bolt11, "--yes"]).await;
        assert!(said.code == 1 && said.err.contains(part), "{:?} lacks {part}", said.err);
    }
    let other = desk.wallet(&["send", &invoice(Currency::Regtest, 5), "--sats", "6", "--yes"]).await;
    assert!(other.code == 1 && other.err.contains("5000 msats instead of 6000"), "{}", other.err);
    // The fee rises between being shown and being paid.
    let transfer = NodeCommand::Transfer { to: super::ADDRESS.into(), sats: Sats(5), most_fee: Sats(FEE - 1) };
    match desk.node.call(transfer).await {
        NodeEvent::Failed { failure } => assert!(failure.message.contains("3000 msats, and 2000 were agreed to"), "{failure:?}"),
        event => panic!("{event:?}"),
    }
    // The limits are the last word on fees.
    desk.theirs.now(|network| network.fee = 50);
    let dear = desk.wallet(&["send", super::ADDRESS, "--sats", "5", "--yes"]).await;
    assert!(dear.code == 1 && dear.err.contains("fee could be 50 sats"), "{}", dear.err);
    assert_eq!((desk.sent(), desk.sats(), own.exists()), (0, 5_000, false));
    desk.node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receiving_deposits_and_how_the_wallet_is_are_told_to_people_and_programs() {
    let desk = Desk::open(1_000, &["limits.per_payment_sats=10000", "limits.per_day_sats=20000", "limits.fee_floor_sats=300"]).await;
    assert_eq!(desk.json(&["receive", "--spark"]).await["address"], super::ADDRESS);
    let chain = desk.wallet(&["receive", "--onchain"]).await;
    assert!(chain.out.starts_with(CHAIN) && chain.out.contains("pylon wallet deposits"), "{}", chain.out);
    desk.theirs.now(|network| network.invoice = invoice(Currency::Regtest, 21));
    assert_eq!(desk.json(&["receive", "21"]).await["amount"], 21_000);
    let lied = desk.wallet(&["receive", "22"]).await;
    assert!(lied.code == 1 && lied.err.contains("amount is not what was asked for"), "{}", lied.err);

    let deposits = desk.json(&["deposits"]).await;
    let name = |at: usize| format!("{}:{}", deposits[at]["id"]["txid"].as_str().unwrap(), deposits[at]["id"]["vout"]);
    assert_eq!((deposits.as_array().unwrap().len(), deposits[0]["amount"].as_u64()), (2, Some(5_000_000)));
    let dear = desk.wallet(&["deposits", "claim", &name(0), "--max-fee", "2"]).await;
    assert!(dear.code == 1 && dear.err.contains("3 sats"), "{}", dear.err);
    assert_eq!(desk.json(&["deposits", "claim", &name(0), "--max-fee", "3"]).await["claim"], "settled");
    let asked = desk.wallet(&["deposits", "refund", &name(1), "--to", CHAIN, "--fee", "200"]).await;
    assert!(asked.code == 1 && asked.err.contains("--yes"), "{}", asked.err);
    let much = desk.wallet(&["deposits", "refund", &name(1), "--to", CHAIN, "--fee", "6000", "--yes"]).await;
    assert_eq!(much.code, 1, "{}", much.out);
    assert!(desk.theirs.now(|network| network.refunded.is_empty()));
    let refunded = desk.json(&["deposits", "refund", &name(1), "--to", CHAIN, "--fee", "200", "--yes"]).await;
    assert_eq!(refunded["txid"].as_str().map(str::len), Some(64));
    assert_eq!(desk.theirs.now(|network| network.refunded.clone()), [CHAIN]);
    let twice = desk.wallet(&["deposits", "refund", &name(1), "--to", CHAIN, "--fee", "200", "--yes"]).await;
    assert!(twice.code == 1 && twice.err.contains("already"), "{}", twice.err);

    assert_eq!(desk.json(&["address", "--register", "me"]).await["address"], "me@wallet.example");
    let status = desk.json(&["status"]).await;
    assert_eq!((status["is_online"].as_bool(), status["helper"]["state"].as_str()), (Some(true), Some("running")));
    let said = desk.wallet(&["status"]).await;
    assert!(said.out.contains("operational") && said.out.contains("reached"), "{}", said.out);
    let balance = desk.json(&["balance"]).await;
    assert_eq!((balance["kind"].as_str(), balance["sync"]["sync"].as_str()), (Some("spark"), Some("synced")));
    desk.node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_wallet_says_that_it_cannot_and_still_shows_what_it_pays() {
    let market = Market::new().await;
    let options = pylon_hud::node::NodeOptions {
        play_money: pylon_hud::domain::money::MilliSats(100_000),
        ..market.options(Scripted::quick(&[]), &[])
    };
    let node = Running::launch(options);
    node.done(NodeCommand::Start).await;
    for command in [
        NodeCommand::Deposits,
        NodeCommand::Address { kind: AddressKind::Spark },
        NodeCommand::Quote { to: super::ADDRESS.into(), sats: Some(Sats(5)) },
    ] {
        let said = node.call(command.clone()).await;
        assert!(matches!(&said, NodeEvent::Failed { failure } if failure.message.contains("wallet")), "{command:?}: {said:?}");
    }
    assert!(matches!(node.call(NodeCommand::WalletHealth).await, NodeEvent::WalletHealth { health: None }));
    node.stop();
}
