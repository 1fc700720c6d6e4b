//! Where the focus can go: the controls of one layer, and the way from one to the next.
//!
//! egui would walk all controls of all panes. We take its list of what was drawn last and choose ourselves.

use bevy_egui::egui::text_edit::TextEditState;
use bevy_egui::egui::{Context, Id, LayerId, Rect, WidgetRect};

use crate::hud::action::Steer;

/// A control the focus can stand on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    pub id: Id,
    pub place: Rect,
    /// Some of it is scrolled out of sight.
    pub is_cut: bool,
}

/// The controls of a layer in the order in which they are drawn; `last` is moved to the end.
pub fn stops(context: &Context, layer: LayerId, last: Option<Id>) -> Vec<Stop> {
    let is_control = |widget: &&WidgetRect| widget.enabled && widget.sense.is_focusable() && widget.sense.senses_click();
    let mut stops: Vec<Stop> = context.viewport(|viewport| {
        let drawn = viewport.prev_pass.widgets.get_layer(layer);
        let is_cut = |widget: &WidgetRect| widget.interact_rect.height() + 0.5 < widget.rect.height();
        drawn.filter(is_control).map(|widget| Stop { id: widget.id, place: widget.rect, is_cut: is_cut(widget) }).collect()
    });
    if let Some(at) = stops.iter().position(|stop| Some(stop.id) == last) {
        let stop = stops.remove(at);
        stops.push(stop);
    }
    stops
}

/// Whether something is typed into this control.
pub fn is_field(context: &Context, id: Id) -> bool {
    TextEditState::load(context, id).is_some()
}

/// Where a step leads from a control. `None`: there is nothing in that direction.
pub fn step(stops: &[Stop], from: Option<Id>, steer: Steer) -> Option<Stop> {
    let Some(at) = stops.iter().position(|stop| Some(stop.id) == from) else {
        return if matches!(steer, Steer::Previous | Steer::Up) { stops.last() } else { stops.first() }.copied();
    };
    let here = stops.get(at)?.place;
    let count = stops.len();
    match steer {
        Steer::Next => stops.get((at + 1) % count).copied(),
        Steer::Previous => stops.get((at + count - 1) % count).copied(),
        Steer::Up | Steer::Down | Steer::Left | Steer::Right => {
            let others = stops.iter().filter(|stop| Some(stop.id) != from);
            let ahead = others.filter_map(|stop| Some((distance(here, stop.place, steer)?, stop)));
            // Of two that are equally far, the one whose middle is nearer.
            let middle = |stop: &Stop| stop.place.center().distance_sq(here.center());
            let order = |one: &(f32, &Stop), other: &(f32, &Stop)| {
                one.0.total_cmp(&other.0).then_with(|| middle(one.1).total_cmp(&middle(other.1)))
            };
            ahead.min_by(order).map(|(_, stop)| *stop)
        }
        _ => None,
    }
}

/// How far a control is in a direction, what lies beside the way counting much more; `None`: it is not there.
fn distance(from: Rect, to: Rect, steer: Steer) -> Option<f32> {
    let (ahead, beside) = match steer {
        Steer::Up => (from.top() - to.bottom(), gap(from.left(), from.right(), to.left(), to.right())),
        Steer::Down => (to.top() - from.bottom(), gap(from.left(), from.right(), to.left(), to.right())),
        Steer::Left => (from.left() - to.right(), gap(from.top(), from.bottom(), to.top(), to.bottom())),
        Steer::Right => (to.left() - from.right(), gap(from.top(), from.bottom(), to.top(), to.bottom())),
        _ => return None,
    };
    let forward = match steer {
        Steer::Up => from.center().y - to.center().y,
        Steer::Down => to.center().y - from.center().y,
        Steer::Left => from.center().x - to.center().x,
        _ => to.center().x - from.center().x,
    };
    // Borders may overlap a little; what is beside and only a bit further is not ahead.
    let is_ahead = ahead > -SLACK && forward > SLACK;
    let is_beside = matches!(steer, Steer::Left | Steer::Right) && beside > 0.0;
    (is_ahead && !is_beside).then(|| ahead.max(0.0) + ASIDE * beside)
}

