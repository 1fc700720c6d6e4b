//! Deposits over a wallet that loses answers, and a real ledger: what has gone to the chain is never forgotten.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use secrecy::SecretString;

use super::vault::{DEPOSIT, Desk, Luck, name};
use super::*;
use crate::domain::limits::Limit;
use crate::store::StoreError;

const WHOLE: u64 = DEPOSIT.0 * 1000;

#[tokio::test]
async fn a_refund_whose_answer_was_lost_counts_until_the_deposit_tells() {
    for luck in [Luck::LostAfter, Luck::RefusedAfter] {
        let desk = Desk::new();
        desk.luck(luck);
        let lost = desk.refund(0, 100).await.unwrap();
        assert!(matches!(lost, Err(PayError::Wallet(WalletError::Unknown(_)))), "{luck:?}: {lost:?}");
        desk.away(true);
        desk.guard.resume().await.unwrap();
        assert_eq!(desk.sums().pending.0, WHOLE, "{luck:?}: nobody could look");
        desk.away(false);
        desk.guard.resume().await.unwrap();
        assert_eq!((desk.sums().pending.0, desk.counted()), (0, WHOLE), "{luck:?}: it is on the chain");
    }
}

#[tokio::test]
async fn a_refund_after_which_the_process_ended_is_found_at_the_next_start_also_when_it_has_left_the_list() {
    let desk = Desk::new();
    desk.luck(Luck::Dies);
    assert!(desk.refund(0, 100).await.is_none());
    let desk = desk.restart();
    desk.guard.resume().await.unwrap();
    assert_eq!((desk.sums().pending.0, desk.counted()), (0, WHOLE));
    assert!(desk.refund(1, 100).await.is_none());
    let desk = desk.restart();
    desk.vault.held.lock().unwrap().deposits.clear();
    desk.guard.resume().await.unwrap();
    assert_eq!((desk.sums().pending.0, desk.counted()), (WHOLE, 2 * WHOLE));
    desk.pass(Limits::DAY_MS);
    desk.guard.resume().await.unwrap();
    assert_eq!((desk.sums().pending.0, desk.counted()), (0, 2 * WHOLE), "it does not eat the limit of every day to come");
}

#[tokio::test]
async fn a_deposit_that_lies_there_untouched_gives_the_limit_back_once_nothing_can_arrive_any_more() {
    let desk = Desk::new();
    desk.luck(Luck::LostBefore);
    assert!(desk.refund(0, 100).await.unwrap().is_err());
    desk.pass(LINGERS_MS - 1);
    desk.guard.resume().await.unwrap();
    assert_eq!(desk.sums().pending.0, WHOLE);
    assert!(matches!(desk.refund(0, 100).await.unwrap(), Err(PayError::Taken)));
    desk.pass(1);
    desk.guard.resume().await.unwrap();
    assert_eq!(desk.counted(), 0);
    desk.luck(Luck::Fine);
    desk.refund(0, 100).await.unwrap().unwrap();
    assert_eq!(desk.counted(), WHOLE);
}

#[tokio::test]
async fn while_nobody_knows_what_became_of_a_refund_nothing_else_is_done_with_its_deposit() {
    let desk = Desk::new();
    desk.luck(Luck::LostBefore);
    assert!(desk.refund(0, 100).await.unwrap().is_err());
    desk.luck(Luck::Fine);
    let dearer = desk.refund(0, 150).await.unwrap();
    assert!(matches!(&dearer, Err(PayError::Wallet(WalletError::Refused(why))) if why.contains("under way")), "{dearer:?}");
    let claimed = desk.guard.claim_deposit(name(0), Sats(1), None).await;
    assert!(matches!(&claimed, Err(PayError::Wallet(WalletError::Refused(why))) if why.contains("under way")), "{claimed:?}");
    desk.guard.claim_deposit(name(1), Sats(1), None).await.unwrap();
    desk.pass(LINGERS_MS);
    desk.guard.resume().await.unwrap();
    assert_eq!(desk.counted(), 0, "it was not sent back");
    desk.guard.claim_deposit(name(0), Sats(1), None).await.unwrap();
}

#[tokio::test]
async fn a_refund_that_would_take_the_place_of_another_is_not_taken_for_the_other() {
    let desk = Desk::new();
    desk.refund(0, 100).await.unwrap().unwrap();
    assert_eq!(desk.booked(), 0, "no wallet lists it");
    desk.luck(Luck::RefusedBefore);
    assert!(matches!(desk.refund(0, 150).await.unwrap(), Err(PayError::Wallet(WalletError::Refused(_)))));
    assert_eq!((desk.sums().pending.0, desk.counted()), (0, WHOLE));
}

