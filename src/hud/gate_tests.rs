#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::domain::spend_lock::{SpendState, Spending};
use crate::domain::time::UnixMs;
use crate::node::{Market, NodeState};

const NOW: Now = Now(UnixMs(1_000));
const OFF: Kiosk = Kiosk { is_on: false, is_locking: false };
const ON: Kiosk = Kiosk { is_on: true, is_locking: false };

fn session(state: SpendState) -> Session {
    let spending = Some(Spending { state, has_pin: true, ..Spending::default() });
    Session { market: Some(Market::Practice), spending, ..Session::default() }
}

fn pay() -> UserAction {
    UserAction::Ask(NodeCommand::Pay { bolt11: "lnsb".into(), sats: Sats(21) })
}

fn setting(key: &str, value: &str) -> UserAction {
    UserAction::Ask(NodeCommand::SetSetting { key: key.into(), value: value.into() })
}

#[test]
fn money_and_mainnet_are_asked_about_with_the_amount_and_that_it_is_play_money() {
    let open = session(SpendState::Open);
    let Verdict::Question(question) = judge(&pay(), &OFF, &open, NOW) else { panic!("it would be sent unasked") };
    assert_eq!(question.title, "Send 21 PRACTICE sats?");
    assert!(question.text.contains("PRACTICE") && question.text.contains("cannot be taken back"), "{}", question.text);
    assert_eq!(question.first, 1, "the ring is not on sending");
    let real = Session { market: Some(Market::Real), ..open.clone() };
    let Verdict::Question(question) = judge(&pay(), &OFF, &real, NOW) else { panic!("it would be sent unasked") };
    assert!(!question.text.contains("PRACTICE"));
    assert_eq!((question.title.as_str(), question.answers[0].label.as_str()), ("Send 21 sats?", "Send 21 sats"));
    assert!(matches!(judge(&setting("wallet.network", "mainnet"), &OFF, &open, NOW), Verdict::Question(_)));
    for harmless in [setting("wallet.network", "regtest"), setting("provider.policy", "free"), UserAction::Tidy] {
        assert_eq!(judge(&harmless, &OFF, &open, NOW), Verdict::Pass, "{harmless:?}");
    }
}

#[test]
fn locked_money_asks_for_the_pin_and_then_goes_on() {
    let locked = session(SpendState::Locked);
    assert_eq!(judge(&pay(), &OFF, &locked, NOW), Verdict::Pin(PinWish::Unlock { then: Some(Box::new(pay())) }));
    assert_eq!(judge(&UserAction::ToggleSpending, &OFF, &locked, NOW), Verdict::Pin(PinWish::Unlock { then: None }));
    assert_eq!(judge(&UserAction::ToggleSpending, &OFF, &session(SpendState::Open), NOW), Verdict::Pass, "locking needs no PIN");
    let locking = Kiosk { is_locking: true, ..ON };
    assert!(matches!(judge(&pay(), &locking, &session(SpendState::Open), NOW), Verdict::Pin(_)), "the node has not said that it is locked");
    // Open for a while is over by our own clock as well.
    let mut ajar = session(SpendState::Open);
    ajar.spending.as_mut().unwrap().open_until = Some(NOW.0);
    assert!(matches!(judge(&pay(), &OFF, &ajar, NOW), Verdict::Pin(_)));
}

#[test]
fn every_way_out_of_a_kiosk_asks_for_the_pin_and_none_of_a_window_does() {
    let open = session(SpendState::Open);
    let ways = [
        UserAction::Quit,
        UserAction::ToggleFullScreen,
        UserAction::ChooseAgain,
        UserAction::Choose(Market::Real),
        UserAction::Enter(Market::Real),
    ];
    for way in ways {
        assert!(matches!(judge(&way, &ON, &open, NOW), Verdict::Pin(PinWish::Then(_))), "{way:?}");
        assert_eq!(judge(&way, &OFF, &open, NOW), Verdict::Pass, "{way:?}");
    }
    let stays = [UserAction::CloseActive, UserAction::Zoom(crate::hud::action::Zoom::In), UserAction::ToggleOnline, UserAction::DismissAll];
    for harmless in stays {
        assert_eq!(judge(&harmless, &ON, &open, NOW), Verdict::Pass, "{harmless:?}");
    }
    let nowhere = Session::default();
    assert_eq!(judge(&UserAction::Enter(Market::Practice), &ON, &nowhere, NOW), Verdict::Pass, "the first market is chosen by anybody");
}

/// Whoever adds an action to the table says here whether it leads out of a kiosk.
#[test]
fn of_all_that_keys_do_only_these_lead_out_of_a_kiosk() {
    let mut open = session(SpendState::Open);
    open.status.state = NodeState::Online;
    let held: Vec<&str> = crate::hud::action::table()
        .filter(|binding| matches!(judge(&binding.kind.action(), &ON, &open, NOW), Verdict::Pin(_)))
        .map(|binding| binding.label)
        .collect();
    assert_eq!(held, ["full screen", "choose the market again", "quit"]);
}
