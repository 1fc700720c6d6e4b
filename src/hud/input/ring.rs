//! The focus ring around what does not draw one itself: a field nobody has entered, a row of a table, other people's
//! widgets.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Context, Id, Rect};

use super::device::LastDevice;
use super::owner::{Claims, Focus, Owner};
use crate::hud::theme::{Theme, tokens};
use crate::hud::widgets::button;

fn ring_id() -> Id {
    Id::new("ring is drawn around")
}

/// This one has drawn its ring.
pub fn drawn(context: &Context, control: Id) {
    context.data_mut(|data| data.insert_temp(ring_id(), Some(control)));
}

/// Draws the ring on the layer of what has it, if it was not drawn there. Panes and hotbar are drawn by then.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    focus: Res<'_, Focus>,
    claims: Claims<'_, '_>,
    last: Res<'_, LastDevice>,
) -> Result {
    let context = contexts.ctx_mut()?.clone();
    let is_drawn = context.data_mut(|data| data.remove_temp::<Option<Id>>(ring_id())).flatten();
    let owner = claims.owner(focus.area, &context);
    let Some(at) = focus.at.filter(|at| last.shows_focus() && is_drawn != Some(*at)) else { return Ok(()) };
    if matches!(owner, Owner::Keyboard | Owner::Palette | Owner::Help) {
        return Ok(());
    }
    let Some(widget) = context.viewport(|viewport| viewport.this_pass.widgets.get(at).copied()) else { return Ok(()) };
    // The row of a table is pressed in its first cell and reaches beyond it.
    let seen = Rect::from_x_y_ranges(widget.rect.x_range(), widget.interact_rect.y_range());
    let room = seen.expand(2.0 * tokens::FOCUS_RING + tokens::HAIRLINE);
    let painter = context.layer_painter(widget.layer_id).with_clip_rect(room);
    button::ring_around(&painter, widget.rect, &theme.palette);
    Ok(())
}
