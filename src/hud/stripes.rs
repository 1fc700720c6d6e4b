//! The frame around a practice window: nobody should mistake play money for money.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Color32, Id, LayerId, Mesh, Order, Pos2, Rect, pos2};

use super::state::Session;
use super::theme::{Theme, tokens};

/// Draws the stripes over everything.
pub fn draw(mut contexts: EguiContexts<'_, '_>, theme: Res<'_, Theme>, session: Res<'_, Session>) -> Result {
    if session.is_practice() {
        let context = contexts.ctx_mut()?;
        let painter = context.layer_painter(LayerId::new(Order::Foreground, Id::new("practice")));
        painter.add(frame(context.viewport_rect(), theme.palette.warn));
    }
    Ok(())
}

/// Slanted pieces along all four edges.
fn frame(window: Rect, colour: Color32) -> Mesh {
    let wide = tokens::STRIPE;
    let mut mesh = Mesh::default();
    let mut piece = |corners: [Pos2; 4]| {
        let first = mesh.vertices.len() as u32;
        for corner in corners {
            mesh.colored_vertex(corner, colour);
        }
        mesh.add_triangle(first, first + 1, first + 2);
        mesh.add_triangle(first, first + 2, first + 3);
    };
    let steps = |length: f32| (0..).map(move |step| step as f32 * 2.0 * wide).take_while(move |at| *at < length);
    for x in steps(window.width()) {
        for top in [window.top(), window.bottom() - wide] {
            let left = window.left() + x;
            piece([pos2(left + wide, top), pos2(left + 2.0 * wide, top), pos2(left + wide, top + wide), pos2(left, top + wide)]);
        }
    }
    for y in steps(window.height()) {
        for left in [window.left(), window.right() - wide] {
            let top = window.top() + y;
            piece([pos2(left, top + wide), pos2(left + wide, top), pos2(left + wide, top + wide), pos2(left, top + 2.0 * wide)]);
        }
    }
    mesh
}
