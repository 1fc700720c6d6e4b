//! Lights, figures and bars that move: by time, only as long as there is something to see, and not at all under reduced
//! motion.

use std::time::Duration;

use bevy::prelude::*;
use bevy::time::Real;
use bevy_egui::egui::Shape;
use bevy_egui::{EguiFullOutput, EguiPostUpdateSet};

use super::super::{PaneKind, PanePulse};
use crate::domain::job::JobState;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Network, Payment, PaymentState};
use crate::hud::HudSystems;
use crate::hud::action::UserAction;
use crate::hud::bridge::Alarm;
use crate::hud::prefs::Motions;
use crate::hud::testing::{Hud, NOW, job, job_event, online, status};
use crate::hud::theme::tokens;
use crate::node::status::WalletView;
use crate::node::{Fate, Link, Market, NodeEvent, NodeState, NodeStatus};
use crate::wallet::{Snapshot, SyncState};

fn balance(sats: u64) -> NodeEvent {
    let snapshot = Snapshot {
        balance: MilliSats(sats * 1_000),
        pending_in: MilliSats(0),
        pending_out: MilliSats(0),
        network: Network::Practice,
        source: "test".into(),
        as_of: NOW,
        sync: SyncState::Synced,
    };
    let wallet = Some(WalletView { kind: "practice".into(), snapshot });
    NodeEvent::Status { status: Box::new(NodeStatus { wallet, ..status(NodeState::Online) }) }
}

fn payment(id: &str, state: PaymentState) -> NodeEvent {
    let payment = Payment {
        id: id.into(),
        direction: Direction::In,
        state,
        amount: MilliSats(5_000),
        fee: MilliSats(0),
        hash: None,
        preimage: None,
        created_at: NOW,
        description: String::new(),
    };
    NodeEvent::Payment { payment: Box::new(payment) }
}

fn pulse(hud: &mut Hud, kind: PaneKind) -> PanePulse {
    let pane = hud.pane(kind);
    *hud.app.world().get::<PanePulse>(pane).unwrap()
}

/// Under reduced motion, if so.
fn with_wallet(motions: Motions) -> Hud {
    let mut hud = Hud::new();
    hud.app.world_mut().write_message(UserAction::SetMotions(motions));
    hud.say(balance(1_000));
    hud.open(1);
    hud
}

#[test]
fn a_balance_counts_to_its_new_figure_in_400_ms_and_is_there_at_once_the_first_time() {
    let mut hud = with_wallet(Motions::Full);
    hud.assert_shows("1\u{2009}000");
    hud.say(balance(2_000));
    hud.frame();
    hud.assert_shows("1\u{2009}000");
    hud.frame_after(Duration::from_millis(100));
    assert!(!hud.shows("1\u{2009}000") && !hud.shows("2\u{2009}000"), "on its way: {:?}", hud.texts());
    // Interrupted: on from the figure that is shown.
    hud.say(balance(1_500));
    hud.frame_after(Duration::from_millis(20));
    hud.frame_after(Duration::from_millis(300));
    assert!(hud.wants_more());
    hud.frame_after(Duration::from_millis(100));
    hud.assert_shows("1\u{2009}500");
    hud.settle();
    assert!(!hud.wants_more());
}

#[test]
fn money_that_comes_in_lights_up_the_wallet_once_and_pending_money_does_not() {
    let mut hud = with_wallet(Motions::Full);
    hud.say(payment("a", PaymentState::Pending));
    hud.frame();
    assert_eq!(pulse(&mut hud, PaneKind::Wallet).payment, None);
    hud.say(payment("a", PaymentState::Settled { at: NOW }));
    hud.frame();
    assert_eq!(pulse(&mut hud, PaneKind::Wallet).payment, Some(0.0));
    hud.frame_after(Duration::from_millis(300));
    assert!(pulse(&mut hud, PaneKind::Wallet).payment.is_some_and(|part| (part - 0.5).abs() < 0.01));
    hud.frame_after(Duration::from_millis(300));
    assert_eq!(pulse(&mut hud, PaneKind::Wallet).payment, None);
    hud.settle();
    // Told again: no second light.
    hud.say(payment("a", PaymentState::Settled { at: NOW }));
    hud.frame();
    assert_eq!(pulse(&mut hud, PaneKind::Wallet).payment, None);
}

#[test]
fn a_light_goes_around_a_pane_in_which_a_job_runs_and_between_two_rounds_nothing_is_drawn() {
    let mut hud = online();
    hud.say(job_event(1, JobState::Running));
    hud.frame();
    hud.frame();
    assert!(pulse(&mut hud, PaneKind::SellCompute).work.is_some() && hud.wants_more());
    hud.settle();
    assert_eq!(pulse(&mut hud, PaneKind::SellCompute).work, None, "it rests");
    for _ in 0..5 {
        hud.frame();
        assert!(!hud.wants_more());
    }
    assert!(hud.app.world().resource::<Alarm>().wanted().is_some(), "the window will be woken for the next");
    hud.frame_after(Duration::from_millis(1_500));
    assert!(pulse(&mut hud, PaneKind::SellCompute).work.is_some());
    hud.say(job_event(1, JobState::Done));
    hud.settle();
    hud.frame_after(Duration::from_secs(60));
    assert_eq!(pulse(&mut hud, PaneKind::SellCompute).work, None, "the job is done");
}

