//! The banner over everything while the node is out of reach: what has become of it, how old what is shown is, and what
//! can be done.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align2, Area, Id, Label, Margin, Order, Sides, Stroke, Ui, vec2};

use super::action::UserAction;
use super::state::{Now, Session};
use super::theme::{Text, Theme, tokens};
use super::widgets::{Age, Ink, Signal, Wishes, button, card, ink, lamp, words};
use crate::config::Mode;
use crate::node::{Fate, Link, NodeCommand};

/// Draws it while the link is lost.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    session: Res<'_, Session>,
    now: Res<'_, Now>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    if session.link.is_up() {
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    let mut wishes = Wishes::default();
    let below_chips = vec2(0.0, tokens::EDGE + tokens::CHIP + tokens::GAP);
    let area = Area::new(Id::new("link banner")).order(Order::Foreground).anchor(Align2::CENTER_TOP, below_chips);
    area.movable(false).fade_in(false).show(context, |ui| view(ui, Ink(theme.palette), &session, *now, &mut wishes));
    actions.write_batch(wishes.take());
    Ok(())
}

/// Draws the content.
pub fn view(ui: &mut Ui, ink: Ink, session: &Session, now: Now, wishes: &mut Wishes) {
    let Link::Lost { pid, since, fate, mode } = session.link else { return };
    let frame = card::frame(ink).fill(ink.0.surface_0).stroke(Stroke::new(tokens::HAIRLINE, Signal::Bad.colour(&ink.0)));
    frame.inner_margin(Margin::same(tokens::PANE_PADDING)).show(ui, |ui| {
        ui.set_width(tokens::BANNER_WIDTH.min(ui.ctx().viewport_rect().width() - 4.0 * f32::from(tokens::PANE_PADDING)));
        ui.spacing_mut().item_spacing.y = tokens::STEP;
        let title = |ui: &mut Ui| {
            lamp::lamp(ui, Signal::Bad);
            ui.label(ink::title("Link lost", Text::Body, ink.0.text_high));
        };
        let cure = |ui: &mut Ui| fate == Fate::Gone && mode != Mode::Attached && button::small(ui, "Start the node").clicked();
        let (_, pressed) = Sides::new().height(tokens::ROW).shrink_left().truncate().show(ui, title, cure);
        if pressed {
            wishes.ask(NodeCommand::Start);
        }
        ui.add(Label::new(ink.mid(Text::Body, what_happened(pid, fate, mode))).wrap());
        let age = format!("What you see is from {}, {} UTC.", Age::of(now.0.since(since)).ago(), words::clock(since));
        ui.add(Label::new(ink.signal(Signal::Warning, Text::Table, age)).wrap());
    });
}

