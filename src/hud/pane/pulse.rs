//! Lights that run along a pane's border: once when money has come in, again and again while a job runs in it.
//!
//! Between two rounds of a job's light nothing is drawn: the alarm wakes the window for the next.

use std::time::Duration;

use bevy::prelude::*;
use bevy::time::Real;
use bevy_egui::egui::{Color32, Painter, Pos2, Rect, Shape, Stroke};

use super::motion::{Goal, Moving, elapsed};
use super::{Pane, PaneKind, PaneMotion, Shows};
use crate::domain::job::JobState;
use crate::hud::bridge::Alarm;
use crate::hud::prefs::{Motions, Preferences};
use crate::hud::state::{Jobs, Session, Unseen};
use crate::hud::theme::{Palette, tokens};

/// The lights of a pane.
#[derive(Component, Debug, Clone, Copy, Default, PartialEq)]
pub struct PanePulse {
    /// Money has come in: how far its light is, 0 to 1.
    pub payment: Option<f32>,
    /// More came while it ran.
    again: bool,
    /// A job runs in this pane.
    pub works: bool,
    /// How far the light of that is; `None`: it rests.
    pub work: Option<f32>,
    /// It rests until then, counted from the start.
    rests_until: Duration,
}

impl PanePulse {
    /// Moves on, `now` being the time since the start. Returns whether something is still on its way.
    fn advance(&mut self, by: Duration, now: Duration) -> bool {
        self.payment = match self.payment.map(|part| part + elapsed(by, tokens::PAYMENT_PULSE, Motions::Full)) {
            Some(part) if part < 1.0 => Some(part),
            Some(_) if std::mem::take(&mut self.again) => Some(0.0),
            _ => None,
        };
        self.work = match self.work.map(|part| part + elapsed(by, tokens::WORK_PULSE, Motions::Full)) {
            Some(part) if part < 1.0 => Some(part),
            Some(_) => {
                self.rests_until = now + tokens::WORK_REST;
                None
            }
            None => (self.works && now >= self.rests_until).then_some(0.0),
        };
        self.payment.is_some() || self.work.is_some()
    }
}

/// The wallet's pane lights up when money has come in.
pub fn notice_payment(unseen: Res<'_, Unseen>, mut known: Local<'_, u64>, mut panes: Query<'_, '_, (&Pane, &mut PanePulse)>) {
    // It begins anew with each market.
    if std::mem::replace(&mut *known, unseen.received) >= unseen.received {
        return;
    }
    for (_, mut pulse) in panes.iter_mut().filter(|(pane, _)| pane.0 == PaneKind::Wallet) {
        pulse.again = pulse.payment.is_some();
        pulse.payment = pulse.payment.or(Some(0.0));
    }
}

/// Sees in which panes a job runs. While the node is out of reach nobody knows of one that does.
pub fn notice_work(jobs: Res<'_, Jobs>, session: Res<'_, Session>, mut panes: Query<'_, '_, (&Pane, Option<&Shows>, &mut PanePulse)>) {
    for (pane, shows, mut pulse) in &mut panes {
        let works = session.link.is_up()
            && match (pane.0, shows) {
                (PaneKind::SellCompute, _) => jobs.under_way.values().any(|flight| flight.row.state == JobState::Running),
                (_, Some(shows)) => jobs.under_way.get(&shows.0).is_some_and(|flight| flight.row.state == JobState::Running),
                (_, None) => false,
            };
        if pulse.works != works {
            pulse.works = works;
        }
    }
}

/// Moves the lights on, and sets the alarm for those that rest.
pub fn play(
    preferences: Res<'_, Preferences>,
    time: Res<'_, Time<Real>>,
    mut alarm: ResMut<'_, Alarm>,
    mut moving: ResMut<'_, Moving>,
    mut panes: Query<'_, '_, (&PaneMotion, &mut PanePulse)>,
) {
    let now = time.elapsed();
    for (motion, mut pulse) in &mut panes {
        let mut next = *pulse;
        if motion.goal == Goal::Shut || preferences.motions == Motions::Reduced {
            next = PanePulse { works: next.works, rests_until: next.rests_until, ..PanePulse::default() };
        } else if next.advance(moving.by, now) {
            moving.go_on();
        } else if let (true, Some(frame)) = (next.works, time.last_update()) {
            alarm.at(frame + next.rests_until.saturating_sub(now));
        }
        if *pulse != next {
            *pulse = next;
        }
    }
}

