//! What lies behind the panes: the grid, the light from below in the colour of the node's state, and where to begin.

use std::time::Duration;

use bevy::prelude::*;
use bevy::time::Real;
use bevy_egui::egui::emath::GuiRounding as _;
use bevy_egui::egui::{self, Color32, Label, LayerId, Mesh, Painter, Pos2, Rect, Stroke, StrokeKind, Ui, UiBuilder, pos2, vec2};
use bevy_egui::{EguiContexts, EguiPrimaryContextPass};

use super::HudSystems;
use super::bridge::Alarm;
use super::chips::sign;
use super::hotbar::Assigned;
use super::input::{Focus, Hint};
use super::pane::motion::{Moving, elapsed};
use super::pane::{Closed, Pane, PaneKind, SLOTS};
use super::prefs::{Ambient, Motions, Preferences};
use super::state::{Now, Session};
use super::theme::{Palette, Text, Theme, Weight, tokens};
use crate::node::NodeState;

/// Corners of the tint's outline: enough that none is seen.
const TINT_CORNERS: u32 = 64;

/// The light from below: on its way from one colour to another.
#[derive(Resource, Debug, Clone, Copy, PartialEq)]
pub struct Light {
    from: Color32,
    to: Color32,
    /// How far it is, 0 to 1.
    part: f32,
}

impl Default for Light {
    fn default() -> Self {
        Self { from: Color32::TRANSPARENT, to: Color32::TRANSPARENT, part: 1.0 }
    }
}

impl Light {
    /// As it is seen now.
    fn shown(&self) -> Color32 {
        tokens::between(self.from, self.to, self.part)
    }
}

/// How far the grid has moved, in pixels. How many make a cell is for the screen's scale to say.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drift(u64);

/// Draws the backdrop before everything else.
pub fn plugin(app: &mut App) {
    app.init_resource::<Light>().init_resource::<Drift>();
    app.add_systems(Update, (fade, roam).in_set(HudSystems::Move));
    app.add_systems(
        EguiPrimaryContextPass,
        draw.after(super::pane::measure).before(super::pane::snap::draw).in_set(HudSystems::DrawBehind),
    );
}

/// Moves the light towards the colour of the node's state.
fn fade(
    session: Res<'_, Session>,
    theme: Res<'_, Theme>,
    preferences: Res<'_, Preferences>,
    mut light: ResMut<'_, Light>,
    mut moving: ResMut<'_, Moving>,
) {
    let wanted = sign(&session).0.light(&theme.palette);
    let mut next = *light;
    if next.to != wanted {
        next = Light { from: next.shown(), to: wanted, part: 0.0 };
        moving.go_on();
    } else if next.part < 1.0 {
        next.part = (next.part + elapsed(moving.by, tokens::TINT_FADE, preferences.motions)).min(1.0);
        if next.part < 1.0 {
            moving.go_on();
        }
    }
    light.set_if_neq(next);
}

/// Moves the grid by a pixel each half second, if that is wanted and the node is online. One frame a step: between two
/// pixels there is nothing to see.
fn roam(
    session: Res<'_, Session>,
    preferences: Res<'_, Preferences>,
    now: Res<'_, Now>,
    real: Res<'_, Time<Real>>,
    mut alarm: ResMut<'_, Alarm>,
    mut drift: ResMut<'_, Drift>,
) {
    let moves = preferences.ambient == Ambient::On && preferences.motions == Motions::Full && session.status.state == NodeState::Online;
    if !moves || !session.link.is_up() {
        return;
    }
    let (step, now) = (tokens::AMBIENT_STEP.as_millis() as u64, u64::try_from(now.0.0).unwrap_or_default());
    drift.set_if_neq(Drift(now / step));
    if let Some(frame) = real.last_update() {
        alarm.at(frame + Duration::from_millis(step - now % step));
    }
}

fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    light: Res<'_, Light>,
    drift: Res<'_, Drift>,
    session: Res<'_, Session>,
    open: Query<'_, '_, (), (With<Pane>, Without<Closed>)>,
    (assigned, focus): (Assigned<'_, '_>, Res<'_, Focus>),
) -> Result {
    let context = contexts.ctx_mut()?;
    let whole = UiBuilder::new().layer_id(LayerId::background()).max_rect(context.viewport_rect());
    let mut ui = Ui::new(context.clone(), egui::Id::new("backdrop"), whole);
    paint(ui.painter(), ui.max_rect(), &theme.palette, light.shown(), drift.0);
    if open.is_empty() && session.market.is_some() {
        let state = if session.link.is_up() { sign(&session).1 } else { "out of reach" };
        let way_in = way_in(ui.ctx(), &focus, assigned.kinds());
        words(&mut ui, &theme.palette, &format!("The node is {state}.{way_in}"));
    }
    Ok(())
}