/// In words, with the cure.
fn what_happened(pid: u32, fate: Fate, mode: Mode) -> String {
    match (fate, mode) {
        (Fate::Gone, Mode::Attached) => {
            format!("The node in process {pid} has ended without a word. `pylon start` starts it; this window finds it by itself.")
        }
        (Fate::Gone, Mode::InProcess | Mode::Daemon) => {
            format!("The node in process {pid} has ended without a word. Nothing in its ledger is lost. It is looked for by itself.")
        }
        (Fate::Silent, _) => {
            format!(
                "The node in process {pid} does not answer: it may be paused, or it hangs. It is asked again by itself; \
                 `pylon stop --force` ends it."
            )
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::time::Duration;

    use bevy::prelude::KeyCode;

    use super::*;
    use crate::domain::job::JobState;
    use crate::hud::state::Jobs;
    use crate::hud::testing::{Hud, NOW, job, job_event, online, status_event};
    use crate::node::{NodeEvent, NodeState, RobotKind, Whose};
    use crate::store::{JobsQuery, Page};

    fn say(hud: &mut Hud, link: Link) {
        hud.say(NodeEvent::Link { link });
        hud.settle();
    }

    const FOUND: Link = Link::Outside { pid: 4711, whose: Whose::Found };

    fn lost(fate: Fate, mode: Mode) -> Link {
        Link::Lost { pid: 4711, since: NOW, fate, mode }
    }

    #[test]
    fn a_node_that_is_lost_is_told_in_words_with_the_age_of_what_is_shown() {
        let mut hud = online();
        say(&mut hud, FOUND);
        hud.assert_shows("Attached to the node in process 4711.");
        assert!(hud.texts().contains(&"ONLINE"));
        say(&mut hud, lost(Fate::Gone, Mode::InProcess));
        hud.assert_shows("LINK LOST");
        hud.assert_shows("process 4711 has ended without a word");
        hud.assert_shows("What you see is from just now, 22:13:20 UTC.");
        assert!(!hud.texts().contains(&"ONLINE"), "{:#?}", hud.texts());
        assert!(hud.app.world().resource::<crate::hud::bridge::Alarm>().wanted().is_some(), "the age goes on by itself");
        hud.frame_after(Duration::from_secs(31));
        hud.settle();
        hud.assert_shows("What you see is from 30 s ago");
    }

    #[test]
    fn a_node_that_is_back_is_asked_for_everything_and_shown_as_it_is_now() {
        let mut hud = online();
        say(&mut hud, FOUND);
        hud.say(job_event(1, JobState::Running));
        say(&mut hud, lost(Fate::Gone, Mode::Attached));
        hud.take_asked();
        hud.open(6);
        assert!(hud.take_asked().is_empty(), "nobody is there to be asked");
        hud.say(NodeEvent::Link { link: Link::Outside { pid: 4712, whose: Whose::Found } });
        hud.say(status_event(NodeState::Online));
        hud.settle();
        assert!(!hud.shows("LINK LOST"));
        hud.assert_shows("ONLINE");
        let jobs = NodeCommand::Jobs { query: JobsQuery::default() };
        let asked = hud.asked();
        for question in [&jobs, &NodeCommand::Stats, &NodeCommand::Preflight, &NodeCommand::Models, &NodeCommand::Relays] {
            assert!(asked.contains(question), "{question:?} is not in {asked:?}");
        }
        // The job of before was done while nobody listened; another one is under way.
        let page = Page { rows: vec![job(2, JobState::Running), job(1, JobState::Done)], next: None };
        hud.answer(&jobs, NodeEvent::Jobs { page });
        hud.settle();
        let under_way: Vec<_> = hud.app.world().resource::<Jobs>().under_way.keys().copied().collect();
        assert_eq!(under_way, [job(2, JobState::Running).id]);
    }

    #[test]
    fn a_dead_node_can_be_started_again_from_the_banner_and_a_silent_one_cannot() {
        let mut hud = online();
        say(&mut hud, FOUND);
        say(&mut hud, lost(Fate::Silent, Mode::Daemon));
        hud.assert_shows("does not answer");
        hud.assert_shows("pylon stop --force");
        hud.take_asked();
        hud.press(KeyCode::KeyG, "g");
        hud.settle();
        assert!(!hud.shows("Start the node") && hud.take_asked().is_empty());
        say(&mut hud, lost(Fate::Gone, Mode::Attached));
        hud.assert_shows("`pylon start` starts it");
        assert!(!hud.shows("Start the node"), "this window starts none");
        say(&mut hud, lost(Fate::Gone, Mode::Daemon));
        hud.click("Start the node");
        assert_eq!(hud.take_asked(), [NodeCommand::Start]);
    }

    #[test]
    fn what_somebody_else_has_started_gets_no_robot_and_keeps_nobody_in() {
        let mut hud = Hud::new();
        hud.say(NodeEvent::Link { link: FOUND });
        hud.say(status_event(NodeState::Online));
        hud.settle();
        assert!(!hud.asked().contains(&NodeCommand::StartRobot { robot: RobotKind::Buyer }));
        hud.open(8);
        hud.click("Choose again");
        hud.assert_shows("Where do you want to begin?");
    }
}
