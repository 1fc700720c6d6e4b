//! Jobs in panes of their own: several at once, each gone when it is closed.

use bevy::prelude::*;

use super::super::{ActivePane, Pane, PaneKind, Shows};
use crate::domain::ids::JobId;
use crate::domain::job::JobState;
use crate::hud::action::UserAction;
use crate::hud::testing::{Hud, job, job_event, online};
use crate::node::{Failure, NodeCommand, NodeEvent};

fn shown(hud: &mut Hud) -> Vec<JobId> {
    let world = hud.app.world_mut();
    let mut jobs: Vec<JobId> = world.query::<&Shows>().iter(world).map(|shows| shows.0).collect();
    jobs.sort_unstable();
    jobs
}

#[test]
fn a_job_is_opened_from_the_history_in_a_pane_of_its_own_and_several_stand_beside_each_other() {
    let mut hud = online();
    hud.open(2);
    for number in [1, 2] {
        hud.say(job_event(number, JobState::Done));
    }
    hud.settle();
    let (one, two) = (job(1, JobState::Done).id, job(2, JobState::Done).id);
    hud.take_asked();
    hud.click("00000001");
    hud.tap("Open in a pane of its own");
    assert_eq!(hud.stack().last(), Some(&PaneKind::JobDetail), "in front of where it was opened");
    hud.assert_shows("JOB 00000001");
    assert!(hud.take_asked().contains(&NodeCommand::Job { job: one.to_string() }));
    hud.app.world_mut().write_message(UserAction::OpenJob(two));
    hud.settle();
    hud.assert_shows("JOB 00000002");
    assert_eq!(shown(&mut hud), [one, two]);
    // The same job once more: the pane it has.
    hud.app.world_mut().write_message(UserAction::OpenJob(one));
    hud.settle();
    assert_eq!(shown(&mut hud), [one, two]);
    let active = hud.app.world().resource::<ActivePane>().0.unwrap();
    assert_eq!(hud.app.world().get::<Shows>(active), Some(&Shows(one)));
    hud.assert_inside();
}

#[test]
fn the_pane_of_a_job_is_no_more_when_it_is_closed_and_the_one_behind_it_is_active() {
    let mut hud = online();
    let id = job(1, JobState::Done).id;
    hud.app.world_mut().write_message(UserAction::OpenJob(id));
    hud.settle();
    let pane = hud.app.world().resource::<ActivePane>().0.unwrap();
    hud.app.world_mut().write_message(UserAction::Close(pane));
    hud.settle();
    assert!(hud.app.world().get::<Pane>(pane).is_none());
    let first = hud.pane(PaneKind::SellCompute);
    assert_eq!(hud.app.world().resource::<ActivePane>().0, Some(first));
    // Closed while it opens: gone as well, and the next one is new.
    hud.app.world_mut().write_message(UserAction::OpenJob(id));
    hud.frame();
    hud.frame();
    let next = hud.app.world().resource::<ActivePane>().0.unwrap();
    hud.app.world_mut().write_message(UserAction::Close(next));
    hud.settle();
    assert_eq!(shown(&mut hud), []);
}

#[test]
fn a_job_that_changes_is_asked_for_again_and_one_that_is_not_there_says_so_in_its_pane() {
    let mut hud = online();
    let id = job(1, JobState::Running).id;
    hud.say(job_event(1, JobState::Running));
    hud.app.world_mut().write_message(UserAction::OpenJob(id));
    hud.settle();
    let asked = NodeCommand::Job { job: id.to_string() };
    assert_eq!(hud.take_asked().iter().filter(|command| **command == asked).count(), 1, "once");
    hud.say(job_event(1, JobState::Done));
    hud.settle();
    assert!(hud.asked().contains(&asked), "again");
    hud.answer(&asked, NodeEvent::Failed { failure: Failure::user("There is no such job.") });
    hud.settle();
    hud.assert_shows("× There is no such job.");
    assert!(!hud.shows("dismiss"), "no notice says it a second time");
}