/// The key or the button that opens a pane from here, and which; empty: there is none.
fn way_in(context: &egui::Context, focus: &Focus, held: [Option<PaneKind>; SLOTS]) -> String {
    let slots = held.into_iter().enumerate().filter_map(|(index, kind)| Some((index, kind?)));
    let mut ways = slots.filter_map(|(index, kind)| Some((Hint::slot(context, index, index == focus.slot)?, kind)));
    ways.next().map_or_else(String::new, |(hint, kind)| format!(" Press {} for {}.", hint.text, kind.spec().title))
}

/// Where nothing is open: how the node is, and where to begin.
fn words(ui: &mut Ui, palette: &Palette, words: &str) {
    let words = ui.painter().layout_no_wrap(words.to_owned(), Text::Body.font(Weight::Regular), palette.text_mid);
    // On a plate of its own: grid lines behind letters make them hard to read.
    let size = vec2(words.size().x + 2.0 * f32::from(tokens::PANE_PADDING), tokens::ROW);
    let plate = Rect::from_center_size(ui.max_rect().center(), size).round_to_pixels(ui.pixels_per_point());
    ui.painter().rect(plate, 0.0, palette.ground, Stroke::new(tokens::HAIRLINE, palette.border_quiet), StrokeKind::Inside);
    ui.put(plate, Label::new(words));
}

/// Grid and tint. `light` is the colour of the node's state.
fn paint(painter: &Painter, area: Rect, palette: &Palette, light: Color32, drift: u64) {
    painter.rect_filled(area, 0.0, palette.ground);
    painter.add(grid(area, painter.pixels_per_point(), palette.grid, drift));
    painter.add(tint(area, tokens::faded(light, tokens::TINT_STRENGTH)));
}

/// Lines on whole physical pixels, or they would be two grey pixels wide on scaled screens.
fn grid(area: Rect, pixels_per_point: f32, colour: Color32, drift: u64) -> Mesh {
    let on_pixel = |points: f32| (points * pixels_per_point).round() / pixels_per_point;
    let thickness = (tokens::HAIRLINE * pixels_per_point).round().max(1.0) / pixels_per_point;
    let cell = f64::from(tokens::GRID_CELL * pixels_per_point);
    let first = (drift as f64 % cell) as f32 / pixels_per_point;
    let lines = |length: f32| (0..).map(move |line| first + line as f32 * tokens::GRID_CELL).take_while(move |at| *at < length);
    let mut mesh = Mesh::default();
    for x in lines(area.width()) {
        mesh.add_colored_rect(Rect::from_min_size(pos2(on_pixel(area.left() + x), area.top()), vec2(thickness, area.height())), colour);
    }
    for y in lines(area.height()) {
        mesh.add_colored_rect(Rect::from_min_size(pos2(area.left(), on_pixel(area.top() + y)), vec2(area.width(), thickness)), colour);
    }
    mesh
}

