//! Whatever happens in whatever order: the money that was issued is the money there is.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::domain::payment::Direction;
use crate::wallet::IdempotencyKey;

const EACH: u64 = 100_000;

#[derive(Debug, Clone)]
enum Step {
    /// `from` pays an invoice of `to`, and may not wait for the end.
    Pay { from: usize, to: usize, amount: u64, wait: bool },
    /// A payment begun before is sent again with its key.
    Again(usize),
    /// An invoice is sent once more under another key, by somebody else perhaps.
    Other { by: usize, which: usize },
    /// Ends without a goodbye, or with one, and comes back.
    Restart { who: usize, goodbye: bool },
    /// Misbehaves from now on.
    Weather { who: usize, behaviour: Behaviour },
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let share = || prop_oneof![Just(0.0), Just(0.5), Just(0.9)];
    (any::<u64>(), 0..4_u64, share(), share(), share()).prop_map(|(seed, delay, refuse, duplicate, lose_reply)| Behaviour {
        seed,
        delay: Duration::from_millis(delay),
        refuse,
        duplicate,
        lose_reply,
        late_settlement: false,
    })
}

fn step(wallets: usize) -> impl Strategy<Value = Step> {
    let who = 0..wallets;
    prop_oneof![
        6 => (who.clone(), who.clone(), 1..60_u64, any::<bool>())
            .prop_map(|(from, to, sats, wait)| Step::Pay { from, to, amount: sats * 1000, wait }),
        2 => (0..20_usize).prop_map(Step::Again),
        2 => (who.clone(), 0..20_usize).prop_map(|(by, which)| Step::Other { by, which }),
        2 => (who.clone(), any::<bool>()).prop_map(|(who, goodbye)| Step::Restart { who, goodbye }),
        2 => (who, behaviour()).prop_map(|(who, behaviour)| Step::Weather { who, behaviour }),
    ]
}

struct World {
    relay: PracticeRelay,
    dirs: Vec<TempDir>,
    wallets: Vec<Arc<PracticeWallet>>,
    /// Everything ever prepared, by whom, with its key.
    begun: Vec<(usize, Prepared, IdempotencyKey)>,
}

impl World {
    async fn new(count: usize) -> Self {
        let relay = PracticeRelay::start().await.unwrap();
        let dirs: Vec<_> = (0..count).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut world = Self { relay, dirs, wallets: Vec::new(), begun: Vec::new() };
        for who in 0..count {
            world.wallets.push(Arc::new(open(&world.options(who)).await));
        }
        world
    }

    fn options(&self, who: usize) -> PracticeOptions {
        PracticeOptions { patience: Duration::from_millis(100), ..options(self.dirs[who].path(), &self.relay, MilliSats(EACH)) }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Pay { from, to, amount, wait } => {
                let invoice = ask(&*self.wallets[to], MilliSats(amount), "a job").await;
                let Ok(prepared) = self.wallets[from].prepare(invoice.bolt11).await else { return };
                self.begun.push((from, prepared, fresh_key()));
                self.send(self.begun.len() - 1, wait).await;
            }
            Step::Again(which) if which < self.begun.len() => self.send(which, true).await,
            Step::Other { by, which } if which < self.begun.len() => {
                let prepared = self.begun[which].1.clone();
                self.begun.push((by, prepared, fresh_key()));
                self.send(self.begun.len() - 1, false).await;
            }
            Step::Again(_) | Step::Other { .. } => {}
            Step::Restart { who, goodbye } => {
                if goodbye {
                    self.wallets[who].close().await;
                }
                drop(self.wallets.remove(who));
                let opened = Arc::new(open(&self.options(who)).await);
                self.wallets.insert(who, opened);
            }
            Step::Weather { who, behaviour } => self.wallets[who].behave(behaviour),
        }
    }

    async fn send(&self, which: usize, wait: bool) {
        let (from, prepared, key) = self.begun[which].clone();
        let sending = self.wallets[from].send(prepared, key);
        if wait {
            // A refusal is an answer too: the books below are what counts.
            let _ = sending.await;
        } else {
            // Whoever stops waiting stops nothing.
            let _ = tokio::time::timeout(Duration::from_millis(1), sending).await;
        }
    }

    async fn payments(&self) -> Vec<Payment> {
        let mut all = Vec::new();
        for wallet in &self.wallets {
            all.extend(wallet.payments(PaymentsQuery { before: None, limit: 1000 }).await.unwrap().payments);
        }
        all
    }

    /// All balances and all that is put aside are the money issued, and what has arrived while its payer does not know yet.
    async fn adds_up(&self) -> Result<(), TestCaseError> {
        // Read in between, the sums belong to both lists. A market that never rests is looked at after the next step.
        for _ in 0..50 {
            let before = self.payments().await;
            let mut sum = 0;
            for wallet in &self.wallets {
                let (balance, aside, _) = money(wallet).await;
                sum += balance + aside;
            }
            let after = self.payments().await;
            if before != after {
                continue;
            }
            let arrived: HashMap<_, _> = settled(&after, Direction::In).map(|payment| (payment.hash, payment.amount.0)).collect();
            let left: HashSet<_> = settled(&after, Direction::Out).map(|payment| payment.hash).collect();
            prop_assert!(left.iter().all(|hash| arrived.contains_key(hash)), "paid and never arrived: {:#?}", after);
            let twice: u64 = arrived.iter().filter(|(hash, _)| !left.contains(*hash)).map(|(_, amount)| amount).sum();
            prop_assert_eq!(sum, EACH * self.wallets.len() as u64 + twice, "{} on both sides: {:#?}", twice, after);
            return Ok(());
        }
        Ok(())
    }

    /// When the weather is good again everything ends, and then the sum is exact.
    async fn ends_well(&self) -> Result<(), TestCaseError> {
        for wallet in &self.wallets {
            wallet.behave(Behaviour::default());
        }
        let mut sum = 0;
        for wallet in &self.wallets {
            quiet(wallet).await;
        }
        for wallet in &self.wallets {
            let (balance, aside, _) = money(wallet).await;
            prop_assert_eq!(aside, 0);
            sum += balance;
        }
        prop_assert_eq!(sum, EACH * self.wallets.len() as u64);
        let all = self.payments().await;
        for direction in [Direction::In, Direction::Out] {
            let mut hashes = HashSet::new();
            prop_assert!(settled(&all, direction).all(|payment| hashes.insert(payment.hash)), "an invoice was paid twice");
        }
        let sorted = |direction| {
            let mut hashes = settled(&all, direction).map(|payment| payment.hash).collect::<Vec<_>>();
            hashes.sort();
            hashes
        };
        prop_assert_eq!(sorted(Direction::In), sorted(Direction::Out));
        Ok(())
    }
}

fn settled(payments: &[Payment], direction: Direction) -> impl Iterator<Item = &Payment> {
    payments.iter().filter(move |payment| payment.direction == direction && payment.is_settled())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_events_makes_or_loses_money(
        (count, steps) in (2..4_usize).prop_flat_map(|count| (Just(count), prop::collection::vec(step(count), 1..25)))
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(count).await;
            for step in steps {
                world.take(step).await;
                world.adds_up().await?;
            }
            world.ends_well().await
        })?;
    }
}