/// Draws what runs along this border.
pub fn paint(painter: &Painter, place: Rect, pulse: &PanePulse, palette: &Palette) {
    if let Some(part) = pulse.work {
        run(painter, place, part, palette.info);
    }
    if let Some(part) = pulse.payment {
        run(painter, place, part, tokens::between(palette.money, palette.ok, part));
    }
}

/// A light with a fading tail that comes in at the upper left corner, goes around once, and leaves there.
fn run(painter: &Painter, place: Rect, part: f32, colour: Color32) {
    let head = part * (1.0 + tokens::PULSE_LENGTH);
    let piece = tokens::PULSE_LENGTH / tokens::PULSE_PIECES as f32;
    for number in 0..tokens::PULSE_PIECES {
        let to = head - number as f32 * piece;
        let (from, to) = ((to - piece).max(0.0), to.min(1.0));
        if from < to {
            let strength = 1.0 - number as f32 / tokens::PULSE_PIECES as f32;
            painter.add(Shape::line(along(place, from, to), Stroke::new(tokens::FOCUS_RING, tokens::faded(colour, strength))));
        }
    }
}

/// A piece of the border, as parts of its length, clockwise from the upper left corner.
fn along(place: Rect, from: f32, to: f32) -> Vec<Pos2> {
    let corners = [place.left_top(), place.right_top(), place.right_bottom(), place.left_bottom(), place.left_top()];
    let whole = 2.0 * (place.width() + place.height());
    let mut points = Vec::with_capacity(3);
    let mut begins = 0.0;
    for side in corners.windows(2) {
        let [start, end] = side else { continue };
        let length = (*end - *start).length() / whole;
        let (low, high) = (from.max(begins), to.min(begins + length));
        if low < high {
            let at = |part: f32| start.lerp(*end, (part - begins) / length);
            points.extend([at(low), at(high)]);
        }
        begins += length;
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy_egui::egui::pos2;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_light_goes_around_rests_and_goes_around_again_while_a_job_runs() {
        let mut pulse = PanePulse { works: true, ..PanePulse::default() };
        assert!(pulse.advance(Duration::ZERO, Duration::ZERO), "it begins");
        assert!(pulse.advance(300 * MS, 300 * MS));
        assert!((pulse.work.unwrap_or_default() - 0.5).abs() < 0.01);
        assert!(!pulse.advance(300 * MS, 600 * MS), "around, and nothing moves");
        assert!(!pulse.advance(MS, 1_999 * MS));
        assert!(pulse.advance(MS, 2_000 * MS), "again");
        pulse.works = false;
        assert!(!pulse.advance(600 * MS, 2_600 * MS));
        assert!(!pulse.advance(MS, 60_000 * MS), "the job is done");
    }

    #[test]
    fn the_second_of_two_payments_has_its_light_after_the_first() {
        let mut pulse = PanePulse { payment: Some(0.0), again: true, ..PanePulse::default() };
        assert!(pulse.advance(600 * MS, Duration::ZERO));
        assert_eq!(pulse.payment, Some(0.0));
        assert!(!pulse.advance(600 * MS, Duration::ZERO));
    }

    #[test]
    fn a_piece_of_the_border_goes_around_its_corners() {
        let place = Rect::from_min_max(pos2(0.0, 0.0), pos2(300.0, 100.0));
        let points = along(place, 0.25, 0.5);
        assert_eq!(points.first().map(|at| at.round()), Some(pos2(200.0, 0.0)));
        assert_eq!(points.last().map(|at| at.round()), Some(pos2(300.0, 100.0)));
        assert!(points.contains(&pos2(300.0, 0.0)));
        assert_eq!(along(place, 0.0, 1.0).len(), 8);
    }
}
