//! What the scripted helpers hand out as the library's was made by the library: rows are put into its own storage, and
//! what it makes of them, through its encoders and our decoders, is compared with what was recorded. So a mistake of ours
//! in reading it cannot be confirmed by a script of ours.

use std::path::Path;

use pylon_hud::wallet::spark::protocol::{Answer, Call, Deposit, Entry, Inspected};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::library;
use super::line::Helper;

const RECORDED: &str = "src/wallet/spark/tests/recorded.json";
/// Texts to pay to, of every kind.
const TEXTS: &[&str] = &[
    super::ADDRESS,
    "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "bitcoin:bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080?amount=0.0001&message=a%20job",
];
const HASH: &str = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Recorded {
    payments: Vec<Entry>,
    deposits: Vec<Deposit>,
    inspected: Vec<(String, Inspected)>,
}

/// A storage of the library's with every kind of payment in it.
fn fill(storage: &Path) {
    let file = storage.join("regtest");
    let file = std::fs::read_dir(file).unwrap().next().unwrap().unwrap().path().join("storage.sql");
    let rows = Connection::open(file).unwrap();
    let payment = |number: u32, way: &str, state: &str, sats: &str, fee: &str, method: &str| {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let sql = "INSERT INTO payments (id, payment_type, status, amount, fees, timestamp, method, withdraw_tx_id, spark) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let withdrawal = (method == "withdraw").then(|| "ab".repeat(32));
        let spark = (method == "spark").then_some(1);
        let at = 1_700_000_000 + i64::from(number);
        rows.execute(sql, rusqlite::params![id, way, state, sats, fee, at, format!("\"{method}\""), withdrawal, spark]).unwrap();
        id
    };
    let lightning = |id: &str, preimage: Option<&str>, status: &str| {
        let sql = "INSERT INTO payment_details_lightning (payment_id, invoice, payment_hash, destination_pubkey, description, preimage, htlc_status, htlc_expiry_time) VALUES (?, 'lnbcrt1recorded', ?, ?, 'a job', ?, ?, 1700000600)";
        rows.execute(sql, rusqlite::params![id, HASH, format!("02{}", "cd".repeat(32)), preimage, status]).unwrap();
    };
    let zeros = "00".repeat(32);
    lightning(&payment(1, "send", "completed", "21", "3", "lightning"), Some(&zeros), "PreimageShared");
    lightning(&payment(2, "send", "failed", "22", "3", "lightning"), None, "Returned");
    lightning(&payment(3, "send", "pending", "23", "3", "lightning"), None, "WaitingForPreimage");
    // As one that was paid past the Lightning network: there is no preimage.
    lightning(&payment(4, "receive", "completed", "24", "0", "lightning"), None, "PreimageShared");
    payment(5, "send", "completed", "25", "0", "spark");
    payment(6, "receive", "completed", "26", "0", "spark");
    payment(7, "send", "completed", "27", "300", "withdraw");
    let deposit = payment(8, "receive", "completed", "28000", "99", "deposit");
    let sql = "INSERT INTO payment_details_deposit (payment_id, tx_id, vout) VALUES (?, ?, 1)";
    rows.execute(sql, rusqlite::params![deposit, "cd".repeat(32)]).unwrap();
    let sql = "INSERT INTO unclaimed_deposits (txid, vout, amount_sats, is_mature) VALUES (?, ?, ?, ?)";
    rows.execute(sql, rusqlite::params!["ee".repeat(32), 0, 5_000, 1]).unwrap();
    rows.execute(sql, rusqlite::params!["ff".repeat(32), 3, 6_000, 0]).unwrap();
}

#[test]
fn what_the_scripts_hand_out_is_what_the_library_made() {
    let Some(library) = library() else { return };
    let dir = tempfile::tempdir().unwrap();
    Helper::open(library, dir.path()).end();
    fill(dir.path());
    let mut helper = Helper::open(library, dir.path());
    let Ok(Answer::Payments(payments)) = helper.call(Call::Payments { before_secs: None, offset: 0, limit: 100 }) else { panic!() };
    let Ok(Answer::Deposits(deposits)) = helper.call(Call::Deposits) else { panic!() };
    let inspected = TEXTS.iter().map(|text| match helper.call(Call::Inspect { text: (*text).to_owned() }) {
        Ok(Answer::Inspected(found)) => ((*text).to_owned(), found),
        other => panic!("{text}: {other:?}"),
    });
    let made = Recorded { inspected: inspected.collect(), payments, deposits };
    let text = format!("{}\n", serde_json::to_string_pretty(&made).unwrap());
    let kept = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED)).unwrap();
    assert!(kept == text, "{RECORDED} is out of date; the library now makes of it:\n{text}");
    // The order and the filters the adapter relies on.
    let ats: Vec<u64> = made.payments.iter().map(|entry| entry.at_secs).collect();
    assert!(ats.len() == 8 && ats.is_sorted_by(|newer, older| newer > older), "{ats:?}");
    let before = Call::Payments { before_secs: Some(1_700_000_003), offset: 1, limit: 1 };
    let Ok(Answer::Payments(page)) = helper.call(before) else { panic!() };
    assert_eq!(page.iter().map(|entry| entry.at_secs).collect::<Vec<_>>(), [1_700_000_001], "that second is left out");
    let id = "00000000-0000-4000-8000-000000000001".to_owned();
    let Ok(Answer::Payment(Some(one))) = helper.call(Call::Payment { id }) else { panic!() };
    assert_eq!(Some(*one), made.payments.last().cloned());
    // What has not arrived yet is on its way out, with its fee.
    assert!(matches!(helper.call(Call::Read), Ok(Answer::Reading(reading)) if (reading.pending_out, reading.pending_in) == (26, 0)));
}