#[test]
fn while_the_node_is_out_of_reach_no_light_says_that_a_job_runs_and_nothing_wakes_the_window_for_one() {
    let mut hud = online();
    hud.say(job_event(1, JobState::Running));
    hud.settle();
    hud.say(NodeEvent::Link { link: Link::Lost { pid: 4711, since: NOW, fate: Fate::Silent, mode: crate::config::Mode::Daemon } });
    hud.settle();
    assert!(!pulse(&mut hud, PaneKind::SellCompute).works);
    for _ in 0..3 {
        hud.frame_after(Duration::from_secs(2));
        hud.frame();
        assert_eq!(pulse(&mut hud, PaneKind::SellCompute).work, None);
    }
    // The age of the loss is told by the minute after a while, and nothing else is due.
    hud.frame_after(Duration::from_secs(3_600));
    hud.settle();
    let frame = hud.app.world().resource::<Time<Real>>().last_update().unwrap();
    let next = hud.app.world().resource::<Alarm>().wanted();
    assert!(next.is_none_or(|at| at > frame + Duration::from_secs(10)), "{:?}", next.map(|at| at - frame));
}

#[test]
fn under_reduced_motion_no_light_runs_no_figure_rolls_and_no_bar_glides() {
    let mut hud = with_wallet(Motions::Reduced);
    hud.say(payment("a", PaymentState::Settled { at: NOW }));
    hud.say(job_event(1, JobState::Running));
    hud.say(NodeEvent::JobProgress { job: job(1, JobState::Running).id, chars: 60, tokens: 17, max_tokens: 512, tail: "so".into() });
    hud.frame();
    hud.say(balance(2_000));
    hud.say(NodeEvent::JobProgress { job: job(1, JobState::Running).id, chars: 90, tokens: 400, max_tokens: 512, tail: "so".into() });
    hud.frame();
    hud.frame();
    hud.assert_shows("2\u{2009}000");
    assert_eq!(pulse(&mut hud, PaneKind::Wallet).payment, None);
    assert_eq!(pulse(&mut hud, PaneKind::SellCompute).work, None);
    hud.settle();
    assert!(!hud.wants_more());
}

#[test]
fn a_bar_glides_to_how_far_a_job_is_and_then_nothing_is_drawn() {
    let mut hud = online();
    hud.say(job_event(1, JobState::Running));
    hud.settle();
    let progress =
        |tokens| NodeEvent::JobProgress { job: job(1, JobState::Running).id, chars: 60, tokens, max_tokens: 512, tail: "so".into() };
    hud.say(progress(10));
    hud.settle();
    hud.say(progress(400));
    hud.frame();
    hud.frame_after(Duration::from_millis(60));
    assert!(hud.wants_more(), "it is on its way");
    hud.frame_after(Duration::from_millis(200));
    hud.frame();
    assert!(!hud.wants_more(), "and has arrived");
}

#[test]
fn another_market_is_no_payment() {
    let mut hud = with_wallet(Motions::Full);
    hud.say(payment("a", PaymentState::Settled { at: NOW }));
    hud.settle();
    hud.say(NodeEvent::Status { status: Box::new(status(NodeState::Stopped)) });
    hud.settle();
    hud.app.world_mut().write_message(UserAction::ChooseAgain);
    hud.settle();
    hud.app.world_mut().write_message(UserAction::Enter(Market::Practice));
    hud.open(1);
    hud.frame();
    assert_eq!(pulse(&mut hud, PaneKind::Wallet).payment, None);
}

/// What was drawn last.
#[derive(Resource, Default)]
struct Drawn(Vec<Shape>);

fn keep(outputs: Query<'_, '_, &EguiFullOutput>, mut drawn: ResMut<'_, Drawn>) {
    let shapes = outputs.iter().filter_map(|output| output.0.as_ref()).flat_map(|output| &output.shapes);
    drawn.0 = shapes.map(|shape| shape.shape.clone()).collect();
}

/// Whether the light runs along a pane's upper border that says that it is the active one now.
fn sweeps(hud: &mut Hud, kind: PaneKind) -> bool {
    let top = hud.place(kind).top();
    hud.app.world().resource::<Drawn>().0.iter().any(|shape| match shape {
        Shape::LineSegment { points: [from, to], stroke } => from.y == top && to.y == top && stroke.width == tokens::FOCUS_RING,
        _ => false,
    })
}

#[test]
fn a_light_runs_along_the_pane_that_becomes_active_and_not_along_the_one_that_was() {
    let mut hud = Hud::new();
    hud.open(2);
    hud.app.init_resource::<Drawn>();
    hud.app
        .add_systems(PostUpdate, keep.after(EguiPostUpdateSet::EndPass).before(EguiPostUpdateSet::ProcessOutput).before(HudSystems::Act));
    hud.settle();
    assert_ne!(hud.place(PaneKind::SellCompute).top(), hud.place(PaneKind::JobHistory).top());
    let sell = hud.pane(PaneKind::SellCompute);
    hud.app.world_mut().write_message(UserAction::Focus(sell));
    hud.frame();
    hud.frame();
    hud.frame_after(Duration::from_millis(60));
    hud.frame();
    assert_eq!((sweeps(&mut hud, PaneKind::SellCompute), sweeps(&mut hud, PaneKind::JobHistory)), (true, false));
    hud.settle();
    assert!(!sweeps(&mut hud, PaneKind::SellCompute), "once");
}
