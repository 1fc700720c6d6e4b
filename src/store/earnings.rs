//! What selling has brought in, and what it took: by day, by model or by buyer.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::{Reader, StoreError};
use crate::domain::ids::Pubkey;
use crate::domain::money::MilliSats;
use crate::domain::power::Power;
use crate::domain::time::UnixMs;

/// What the lines are about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EarningsBy {
    /// Days of UTC, the newest first.
    #[default]
    Day,
    /// The model that ran, the one that earned most first.
    Model,
    /// The buyer, the one that brought most first.
    Buyer,
}

/// One day, model or buyer. Jobs count by the time they came in: those that ran or were paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarningsRow {
    /// `2025-03-01`, a model's name, or a buyer's public key in hex.
    pub name: String,
    pub jobs: u64,
    /// Came in for them.
    pub received: MilliSats,
    /// Went back to buyers, with the fees of that.
    pub refunded: MilliSats,
    /// How long models ran, in milliseconds.
    pub ran_ms: u64,
    pub prompt_tokens: u64,
    pub answer_tokens: u64,
    /// Electricity; `None`: its price is not known (`costs.watts`, `costs.sats_per_kwh`).
    pub electricity: Option<MilliSats>,
    /// What is left, in msats: less than nothing where it cost more than it brought.
    pub profit_msats: i64,
}

impl Reader {
    /// Every line since then.
    pub fn earnings(&self, by: EarningsBy, since: UnixMs, power: Power) -> Result<Vec<EarningsRow>, StoreError> {
        read(&self.connection, by, since, power)
    }
}

fn read(connection: &Connection, by: EarningsBy, since: UnixMs, power: Power) -> Result<Vec<EarningsRow>, StoreError> {
    let (name, order) = match by {
        EarningsBy::Day => ("strftime('%Y-%m-%d', seen_at / 1000, 'unixepoch')", "name DESC"),
        EarningsBy::Model => ("coalesce(ran_model, model, 'no model')", "received DESC, jobs DESC, name"),
        EarningsBy::Buyer => ("lower(hex(buyer))", "received DESC, jobs DESC, name"),
    };
    let paid = |way: &str| {
        format!(
            "(SELECT coalesce(sum(amount_msats + fee_msats), 0) FROM payments p INDEXED BY payments_by_job WHERE p.job = j.id AND {way})"
        )
    };
    let (received, refunded) = (paid("p.direction = 'in' AND p.state = 'settled'"), paid("p.direction = 'out' AND p.state = 'settled'"));
    let sql = format!(
        "SELECT {name} AS name, count(*) AS jobs, sum({received}) AS received, sum({refunded}), coalesce(sum(infer_ms), 0), \
                coalesce(sum(prompt_tokens), 0), coalesce(sum(answer_tokens), 0) \
         FROM jobs j WHERE seen_at >= ?1 AND (started_at IS NOT NULL OR payment = 'received') GROUP BY name ORDER BY {order}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params![since.0])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let (received, refunded) = (MilliSats(row.get(2)?), MilliSats(row.get(3)?));
        let ran_ms = row.get(4)?;
        let electricity = power.cost(ran_ms);
        let mut name: String = row.get(0)?;
        if by == EarningsBy::Buyer {
            // As everywhere else.
            name = name.parse::<Pubkey>().map_or(name, |buyer| buyer.to_string());
        }
        rows.push(EarningsRow {
            name,
            jobs: row.get(1)?,
            received,
            refunded,
            ran_ms,
            prompt_tokens: row.get(5)?,
            answer_tokens: row.get(6)?,
            electricity,
            profit_msats: signed(received) - signed(refunded) - electricity.map_or(0, signed),
        });
    }
    Ok(rows)
}

