//! A critically damped spring: how a pane gets from one place to another. It goes there directly and stops there, and it
//! is turned around wherever it is, with the speed it has.

use std::time::Duration;

use bevy_egui::egui::{Rect, pos2, vec2};

use crate::hud::prefs::Motions;
use crate::hud::theme::tokens;

/// The four edges of a rectangle, or how far they are from where they belong.
type Edges = [f32; 4];

fn edges(rect: Rect) -> Edges {
    [rect.left(), rect.top(), rect.right(), rect.bottom()]
}

/// What is left of a way to go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glide {
    /// How far each edge was from its goal when this began, and how fast it went.
    offset: Edges,
    speed: Edges,
    since: Duration,
}

impl Glide {
    /// On the way from one place to another, out of the motion before, if there was one.
    pub fn between(before: Option<Self>, from: Rect, to: Rect) -> Self {
        let (left, speed) = before.map_or(([0.0; 4], [0.0; 4]), |glide| (glide.offset_now(), glide.speed_now()));
        let (from, to) = (edges(from), edges(to));
        let mut glide = Self { offset: [0.0; 4], speed: [0.0; 4], since: Duration::ZERO };
        let parts = glide.offset.iter_mut().zip(&mut glide.speed).zip(from.iter().zip(&to)).zip(left.iter().zip(&speed));
        for (((offset, speed), (from, to)), (left, was)) in parts {
            *offset = from + left - to;
            // Faster than this it would go past its goal; the other way, further from it.
            let most = -tokens::SPRING * *offset;
            *speed = was.clamp(most.min(0.0), most.max(0.0));
        }
        glide
    }

    /// Moves on. `None` when it has arrived.
    pub fn advance(mut self, by: Duration, motions: Motions) -> Option<Self> {
        self.since += by;
        (motions == Motions::Full && self.since < tokens::SNAPPING).then_some(self)
    }

    /// Where a pane that belongs here is seen.
    pub fn seen(&self, place: Rect) -> Rect {
        let [left, top, right, bottom] = self.offset_now();
        Rect::from_min_max(place.min + vec2(left, top), pos2(place.right() + right, place.bottom() + bottom))
    }

    fn offset_now(&self) -> Edges {
        self.each(|offset, speed, at, fading| (offset + (speed + tokens::SPRING * offset) * at) * fading)
    }

    fn speed_now(&self) -> Edges {
        self.each(|offset, speed, at, fading| (speed - tokens::SPRING * (speed + tokens::SPRING * offset) * at) * fading)
    }

    fn each(&self, value: impl Fn(f32, f32, f32, f32) -> f32) -> Edges {
        let at = self.since.as_secs_f32();
        let fading = (-tokens::SPRING * at).exp();
        let mut values = self.offset;
        for (offset, speed) in values.iter_mut().zip(self.speed) {
            *offset = value(*offset, speed, at, fading);
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: Rect = Rect { min: pos2(800.0, 100.0), max: pos2(1200.0, 500.0) };
    const TO: Rect = Rect { min: pos2(20.0, 100.0), max: pos2(420.0, 500.0) };
    const MS: Duration = Duration::from_millis(1);

    fn after(glide: Glide, by: Duration) -> Glide {
        glide.advance(by, Motions::Full).expect("under way")
    }

    #[test]
    fn it_begins_where_the_pane_was_and_ends_where_it_belongs_in_200_ms() {
        let glide = Glide::between(None, FROM, TO);
        assert_eq!(glide.seen(TO), FROM);
        let late = after(glide, 199 * MS).seen(TO);
        assert!((late.left() - TO.left()).abs() < 1.0, "{late:?}");
        assert_eq!(glide.advance(200 * MS, Motions::Full), None);
        assert_eq!(glide.advance(Duration::ZERO, Motions::Reduced), None, "at once under reduced motion");
    }

    #[test]
    fn it_never_goes_past_its_goal_not_even_when_it_is_sent_on_at_full_speed() {
        let fast = after(Glide::between(None, FROM, TO), 20 * MS);
        // On its way to the left at full speed, and its goal is now just there.
        let near = TO.translate(vec2(fast.seen(TO).left() - TO.left() - 5.0, 0.0));
        let mut glide = Glide::between(Some(fast), TO, near);
        let mut last = glide.seen(near).left();
        while let Some(next) = glide.advance(MS, Motions::Full) {
            let left = next.seen(near).left();
            assert!(left >= near.left() - 0.001 && left <= last + 0.001, "{left} after {last}, on the way to {}", near.left());
            (glide, last) = (next, left);
        }
    }

    #[test]
    fn turned_around_midway_it_goes_on_from_where_it_is_without_a_jump() {
        let midway = after(Glide::between(None, FROM, TO), 30 * MS);
        let seen = midway.seen(TO);
        let back = Glide::between(Some(midway), TO, FROM);
        assert!((back.seen(FROM).left() - seen.left()).abs() < 0.01);
        assert!(after(back, 10 * MS).seen(FROM).left() > seen.left());
    }

    #[test]
    fn many_short_frames_lead_where_few_long_ones_do() {
        let begun = Glide::between(None, FROM, TO);
        let short = (0..60).fold(begun, |glide, _| after(glide, MS));
        let long = after(begun, 60 * MS);
        assert!((short.seen(TO).left() - long.seen(TO).left()).abs() < 0.01);
    }
}