#[tokio::test]
async fn money_that_has_gone_is_never_called_not_paid_because_the_disk_is_full() {
    let desk = Desk::new();
    desk.luck(Luck::FillsDisk);
    let refund = desk.refund(0, 100).await.unwrap();
    assert!(matches!(refund, Err(PayError::Unrecorded(StoreError::DiskFull))), "{refund:?}");
    desk.vault.is_full.store(false, Ordering::SeqCst);
    let paid = desk.pay().await;
    let Err(PayError::Unrecorded(StoreError::DiskFull)) = &paid else { panic!("{paid:?}") };
    assert!(paid.unwrap_err().to_string().contains("the money may have gone"));
    desk.vault.is_full.store(false, Ordering::SeqCst);
    assert_eq!(desk.sums().pending.0, WHOLE + 5_000);
    desk.guard.resume().await.unwrap();
    assert_eq!((desk.sums().pending.0, desk.counted()), (0, WHOLE + 5_000));
}

fn secret(pin: &str) -> Arc<SecretString> {
    Arc::new(SecretString::from(pin))
}

#[tokio::test]
async fn a_claim_costs_no_more_than_a_fee_may_unless_the_pin_is_shown() {
    let desk = Desk::new();
    let claim = |number, fee, warrant| desk.guard.claim_deposit(name(number), Sats(fee), warrant);
    let pin = desk.guard.pin();
    claim(0, 200, None).await.unwrap();
    assert!(matches!(claim(1, 201, None).await, Err(PayError::OverLimit(over)) if over.limit == Limit::Fee));
    pin.set(None, secret("1234")).await.unwrap();
    let Err(PayError::DearClaim(over)) = claim(1, 201, None).await else { panic!("the PIN was not shown") };
    assert_eq!(PayError::DearClaim(over).to_string(), "the fee could be 201 sats, and 200 are allowed without the spending PIN");
    claim(1, 201, Some(pin.check(secret("1234")).await.unwrap())).await.unwrap();
    let warrant = pin.check(secret("1234")).await.unwrap();
    pin.lock().await.unwrap();
    assert!(matches!(claim(2, u64::MAX, Some(warrant)).await, Err(PayError::Held(Held::Locked))));
    claim(2, 200, None).await.unwrap();
    assert_eq!(desk.vault.held.lock().unwrap().claimed, [name(0), name(1), name(2)]);
}

/// Something that happens.
#[derive(Debug, Clone)]
enum Deed {
    Refund {
        number: usize,
        fee: u64,
        luck: Luck,
    },
    /// What was lost on the way gets there after all.
    Arrive,
    /// Blocks are found: what was sent back is not listed any more.
    Confirm,
    Away(bool),
    Resume,
    Restart,
    Pass(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let luck =
        prop::sample::select(vec![Luck::Fine, Luck::LostAfter, Luck::LostBefore, Luck::RefusedAfter, Luck::RefusedBefore, Luck::Dies]);
    prop_oneof![
        5 => (0..3usize, 50..53u64, luck).prop_map(|(number, fee, luck)| Deed::Refund { number, fee, luck }),
        2 => Just(Deed::Arrive),
        1 => Just(Deed::Confirm),
        2 => any::<bool>().prop_map(Deed::Away),
        4 => Just(Deed::Resume),
        1 => Just(Deed::Restart),
        2 => (1..3_000_000u64).prop_map(Deed::Pass),
    ]
}

async fn live(deeds: Vec<Deed>) {
    let mut desk = Desk::new();
    for deed in deeds {
        match deed.clone() {
            Deed::Refund { number, fee, luck } => {
                desk.luck(luck);
                if desk.refund(number, fee).await.is_none() {
                    desk = desk.restart();
                }
            }
            Deed::Arrive => {
                let now = desk.vault.clock.now();
                let mut held = desk.vault.held.lock().unwrap();
                for (id, until) in std::mem::take(&mut held.late) {
                    if now < until {
                        held.send_back(&id);
                    }
                }
            }
            Deed::Confirm => desk.vault.held.lock().unwrap().deposits.retain(|deposit| deposit.refund.is_none()),
            Deed::Away(is_away) => desk.away(is_away),
            Deed::Resume => drop(desk.guard.resume().await.unwrap()),
            Deed::Restart => desk = desk.restart(),
            Deed::Pass(ms) => desk.pass(ms),
        }
        let (counted, gone) = (desk.counted(), desk.vault.held.lock().unwrap().total_gone());
        assert!(counted >= gone, "{deed:?}: {gone} msats have gone and the ledger counts {counted}");
    }
    desk.away(false);
    desk.pass(Limits::DAY_MS);
    desk.guard.resume().await.unwrap();
    let (sums, gone) = (desk.sums(), desk.vault.held.lock().unwrap().total_gone());
    assert_eq!(sums.pending.0, 0, "everything has an end at last");
    assert!(gone > 0 || desk.counted() == 0, "nothing has gone, and the ledger counts {}", desk.counted());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever gets lost in whatever order, with restarts between: what has gone to the chain counts.
    #[test]
    fn no_refund_that_went_out_is_ever_forgotten(deeds in prop::collection::vec(deed(), 1..25)) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap().block_on(live(deeds));
    }
}
