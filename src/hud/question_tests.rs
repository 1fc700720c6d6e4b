#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use bevy::input::keyboard::Key as Printed;

use super::*;
use crate::hud::testing::{Hud, online};
use crate::node::{Leaving, Link, NodeCommand, NodeEvent, NodeState, NodeStatus, Whose};

fn ask(hud: &mut Hud) {
    let question = Question::careful("Reset?", "Everything goes back.", "Reset", UserAction::Copy("done".into()));
    hud.app.world_mut().write_message(UserAction::Question(Box::new(question)));
    hud.settle();
    hud.assert_shows("RESET?");
}

fn key(hud: &mut Hud, code: KeyCode, printed: Printed) {
    hud.key(code, printed);
    hud.settle();
}

fn enter(hud: &mut Hud) {
    key(hud, KeyCode::Enter, Printed::Enter);
}

/// A node of ours with jobs.
fn busy() -> Hud {
    let mut hud = online();
    let status = NodeStatus { in_flight: 1, queued: 2, ..crate::hud::testing::status(NodeState::Online) };
    hud.say(NodeEvent::Status { status: Box::new(status) });
    hud.settle();
    hud.take_asked();
    hud
}

fn has_ended(hud: &Hud) -> bool {
    !hud.app.world().resource::<Messages<AppExit>>().is_empty()
}

#[test]
fn a_careful_question_has_the_ring_on_no_and_escape_is_no() {
    let mut hud = Hud::new();
    ask(&mut hud);
    enter(&mut hud);
    assert!(!hud.shows("RESET?") && !hud.shows("Copied."), "Enter is no yes to something that cannot be undone");
    ask(&mut hud);
    key(&mut hud, KeyCode::Escape, Printed::Escape);
    assert!(!hud.shows("RESET?") && !hud.shows("Copied."));
    hud.assert_shows("SELL COMPUTE");
    ask(&mut hud);
    key(&mut hud, KeyCode::ArrowUp, Printed::ArrowUp);
    enter(&mut hud);
    hud.assert_shows("Copied.");
}

#[test]
fn nothing_else_hears_keys_or_the_pointer_while_a_question_stands() {
    let mut hud = Hud::new();
    ask(&mut hud);
    hud.press(KeyCode::Digit3, "3");
    hud.press(KeyCode::KeyG, "g");
    hud.hold(KeyCode::ControlLeft, |hud| hud.press(KeyCode::KeyW, "w"));
    hud.settle();
    hud.take_asked();
    assert!(!hud.shows("JOB HISTORY") && hud.shows("SELL COMPUTE"));
    hud.click("GO ONLINE");
    assert!(hud.take_asked().is_empty(), "what lies below is not pressed");
    hud.assert_shows("RESET?");
    hud.click("RESET");
    hud.assert_shows("Copied.");
    hud.press(KeyCode::Digit3, "3");
    hud.settle();
    hud.assert_shows("JOB HISTORY");
}

#[test]
fn a_node_with_jobs_is_stopped_with_them_or_without_and_an_idle_one_at_once() {
    let stop = |how| NodeCommand::Stop { how };
    let mut hud = busy();
    hud.open(4);
    hud.take_asked();
    for (answer, wanted) in
        [("FINISH THEM, THEN STOP", Some(Leaving::Finish)), ("DROP THEM AND STOP NOW", Some(Leaving::Now)), ("CANCEL", None)]
    {
        hud.app.world_mut().write_message(UserAction::Ask(stop(Leaving::Finish)));
        hud.settle();
        hud.assert_shows("3 jobs under way");
        hud.click(answer);
        assert_eq!(hud.take_asked(), wanted.map(stop).into_iter().collect::<Vec<_>>(), "{answer}");
    }
    let mut idle = online();
    idle.take_asked();
    idle.app.world_mut().write_message(UserAction::Ask(stop(Leaving::Finish)));
    idle.settle();
    assert_eq!(idle.take_asked(), [stop(Leaving::Finish)]);
}

/// Presses the button in the title bar. Whether the program has ended.
fn close_window(hud: &mut Hud) -> bool {
    let window = hud.app.world_mut().query_filtered::<Entity, With<bevy::window::PrimaryWindow>>().single(hud.app.world()).unwrap();
    hud.app.world_mut().write_message(bevy::window::WindowCloseRequested { window });
    hud.frame();
    let ended = has_ended(hud);
    hud.settle();
    ended
}

#[test]
fn closing_the_window_asks_while_jobs_would_be_dropped_and_whoever_insists_is_obeyed() {
    let mut hud = busy();
    assert!(!close_window(&mut hud));
    hud.assert_shows("QUIT?");
    hud.click("STAY");
    assert!(!hud.shows("QUIT?") && !has_ended(&hud));
    assert!(!close_window(&mut hud) && close_window(&mut hud));
    assert!(close_window(&mut Hud::new()), "an idle one asks nothing");

    let mut elsewhere = busy();
    elsewhere.say(NodeEvent::Link { link: Link::Outside { pid: 4711, whose: Whose::Found } });
    elsewhere.settle();
    elsewhere.hold(KeyCode::ControlLeft, |hud| hud.press(KeyCode::KeyQ, "q"));
    elsewhere.frame();
    assert!(has_ended(&elsewhere), "a node that outlives the window keeps its jobs");
}

#[test]
fn the_same_question_is_not_asked_twice_and_another_waits_for_it() {
    let mut questions = Questions::default();
    let one = Question::careful("One?", "", "Yes", UserAction::Tidy);
    let other = Question::careful("Other?", "", "Yes", UserAction::Quit);
    for question in [&one, &other, &one] {
        questions.ask(question.clone());
    }
    assert_eq!(questions.answer(0), Some(UserAction::Sure(Box::new(UserAction::Tidy))));
    assert_eq!(questions.now(), Some(&other));
    assert_eq!(questions.answer(1), Some(UserAction::Nothing));
    assert_eq!((questions.answer(0), questions.now()), (None, None));
}