/// Borders of neighbours may overlap by so much.
const SLACK: f32 = 3.0;
/// How much a point beside the way counts against one along it.
const ASIDE: f32 = 3.0;

/// The room between two ranges; 0 where they overlap.
fn gap(one_from: f32, one_to: f32, other_from: f32, other_to: f32) -> f32 {
    (other_from - one_to).max(one_from - other_to).max(0.0)
}

/// The control nearest to where another one was.
pub fn nearest(stops: &[Stop], place: Rect) -> Option<Stop> {
    let far = |stop: &&Stop| stop.place.center().distance_sq(place.center());
    stops.iter().min_by(|one, other| far(one).total_cmp(&far(other))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy_egui::egui::{pos2, vec2};

    fn stop(name: &'static str, x: f32, y: f32, width: f32) -> Stop {
        Stop { id: Id::new(name), place: Rect::from_min_size(pos2(x, y), vec2(width, 20.0)), is_cut: false }
    }

    /// A row of two buttons, a wide field under them, a small button at the right of it, a wide button at the end.
    fn pane() -> Vec<Stop> {
        vec![
            stop("copy", 0.0, 0.0, 60.0),
            stop("again", 240.0, 0.0, 60.0),
            stop("field", 0.0, 40.0, 230.0),
            stop("test", 240.0, 40.0, 60.0),
            stop("go", 0.0, 80.0, 300.0),
        ]
    }

    fn walked(from: &'static str, steps: &[Steer]) -> Vec<Id> {
        let pane = pane();
        let mut at = Some(Id::new(from));
        let walk = steps.iter().filter_map(|steer| {
            let next = step(&pane, at, *steer)?.id;
            at = Some(next);
            at
        });
        walk.collect()
    }

    fn ids(names: &[&'static str]) -> Vec<Id> {
        names.iter().map(|name| Id::new(*name)).collect()
    }

    #[test]
    fn arrows_go_where_they_point() {
        assert_eq!(walked("copy", &[Steer::Down, Steer::Right, Steer::Up, Steer::Left]), ids(&["field", "test", "again", "copy"]));
        assert_eq!(walked("again", &[Steer::Down, Steer::Down, Steer::Up]), ids(&["test", "go", "field"]));
        assert_eq!(walked("go", &[Steer::Down, Steer::Left, Steer::Right]), Vec::<Id>::new(), "there is nothing further");
    }

    #[test]
    fn of_two_that_are_equally_far_the_one_whose_middle_is_nearer_is_taken() {
        let stops = [stop("short", 0.0, 0.0, 40.0), stop("long", 50.0, 0.0, 250.0), stop("wide", 0.0, 40.0, 300.0)];
        assert_eq!(step(&stops, Some(Id::new("wide")), Steer::Up).map(|stop| stop.id), Some(Id::new("long")));
    }

    #[test]
    fn tab_goes_through_all_and_begins_again() {
        let all = ids(&["again", "field", "test", "go", "copy"]);
        assert_eq!(walked("copy", &[Steer::Next; 5]), all);
        assert_eq!(walked("copy", &[Steer::Previous]), ids(&["go"]));
    }

    #[test]
    fn from_nowhere_the_first_step_is_to_an_end() {
        assert_eq!(step(&pane(), None, Steer::Down).map(|stop| stop.id), Some(Id::new("copy")));
        assert_eq!(step(&pane(), None, Steer::Previous).map(|stop| stop.id), Some(Id::new("go")));
        assert_eq!(step(&[], None, Steer::Down), None);
    }

    #[test]
    fn what_is_gone_is_replaced_by_its_neighbour() {
        let gone = Rect::from_min_size(pos2(250.0, 60.0), vec2(40.0, 20.0));
        assert_eq!(nearest(&pane(), gone).map(|stop| stop.id), Some(Id::new("test")));
    }
}
