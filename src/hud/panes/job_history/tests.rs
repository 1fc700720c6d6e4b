//! The ledger's rows, one job, and what is owed.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use bevy::time::{Real, Time};

use crate::domain::ids::{JobId, Pubkey};
use crate::domain::job::{JobState, Payment, Policy};
use crate::domain::money::MilliSats;
use crate::domain::time::DAY_MS;
use crate::hud::action::UserAction;
use crate::hud::bridge::Alarm;
use crate::hud::testing::{Hud, NOW, job, job_event, online, status_event};
use crate::node::{Failure, NodeCommand, NodeEvent, NodeState};
use crate::store::{JobDetail, JobRecord, JobsQuery, Page};

/// The whole of a job with this id.
fn detail(id: JobId, state: JobState) -> JobDetail {
    let record = JobRecord {
        id,
        buyer: Pubkey([7; 32]),
        kind: 5050,
        created_at: NOW,
        seen_at: NOW,
        state,
        policy: Policy::PayFirst,
        payment: Payment::Received,
        scheme: "plain".into(),
        address: "targeted".into(),
        model: None,
        ran_model: None,
        backend: None,
        prompt: Some("Say hello.".into()),
        prompt_chars: 10,
        bid: None,
        price: MilliSats(3_000),
        reason_code: None,
        reason: None,
        started_at: None,
        answered_at: None,
        delivered_at: None,
        ended_at: None,
        prompt_tokens: None,
        answer_tokens: None,
        answer_ns: None,
        infer_ms: None,
        finish: None,
    };
    JobDetail { record, journal: Vec::new(), publications: Vec::new(), answer: None, truncated: false }
}

fn ask(hud: &mut Hud, command: &NodeCommand) {
    hud.app.world_mut().write_message(UserAction::Ask(command.clone()));
    hud.frame();
}

#[test]
fn job_history_shows_the_ledger_and_what_changes_in_it() {
    let mut hud = online();
    hud.open(2);
    hud.assert_shows("Asking…");
    assert!(!hud.shows("No jobs yet."), "nobody knows yet");
    hud.answer(&NodeCommand::Jobs { query: JobsQuery::default() }, NodeEvent::Jobs { page: Page { rows: Vec::new(), next: None } });
    hud.settle();
    hud.assert_shows("No jobs yet.");
    let first = job(1, JobState::Done);
    ask(&mut hud, &NodeCommand::Jobs { query: JobsQuery::default() });
    hud.answer(
        &NodeCommand::Jobs { query: JobsQuery::default() },
        NodeEvent::Jobs { page: Page { rows: vec![first.clone()], next: None } },
    );
    hud.settle();
    hud.assert_shows("00000001");
    hud.say(job_event(2, JobState::Running));
    hud.settle();
    let texts = hud.texts();
    let at = |text: &str| texts.iter().position(|seen| *seen == text).unwrap();
    assert!(at("00000002") < at("00000001"), "the newest is on top: {texts:#?}");
    hud.say(job_event(2, JobState::Failed));
    hud.settle();
    hud.assert_shows("failed");
}

#[test]
fn in_a_small_pane_the_jobs_come_before_what_they_add_up_to() {
    let mut hud = online();
    hud.open(2);
    hud.say(job_event(1, JobState::Done));
    hud.answer(&NodeCommand::Stats, NodeEvent::Stats { stats: Box::default() });
    hud.settle();
    hud.assert_shows("jobs 7 d");
    hud.size = bevy_egui::egui::vec2(640.0, 300.0);
    hud.settle();
    assert!(!hud.shows("jobs 7 d"));
    hud.assert_shows("00000001");
}

#[test]
fn the_ledger_that_cannot_be_read_says_why_and_keeps_its_rows() {
    let mut hud = online();
    hud.open(2);
    hud.say(job_event(1, JobState::Done));
    hud.answer(&NodeCommand::Jobs { query: JobsQuery::default() }, NodeEvent::Failed { failure: Failure::user("The disk is gone.") });
    hud.settle();
    hud.assert_shows("The disk is gone.");
    hud.assert_shows("00000001");
}

#[test]
fn a_ledger_that_could_not_be_read_is_not_said_to_be_empty_and_each_trouble_ends_with_its_own_success() {
    let mut hud = online();
    hud.open(2);
    let jobs = NodeCommand::Jobs { query: JobsQuery::default() };
    hud.answer(&jobs, NodeEvent::Failed { failure: Failure::user("The jobs are gone.") });
    hud.answer(&NodeCommand::Stats, NodeEvent::Failed { failure: Failure::user("The totals are gone.") });
    hud.settle();
    hud.assert_shows("The jobs are gone.");
    assert!(!hud.shows("No jobs yet."));
    ask(&mut hud, &jobs);
    hud.answer(&jobs, NodeEvent::Jobs { page: Page { rows: Vec::new(), next: None } });
    hud.settle();
    hud.assert_shows("The totals are gone.");
    ask(&mut hud, &NodeCommand::Stats);
    hud.answer(&NodeCommand::Stats, NodeEvent::Stats { stats: Box::default() });
    hud.settle();
    assert!(!hud.shows("could not be read"));
}

#[test]
fn at_midnight_the_totals_are_asked_for_again_because_today_is_another_day() {
    let mut hud = Hud::new();
    for state in [NodeState::Offline, NodeState::Online] {
        hud.answer(&NodeCommand::Stats, NodeEvent::Stats { stats: Box::default() });
        hud.say(status_event(state));
        hud.settle();
    }
    hud.take_asked();
    hud.frame_after(Duration::from_secs(3_600));
    assert!(!hud.take_asked().contains(&NodeCommand::Stats), "the same day");
    let left = Duration::from_millis(DAY_MS - NOW.since(NOW.day_start())).saturating_sub(Duration::from_secs(3_600));
    let frame = hud.app.world().resource::<Time<Real>>().last_update().unwrap();
    let wake = hud.app.world().resource::<Alarm>().wanted().unwrap();
    assert!(wake <= frame + left, "the window is woken for it");
    hud.frame_after(left);
    assert_eq!(hud.take_asked().iter().filter(|asked| **asked == NodeCommand::Stats).count(), 1);
    hud.frame();
    assert!(!hud.take_asked().contains(&NodeCommand::Stats), "once is enough");
    hud.settle();
}

#[test]
fn what_is_owed_to_a_buyer_goes_back_by_one_press_and_a_yes() {
    let mut hud = online();
    hud.open(2);
    let owed = detail(job(1, JobState::RefundDue).id, JobState::RefundDue);
    let id = owed.record.id;
    hud.app.world_mut().write_message(UserAction::ShowJob(Some(id)));
    hud.settle();
    hud.answer(&NodeCommand::Job { job: id.to_string() }, NodeEvent::JobDetail { job: Box::new(owed) });
    hud.settle();
    hud.assert_shows("owed to the buyer");
    hud.take_asked();
    hud.click("Refund");
    hud.assert_shows("GIVE THE MONEY BACK?");
    hud.click("REFUND");
    assert_eq!(hud.take_asked(), [NodeCommand::Refund { job: id.to_string(), to: None }]);
}
