//! What eyes, fingers and screen readers meet: every pane and every question, looked at in each theme, as a window and as a
//! kiosk. What is drawn is measured, not what was meant.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod coin;
mod contrast;
mod reach;

use bevy::prelude::*;
use bevy_egui::egui::vec2;

use super::action::UserAction;
use super::pane::{Berth, PANES};
use super::pin::PinWish;
use super::question::Question;
use super::state::{Notices, Now, Tone};
use super::testing::{Hud, NOW, job_event, preflight, status, status_event};
use crate::domain::ids::JobId;
use crate::domain::job::{JobState, Payment::Received};
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Network, Payment, PaymentState};
use crate::domain::relay::{RelayHealth, RelayState};
use crate::domain::spend_lock::{SpendState, Spending};
use crate::node::status::WalletView;
use crate::node::{Failure, Fate, Fault, Link, NodeCommand, NodeEvent, NodeState, NodeStatus, Scope, TestStep};
use crate::store::JobRow;
use crate::wallet::{Snapshot, SyncState};

/// Room for all of a pane: what is scrolled away is not looked at.
const TALL: bevy_egui::egui::Vec2 = vec2(1280.0, 1600.0);

/// Fills a window with something of everything.
fn furnish(hud: &mut Hud) {
    let snapshot = Snapshot {
        balance: MilliSats(48_210_000),
        pending_in: MilliSats(0),
        pending_out: MilliSats(0),
        network: Network::Practice,
        source: "practice".into(),
        as_of: NOW,
        sync: SyncState::Unreachable { reason: "it is off".into() },
    };
    let relay = RelayHealth {
        url: "wss://relay.example".into(),
        state: RelayState::Retrying,
        last_error: Some("refused".into()),
        last_event_at: Some(NOW),
        ..RelayHealth::default()
    };
    let wallet = Some(WalletView { kind: "practice".into(), snapshot });
    let spending = Some(Spending { state: SpendState::Locked, has_pin: true, tries_left: 3, ..Spending::default() });
    hud.say(NodeEvent::Preflight { preflight: Box::new(preflight()) });
    hud.say(NodeEvent::Status { status: Box::new(NodeStatus { wallet, spending, ..status(NodeState::Online) }) });
    hud.say(NodeEvent::Relays { relays: vec![relay] });
    for (number, state) in
        [(1, JobState::Running), (2, JobState::Done), (3, JobState::Failed), (4, JobState::RefundDue), (5, JobState::Refused)]
    {
        hud.say(job_event(number, state));
    }
    let paid = JobRow { payment: Received, price: MilliSats(100_000_000), ..super::testing::job(6, JobState::Done) };
    hud.say(NodeEvent::JobChanged { job: Box::new(paid) });
    let states = [PaymentState::Settled { at: NOW }, PaymentState::Pending, PaymentState::Failed { reason: "no way".into() }];
    for (number, state) in states.into_iter().enumerate() {
        for direction in [Direction::In, Direction::Out] {
            hud.say(NodeEvent::Payment { payment: Box::new(payment(number, direction, state.clone())) });
        }
    }
    hud.say(NodeEvent::JobProgress {
        job: super::testing::job(1, JobState::Running).id,
        chars: 60,
        tokens: 17,
        max_tokens: 512,
        tail: "and so on".into(),
    });
    hud.say(NodeEvent::Testing { step: TestStep::Answered { job: JobId([1; 32]), text: "Hello.".into(), took_ms: 5 } });
    hud.say(NodeEvent::Fault { fault: Fault { scope: Scope::Relays, message: "A relay is gone.".into(), hint: "Wait.".into() } });
    hud.settle();
    hud.app.world_mut().write_message(UserAction::DismissAll);
    hud.app.world_mut().write_message(UserAction::CloseActive);
    hud.settle();
    hud.take_asked();
}

fn payment(number: usize, direction: Direction, state: PaymentState) -> Payment {
    Payment {
        id: number.to_string(),
        direction,
        state,
        amount: MilliSats(5_000),
        fee: MilliSats(0),
        hash: None,
        preimage: None,
        created_at: NOW,
        description: "a coffee".into(),
    }
}

fn escape(hud: &mut Hud) {
    hud.key(KeyCode::Escape, bevy::input::keyboard::Key::Escape);
    hud.settle();
}

/// Shows a window in every state it has, one after the other, each furnished.
fn each_state(make: impl Fn() -> Hud, mut look: impl FnMut(&str, &mut Hud)) {
    let mut hud = make();
    hud.size = TALL;
    hud.settle();
    look("as it opens", &mut hud);
    furnish(&mut hud);
    look("nothing open", &mut hud);
    for spec in &PANES {
        let Berth::Slot(slot) = spec.berth else { continue };
        hud.open(slot);
        hud.app.world_mut().write_message(UserAction::Tidy);
        hud.settle();
        look(spec.title, &mut hud);
        hud.open(slot);
    }
    hud.open(1);
    for part in ["RECEIVE", "SEND"] {
        hud.click(part);
        look(part, &mut hud);
    }
    hud.open(1);
    for tone in [Tone::Good, Tone::Warning, Tone::Error] {
        let now = hud.app.world().resource::<Now>().0;
        hud.app.world_mut().resource_mut::<Notices>().tell(now, tone, "A title.", "And what to do about it.");
        hud.settle();
    }
    look("notices", &mut hud);
    hud.app.world_mut().write_message(UserAction::DismissAll);
    let question = Question::careful("Reset?", "Everything goes back.", "Reset", UserAction::Tidy);
    hud.app.world_mut().write_message(UserAction::Question(Box::new(question)));
    hud.settle();
    look("a question", &mut hud);
    escape(&mut hud);
    hud.app.world_mut().write_message(UserAction::AskPin(PinWish::Set));
    hud.settle();
    look("the PIN", &mut hud);
    hud.size = vec2(600.0, 400.0);
    hud.settle();
    look("the PIN in a low window", &mut hud);
    hud.size = TALL;
    escape(&mut hud);
    let link = Link::Lost { pid: 4711, since: NOW, fate: Fate::Gone, mode: crate::config::Mode::Daemon };
    hud.say(NodeEvent::Link { link });
    hud.settle();
    look("the link lost", &mut hud);
    hud.say(NodeEvent::Link { link: Link::Inside });
    hud.say(status_event(NodeState::Stopped));
    hud.settle();
    hud.press(KeyCode::KeyG, "g");
    hud.settle();
    hud.answer(&NodeCommand::GoOnline, NodeEvent::Failed { failure: Failure::locked("It is encrypted.") });
    hud.settle();
    look("the passphrase", &mut hud);
}