fn signed(amount: MilliSats) -> i64 {
    // All the money there is fits many times over; the difference of two such sums does as well.
    i64::try_from(amount.0).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use super::*;
    use crate::domain::ids::PaymentHash;
    use crate::domain::job::Policy;
    use crate::domain::payment::{Invoice, Network};
    use crate::domain::request::JobRequest;
    use crate::store::tests::{NOON, answer, id, new_job, run};
    use crate::store::{NewJob, StartedRun, Store, StoreOptions, StoredAnswer};

    const DAY: u64 = 86_400_000;

    fn sell(store: &Store, number: u8, buyer: u8, model: &str, price: u64, at: UnixMs) {
        let new = new_job(number, at);
        let request = JobRequest { buyer: Pubkey([buyer; 32]), ..new.request };
        store.claim(NewJob { policy: Policy::PayFirst, request, ..new_job(number, at) }).wait().unwrap();
        let invoice = Invoice {
            bolt11: format!("lnsb{number}"),
            hash: PaymentHash([number; 32]),
            amount: Some(MilliSats(price)),
            network: Network::Practice,
            created_at: at,
            expires_at: at.plus_ms(60_000),
            payee: [1; 32],
            description: String::new(),
        };
        store.quote(id(number), invoice, MilliSats(price), at).wait().unwrap();
        store.settle(PaymentHash([number; 32]), at).wait().unwrap();
        store.start(id(number), StartedRun { model: model.into(), ..run() }, at).wait().unwrap();
        store.answer(id(number), StoredAnswer { infer_ms: 3_600_000, ..answer(number) }, at).wait().unwrap();
        store.deliver(id(number), at).wait().unwrap();
    }

    #[test]
    fn what_was_earned_is_told_by_day_model_and_buyer_and_adds_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pylon.db");
        let store = Store::open(&path, StoreOptions::default()).unwrap();
        sell(&store, 1, 7, "tiny", 5_000, NOON);
        sell(&store, 2, 7, "large", 9_000, NOON);
        sell(&store, 3, 8, "tiny", 2_000, NOON.plus_ms(DAY));
        // One that nobody paid for has brought nothing and cost nothing.
        store.claim(NewJob { policy: Policy::PayFirst, ..new_job(4, NOON) }).wait().unwrap();
        let reader = Reader::open(&path).unwrap();
        let lines = |by, since| {
            let rows = reader.earnings(by, since, Power { watts: 100, sats_per_kwh: 10 }).unwrap();
            rows.into_iter().map(|row| (row.name, row.jobs, row.received.0, row.profit_msats)).collect::<Vec<_>>()
        };
        let buyer = |number: u8| Pubkey([number; 32]).to_string();
        // An hour of 100 watts at 10 sats is one sat.
        let (first, second) = ("2024-10-04".to_owned(), "2024-10-05".to_owned());
        assert_eq!(lines(EarningsBy::Day, NOON), [(second, 1, 2_000, 1_000), (first, 2, 14_000, 12_000)]);
        assert_eq!(lines(EarningsBy::Model, NOON), [("large".to_owned(), 1, 9_000, 8_000), ("tiny".to_owned(), 2, 7_000, 5_000)]);
        assert_eq!(lines(EarningsBy::Buyer, NOON), [(buyer(7), 2, 14_000, 12_000), (buyer(8), 1, 2_000, 1_000)]);
        assert_eq!(lines(EarningsBy::Buyer, NOON.plus_ms(1)).len(), 1);
        let unknown = reader.earnings(EarningsBy::Day, NOON, Power::default()).unwrap();
        assert!(unknown.iter().all(|row| row.electricity.is_none()));
    }

    #[test]
    fn a_refund_and_its_fee_are_taken_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pylon.db");
        let store = Store::open(&path, StoreOptions::default()).unwrap();
        sell(&store, 1, 7, "tiny", 5_000, NOON);
        // Given back by another hand than the ledger's own rule, which would not owe it.
        let connection = Connection::open(&path).unwrap();
        let sql = "INSERT INTO payments (hash, direction, purpose, job, idempotency, amount_msats, fee_msats, bolt11, state, created_at) \
                   VALUES (?1, 'out', 'refund', ?2, ?3, 5000, 12, 'lnsb', 'settled', 0)";
        connection.execute(sql, params![[9_u8; 32], id(1).0, [1_u8; 16]]).unwrap();
        let rows = Reader::open(&path).unwrap().earnings(EarningsBy::Model, NOON, Power::default()).unwrap();
        assert_eq!((rows[0].refunded, rows[0].profit_msats), (MilliSats(5_012), -12));
    }
}
