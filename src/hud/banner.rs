//! The banner over everything while the node is out of reach: what has become of it, how old what is shown is, and what
//! can be done.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::emath::GuiRounding as _;
use bevy_egui::egui::{Align2, Area, Id, Label, Margin, Order, Rect, Sides, Stroke, Ui, vec2};

use super::action::UserAction;
use super::pane::layout;
use super::state::{Now, Session};
use super::theme::{self, Text, Theme, tokens};
use super::widgets::{Age, Ink, Signal, Wishes, button, card, ink, lamp, words};
use crate::config::Mode;
use crate::node::{Fate, Link, NodeCommand};

/// Where the banner is. Panes are drawn beside or below it, and go back to their places when it is gone.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq)]
pub struct Clearing(pub Option<Rect>);

impl Clearing {
    /// Where a pane is drawn that belongs into `place`.
    pub fn clear(&self, place: Rect, work: Rect) -> Rect {
        let Some(banner) = self.0.filter(|banner| banner.expand(tokens::GAP).intersects(place)) else { return place };
        let room = Rect::from_x_y_ranges(place.x_range(), banner.bottom() + tokens::GAP..=work.bottom().max(place.bottom()));
        layout::confine(place, room)
    }
}

/// Notes where the banner is.
pub fn obey(mut actions: PopulatedMessageReader<'_, '_, UserAction>, mut clearing: ResMut<'_, Clearing>) {
    for action in actions.read() {
        if let UserAction::KeepClear(place) = action {
            clearing.0 = *place;
        }
    }
}

/// Draws it while the link is lost.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    session: Res<'_, Session>,
    clearing: Res<'_, Clearing>,
    now: Res<'_, Now>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    let mut wishes = Wishes::default();
    if session.link.is_up() {
        if clearing.0.is_some() {
            actions.write(UserAction::KeepClear(None));
        }
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    let below_chips = vec2(0.0, tokens::EDGE + tokens::CHIP + tokens::GAP);
    let area = Area::new(Id::new("link banner")).order(Order::Foreground).anchor(Align2::CENTER_TOP, below_chips);
    let area = area.movable(false).fade_in(false);
    let shown = area.show(context, |ui| view(ui, Ink(theme.palette), &session, *now, &mut wishes));
    let place = Some(shown.response.rect.round_ui());
    if clearing.0 != place {
        wishes.wish(UserAction::KeepClear(place));
    }
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
        let (_, pressed) = Sides::new().height(theme::hit(ui.ctx())).shrink_left().truncate().show(ui, title, cure);
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
    use bevy_egui::egui::{Pos2, pos2};

    use super::*;
    use crate::domain::job::JobState;
    use crate::domain::relay::{RelayHealth, RelayState};
    use crate::hud::state::{Jobs, Notices};
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

    fn place_of(hud: &Hud, text: &str) -> Rect {
        let seen = hud.screen().iter().find(|seen| seen.text.starts_with(text));
        seen.unwrap_or_else(|| panic!("{text:?} is not on the screen: {:#?}", hud.texts())).place
    }

    #[test]
    fn panes_keep_clear_of_the_banner_and_go_back_when_it_is_gone() {
        let mut hud = online();
        say(&mut hud, FOUND);
        let titles = ["SELL COMPUTE", "JOB HISTORY", "PYLON"];
        hud.open(2);
        hud.open(4);
        let before = titles.map(|title| place_of(&hud, title));
        say(&mut hud, lost(Fate::Gone, Mode::InProcess));
        let lowest = place_of(&hud, "What you see is from").bottom();
        for title in titles {
            let place = place_of(&hud, title);
            assert!(place.top() > lowest, "{title} at {place:?} is under the banner, which goes down to {lowest}");
        }
        say(&mut hud, FOUND);
        assert_eq!(titles.map(|title| place_of(&hud, title)), before);
    }

    #[test]
    fn a_pane_that_is_not_under_the_banner_stays_and_one_without_room_below_it_is_made_smaller() {
        let work = layout::work_area(Rect::from_min_size(Pos2::ZERO, vec2(1280.0, 720.0)));
        let banner = Rect::from_min_size(pos2(360.0, 60.0), vec2(560.0, 90.0));
        let clearing = Clearing(Some(banner));
        let beside = Rect::from_min_size(pos2(20.0, 68.0), vec2(300.0, 500.0));
        assert_eq!(clearing.clear(beside, work), beside);
        let below = Rect::from_min_size(pos2(400.0, 300.0), vec2(300.0, 300.0));
        assert_eq!(clearing.clear(below, work), below);
        let under = Rect::from_min_size(pos2(300.0, 68.0), vec2(480.0, 300.0));
        assert_eq!(clearing.clear(under, work), under.translate(vec2(0.0, banner.bottom() + tokens::GAP - 68.0)));
        let tall = Rect::from_min_max(pos2(300.0, 68.0), pos2(780.0, work.bottom()));
        let shown = clearing.clear(tall, work);
        assert!(shown.top() > banner.bottom() && shown.bottom() <= work.bottom() + 1.0, "{shown:?}");
        assert_eq!(Clearing(None).clear(tall, work), tall);
    }

    #[test]
    fn what_is_not_heard_any_more_is_called_unknown_and_asks_for_nothing() {
        let mut hud = online();
        say(&mut hud, FOUND);
        hud.open(6);
        let relay = RelayHealth { url: "wss://relay.example/".into(), state: RelayState::Connected, ..RelayHealth::default() };
        hud.say(NodeEvent::Relays { relays: vec![relay] });
        hud.settle();
        hud.assert_shows("connected");
        say(&mut hud, lost(Fate::Gone, Mode::InProcess));
        for part in
            ["unknown; was: connected", "unknown; was: ollama 0.9.3 · 1 model", "unknown; was: llama3.2", "unknown; was: npub1zutze"]
        {
            hud.assert_shows(part);
        }
        hud.assert_shows("this is from before");
        assert!(!hud.shows("Start it") && !hud.shows("Stop it"), "a robot nobody can reach: {:#?}", hud.texts());
        say(&mut hud, FOUND);
        assert!(!hud.shows("unknown"), "{:#?}", hud.texts());
    }

    #[test]
    fn what_could_do_nothing_is_not_offered_and_its_key_says_why() {
        for (link, why) in [
            (lost(Fate::Silent, Mode::InProcess), "The node does not answer."),
            (lost(Fate::Gone, Mode::Attached), "this window starts none"),
            (Link::Nobody { mode: Mode::Attached }, "this window starts none"),
        ] {
            let mut hud = Hud::new();
            say(&mut hud, FOUND);
            say(&mut hud, link.clone());
            hud.open(4);
            hud.assert_shows(why);
            assert!(!hud.shows("GO ONLINE") && !hud.texts().contains(&"Start"), "{link:?}: {:#?}", hud.texts());
            hud.take_asked();
            hud.click("OUT OF REACH");
            hud.click("Out of reach");
            hud.press(KeyCode::KeyG, "g");
            hud.settle();
            let asked = hud.take_asked();
            assert!(!asked.iter().any(NodeCommand::is_start), "{link:?}: {asked:?}");
            assert!(!hud.app.world().resource::<Notices>().stack.is_empty(), "{link:?}: the key was silent");
        }
        let mut hud = online();
        say(&mut hud, FOUND);
        say(&mut hud, lost(Fate::Gone, Mode::Daemon));
        hud.take_asked();
        hud.click("GO ONLINE");
        assert_eq!(hud.take_asked(), [NodeCommand::GoOnline], "a dead one may be followed by the next");
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
