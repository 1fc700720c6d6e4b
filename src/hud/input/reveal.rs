//! Scrolling for those who do not point: what the focus goes to is brought into sight, and a pane scrolls by keys and
//! by the stick of a pad.
//!
//! A wish is left for a layer; the first thing on it that scrolls takes it ([`take`], called by `widgets::scroll`).

use bevy_egui::egui::style::ScrollAnimation;
use bevy_egui::egui::{Context, Id, LayerId, Rect, Ui, Vec2};

use crate::hud::theme::tokens;

#[derive(Debug, Clone, Copy)]
enum Wish {
    /// By so much; less than 0 goes down.
    By(f32),
    /// Until this is seen.
    Place(Rect),
}

fn wish_id(layer: LayerId) -> Id {
    Id::new(("scroll wish", layer))
}

/// What scrolls on this layer goes on by so many points; less than 0 goes down.
pub fn wish_by(context: &Context, layer: LayerId, by: f32) {
    context.data_mut(|data| data.insert_temp(wish_id(layer), Some(Wish::By(by))));
}

/// What scrolls on this layer shows this place.
pub fn wish_place(context: &Context, layer: LayerId, place: Rect) {
    context.data_mut(|data| data.insert_temp(wish_id(layer), Some(Wish::Place(place))));
}

/// To be called where something that scrolls begins, with the room it has.
pub fn take(ui: &Ui, room: Rect) {
    let id = wish_id(ui.layer_id());
    let Some(wish) = ui.data_mut(|data| data.remove_temp::<Option<Wish>>(id)).flatten() else { return };
    let margin = 2.0 * tokens::STEP;
    let by = match wish {
        Wish::By(by) => by,
        Wish::Place(place) if place.top() < room.top() + margin => room.top() + margin - place.top(),
        Wish::Place(place) if place.bottom() > room.bottom() - margin => room.bottom() - margin - place.bottom(),
        Wish::Place(_) => return,
    };
    ui.scroll_with_delta_animation(Vec2::new(0.0, by), ScrollAnimation::none());
}