/// Half an ellipse of light, strongest in its middle and gone at its outline.
fn tint(area: Rect, colour: Color32) -> Mesh {
    let middle = pos2(area.center().x, area.top() + area.height() * tokens::TINT_CENTRE);
    let (reach_x, reach_y) = (area.width() * tokens::TINT_REACH.0, area.height() * tokens::TINT_REACH.1);
    let outline = |corner: u32| -> Pos2 {
        let angle = std::f32::consts::PI * corner as f32 / TINT_CORNERS as f32;
        middle - vec2(angle.cos() * reach_x, angle.sin() * reach_y)
    };
    let mut mesh = Mesh::default();
    mesh.colored_vertex(middle, colour);
    for corner in 0..=TINT_CORNERS {
        mesh.colored_vertex(outline(corner), Color32::TRANSPARENT);
    }
    for corner in 1..=TINT_CORNERS {
        mesh.add_triangle(0, corner, corner + 1);
    }
    mesh
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::hud::action::UserAction;
    use crate::hud::prefs::Read;
    use crate::hud::testing::{Hud, status_event};
    use crate::node::Market;

    const AREA: Rect = Rect::from_min_max(Pos2::ZERO, pos2(1280.0, 720.0));

    #[test]
    fn where_nothing_is_open_the_state_is_said_in_words() {
        let harness = Harness::new_ui(|ui| words(ui, &tokens::NIGHT, "The node is stopped."));
        harness.get_by_label_contains("The node is stopped.");
    }

    #[test]
    fn where_nothing_is_open_the_key_of_the_first_pane_there_is_is_said() {
        let mut preferences = Preferences::default();
        preferences.keys.0.insert("slot-2".into(), "F3".into());
        let mut hud = Hud::build(Some(Market::Practice), Read { preferences, ..Read::default() });
        hud.settle();
        for action in [UserAction::CloseAll, UserAction::AssignSlot(0, None)] {
            hud.app.world_mut().write_message(action);
            hud.settle();
        }
        hud.assert_shows("Press F3 for Wallet.");
    }

    #[test]
    fn the_light_is_on_its_way_from_one_colour_to_the_other() {
        let light = Light { from: tokens::NIGHT.ground, to: tokens::NIGHT.ok_lamp, part: 0.5 };
        assert!(light.shown() != light.from && light.shown() != light.to);
        assert_eq!(Light { part: 1.0, ..light }.shown(), light.to);
    }

    #[test]
    fn grid_lines_stand_on_whole_pixels_at_any_scale() {
        for pixels_per_point in [1.0, 1.25, 1.5, 2.0] {
            let mesh = grid(AREA, pixels_per_point, tokens::NIGHT.grid, 0);
            assert_eq!(mesh.vertices.len(), 4 * (32 + 18), "a line each 40 points");
            for vertex in &mesh.vertices {
                let (x, y) = (vertex.pos.x * pixels_per_point, vertex.pos.y * pixels_per_point);
                assert!((x - x.round()).abs() < 0.01 && (y - y.round()).abs() < 0.01, "{x} {y} at {pixels_per_point}");
            }
        }
    }

    #[test]
    fn the_grid_moves_on_by_a_pixel_at_any_scale_also_from_one_cell_to_the_next() {
        for pixels_per_point in [1.0, 1.25, 1.5, 2.0] {
            let first = |drift| (grid(AREA, pixels_per_point, tokens::NIGHT.grid, drift).vertices[0].pos.x * pixels_per_point).round();
            for drift in 1_700_000_000..1_700_000_200 {
                let (before, after) = (first(drift), first(drift + 1));
                let cell = 40.0 * pixels_per_point;
                assert!(after == before + 1.0 || (before == cell - 1.0 && after == 0.0), "{before} {after} at {pixels_per_point}");
            }
        }
    }

    /// A window whose node is online, with this taste, ten seconds long: at which of its frames was something asked for.
    fn wakes(ambient: Ambient, motions: Motions, state: NodeState) -> Vec<u64> {
        let preferences = Preferences { ambient, motions, ..Preferences::default() };
        let mut hud = Hud::build(Some(Market::Practice), Read { preferences, ..Read::default() });
        hud.say(status_event(state));
        hud.settle();
        let mut places = Vec::new();
        for _ in 0..10 {
            hud.frame_after(Duration::from_millis(500));
            assert!(!hud.wants_more(), "it draws without rest");
            places.push(hud.app.world().resource::<Drift>().0);
        }
        places.dedup();
        places
    }

    #[test]
    fn the_grid_moves_only_while_online_and_wanted_and_by_two_pixels_a_second() {
        assert_eq!(wakes(Ambient::On, Motions::Full, NodeState::Online).len(), 10);
        for (ambient, motions, state) in [
            (Ambient::Off, Motions::Full, NodeState::Online),
            (Ambient::On, Motions::Reduced, NodeState::Online),
            (Ambient::On, Motions::Full, NodeState::Degraded),
        ] {
            assert_eq!(wakes(ambient, motions, state).len(), 1, "{ambient:?} {motions:?} {state:?}");
        }
    }

    #[test]
    fn the_tint_is_brightest_below_the_window_and_gone_above() {
        let mesh = tint(AREA, tokens::NIGHT.ok_lamp);
        let (middle, outline) = mesh.vertices.split_first().unwrap();
        assert!(middle.pos.y > AREA.bottom());
        assert!(outline.iter().all(|vertex| vertex.color == Color32::TRANSPARENT && vertex.pos.y > AREA.center().y));
    }
}
