//! How panes come into the world: the single ones at the start, each as it was kept; one of many when it is opened.

use bevy::prelude::*;
use bevy_egui::egui::{Pos2, Rect};

use super::focus::Arrangement;
use super::form::Kept;
use super::motion::{Goal, PaneMotion};
use super::{Berth, Closed, PANES, Pane, PaneFrame, PaneKind, Shows, layout};
use crate::domain::ids::JobId;
use crate::hud::panes;
use crate::hud::prefs::{Home, Preferences};
use crate::hud::saved::{Layout, SavedPane, Standing};
use crate::hud::widgets::scroll::Scrolled;
use crate::node::Market;

/// The most panes of one job each that come back at the start.
const JOBS_RESTORED: usize = 24;

/// The panes of the last time, until somebody enters a market and finds them as he left them: after a start, and after
/// choosing a market again.
#[derive(Resource, Debug, Clone, Default, PartialEq, Eq)]
pub struct Asleep {
    /// `None`: nothing was kept, or they are awake.
    pub kept: Option<Layout>,
    /// This market has just been entered.
    pub entered: Option<Market>,
}

/// Every single pane exists from the start and is shut, so that forms keep what was typed into them.
pub fn spawn(mut commands: Commands<'_, '_>, preferences: Res<'_, Preferences>, mut asleep: ResMut<'_, Asleep>) {
    let kept = &preferences.layout;
    for spec in PANES.iter().filter(|spec| matches!(spec.berth, Berth::Slot(_))) {
        let saved = kept.panes.iter().find(|pane| pane.kind == spec.kind);
        let frame = frame_of(spec.kind, saved);
        let scrolled = Scrolled::to(saved.map_or(0, |saved| saved.scroll));
        let mut pane = commands.spawn((Name::new(spec.title), Pane(spec.kind), frame, scrolled, Closed));
        panes::furnish(spec.kind, saved.map_or(&Kept::new(), |saved| &saved.form), &mut pane);
    }
    if !kept.is_unset() {
        asleep.kept = Some(kept.clone());
    }
}

/// A pane's frame before it is opened, in the place that was kept for it, if there is one.
fn frame_of(kind: PaneKind, saved: Option<&SavedPane>) -> PaneFrame {
    let spec = kind.spec();
    let mut frame = PaneFrame {
        rect: Rect::from_min_size(Pos2::ZERO, spec.size),
        title: spec.title.into(),
        icon: spec.icon,
        tile: saved.and_then(|saved| saved.tile),
        is_clear: saved.is_some_and(|saved| saved.clear),
        ..PaneFrame::default()
    };
    frame.wanted = frame.rect;
    if let Some(place) = saved.and_then(|saved| saved.place) {
        frame.wanted = place.rect();
        frame.is_placed = true;
    }
    frame
}

/// Whoever enters a market finds the panes he left, or the first time the one where to begin. Not in the frame it is
/// entered: in the very first one the window's size is not known yet.
pub fn wake(mut asleep: ResMut<'_, Asleep>, mut arrangement: Arrangement<'_, '_>) {
    if asleep.entered.is_none() {
        return;
    }
    let Some(market) = asleep.entered.take() else { return };
    match asleep.kept.take() {
        Some(kept) => arrangement.wake(&kept, market),
        None if arrangement.none_is_open() => {
            if let Some(first) = arrangement.of_kind(PaneKind::SellCompute) {
                arrangement.open(first);
            }
        }
        None => {}
    }
}

impl Arrangement<'_, '_> {
    /// Opens what was open when the window was last closed, each where it was. Jobs belong to their market.
    fn wake(&mut self, kept: &Layout, market: Market) {
        let mut active = None;
        let mut jobs = 0;
        for saved in kept.panes.iter().filter(|saved| saved.standing != Standing::Closed) {
            let pane = match (saved.kind.spec().berth, &saved.job) {
                (Berth::Slot(_), _) => self.of_kind(saved.kind),
                (Berth::From(_), Some(job)) if job.market == Home::from(market) && jobs < JOBS_RESTORED => {
                    jobs += 1;
                    job.id.parse().ok().map(|id| self.spawn_job(id, Some(saved)))
                }
                (Berth::From(_), _) => None,
            };
            let Some(pane) = pane else { continue };
            if matches!(saved.kind.spec().berth, Berth::Slot(_)) {
                self.open(pane);
            }
            if saved.standing == Standing::Active {
                active = Some(pane);
            }
        }
        if let Some(active) = active {
            self.focus(active);
            self.active.0 = Some(active);
        }
        if kept.tidy && jobs == 0 {
            self.tidy();
        }
    }

    /// A job in a pane of its own; the one it has, if it has one.
    pub fn open_job(&mut self, job: JobId) {
        match self.jobs.iter().find(|(_, shows)| shows.0 == job).map(|(pane, _)| pane) {
            Some(pane) => self.open(pane),
            None => drop(self.spawn_job(job, None)),
        }
    }

    fn spawn_job(&mut self, job: JobId, saved: Option<&SavedPane>) -> Entity {
        let kind = PaneKind::JobDetail;
        let mut frame = frame_of(kind, saved);
        frame.title = format!("Job {}", job.short()).into();
        if frame.is_placed {
            frame.wanted = frame.wanted.translate(self.stage.window.min.to_vec2());
        } else {
            let place = layout::cascade(kind.spec().size, self.stage.work, &mut self.cascade);
            frame.put(place, &self.stage);
        }
        frame.rect = frame.fitting(&self.stage);
        let parent = match kind.spec().berth {
            Berth::From(parent) => self.of_kind(parent),
            Berth::Slot(_) => None,
        };
        let motion = PaneMotion { goal: Goal::Open, origin: self.origin_of(parent), ..PaneMotion::default() };
        let scrolled = Scrolled::to(saved.map_or(0, |saved| saved.scroll));
        let name = Name::new(frame.title.clone());
        let mut pane = self.commands.spawn((name, Pane(kind), frame, motion, self.front.ahead(), scrolled, Shows(job)));
        panes::furnish(kind, saved.map_or(&Kept::new(), |saved| &saved.form), &mut pane);
        let pane = pane.id();
        self.active.0 = Some(pane);
        self.stage.is_tidy = false;
        pane
    }
}
