//! What lies behind the panes: the grid, the light from below in the colour of the node's state, and its words.

use bevy::prelude::*;
use bevy_egui::egui::emath::GuiRounding as _;
use bevy_egui::egui::{self, Color32, Label, LayerId, Mesh, Painter, Pos2, Rect, Stroke, StrokeKind, Ui, UiBuilder, pos2, vec2};
use bevy_egui::{EguiContexts, EguiPrimaryContextPass};

use super::theme::{Palette, Text, Theme, Weight, tokens};

/// Corners of the tint's outline: enough that none is seen.
const TINT_CORNERS: u32 = 64;

/// Draws the backdrop before everything else.
pub fn plugin(app: &mut App) {
    app.add_systems(EguiPrimaryContextPass, draw);
}

fn draw(mut contexts: EguiContexts<'_, '_>, theme: Res<'_, Theme>) -> Result {
    let context = contexts.ctx_mut()?;
    let whole = UiBuilder::new().layer_id(LayerId::background()).max_rect(context.viewport_rect());
    let mut ui = Ui::new(context.clone(), egui::Id::new("backdrop"), whole);
    view(&mut ui, &theme.palette);
    Ok(())
}

/// Fills `ui` with the backdrop of a stopped node.
pub fn view(ui: &mut Ui, palette: &Palette) {
    let area = ui.max_rect();
    paint(ui.painter(), area, palette, palette.text_low);
    let words = ui.painter().layout_no_wrap("The node is stopped.".to_owned(), Text::Body.font(Weight::Regular), palette.text_mid);
    // On a plate of its own: grid lines behind letters make them hard to read.
    let size = vec2(words.size().x + 2.0 * f32::from(tokens::PANE_PADDING), tokens::ROW);
    let plate = Rect::from_center_size(area.center(), size).round_to_pixels(ui.pixels_per_point());
    ui.painter().rect(plate, 0.0, palette.ground, Stroke::new(tokens::HAIRLINE, palette.border_quiet), StrokeKind::Inside);
    ui.put(plate, Label::new(words));
}

/// Grid and tint. `light` is the colour of the node's state.
fn paint(painter: &Painter, area: Rect, palette: &Palette, light: Color32) {
    painter.rect_filled(area, 0.0, palette.ground);
    painter.add(grid(area, painter.pixels_per_point(), palette.grid));
    painter.add(tint(area, tokens::faded(light, tokens::TINT_STRENGTH)));
}

/// Lines on whole physical pixels, or they would be two grey pixels wide on scaled screens.
fn grid(area: Rect, pixels_per_point: f32, colour: Color32) -> Mesh {
    let on_pixel = |points: f32| (points * pixels_per_point).round() / pixels_per_point;
    let thickness = (tokens::HAIRLINE * pixels_per_point).round().max(1.0) / pixels_per_point;
    let lines = |length: f32| (0..).map(|line| line as f32 * tokens::GRID_CELL).take_while(move |at| *at < length);
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

    const AREA: Rect = Rect::from_min_max(Pos2::ZERO, pos2(1280.0, 720.0));

    #[test]
    fn the_state_is_said_in_words() {
        let harness = Harness::new_ui(|ui| view(ui, &tokens::NIGHT));
        harness.get_by_label("The node is stopped.");
    }

    #[test]
    fn grid_lines_stand_on_whole_pixels_at_any_scale() {
        for pixels_per_point in [1.0, 1.25, 1.5, 2.0] {
            let mesh = grid(AREA, pixels_per_point, tokens::NIGHT.grid);
            assert_eq!(mesh.vertices.len(), 4 * (32 + 18), "a line each 40 points");
            for vertex in &mesh.vertices {
                let (x, y) = (vertex.pos.x * pixels_per_point, vertex.pos.y * pixels_per_point);
                assert!((x - x.round()).abs() < 0.01 && (y - y.round()).abs() < 0.01, "{x} {y} at {pixels_per_point}");
            }
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
