//! The preview of the tile that a dragged pane would be dropped into.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Area, Id, LayerId, Order, Rect, Stroke, StrokeKind};

use super::Stage;
use super::motion::{Moving, step};
use super::spring::Glide;
use super::tile::Tile;
use crate::hud::prefs::Preferences;
use crate::hud::theme::{Theme, tokens};

/// What a dragged pane is aimed at.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq)]
pub struct Snap {
    aim: Option<Tile>,
    /// The pane it is or was about, and the tile's place.
    of: Option<(Entity, Rect)>,
    /// 0: not to be seen; 1: as bright as it gets.
    shown: f32,
    glide: Option<Glide>,
}

impl Snap {
    /// The pane that is dragged now would go here.
    pub fn aim(&mut self, pane: Entity, tile: Option<Tile>, stage: &Stage) {
        if let Some(place) = tile.map(|tile| tile.place(stage.work))
            && self.of != Some((pane, place))
        {
            let before = self.of.filter(|(before, _)| *before == pane && self.shown > 0.0);
            self.glide = before.map(|(_, before)| Glide::between(self.glide, before, place));
            self.of = Some((pane, place));
        }
        self.aim = tile;
    }

    /// This pane is let go of: the tile that was aimed at, if it was aimed there.
    pub fn release(&mut self, pane: Entity) -> Option<Tile> {
        self.aim.take().filter(|_| self.of.is_some_and(|(of, _)| of == pane))
    }

    /// The pane that is to stay above the preview.
    pub fn pane(&self) -> Option<Entity> {
        self.of.filter(|_| self.shown > 0.0).map(|(pane, _)| pane)
    }
}

/// Its layer, among the panes.
pub fn layer() -> LayerId {
    LayerId::new(Order::Middle, Id::new("snap preview"))
}

/// Fades it in and out, and moves it to where it is aimed.
pub fn play(preferences: Res<'_, Preferences>, mut moving: ResMut<'_, Moving>, mut snap: ResMut<'_, Snap>) {
    let mut next = *snap;
    let goal = if next.aim.is_some() { 1.0 } else { 0.0 };
    let fading = step(&mut next.shown, goal, moving.by, tokens::WIDGET_FADE, preferences.motions);
    next.glide = next.glide.and_then(|glide| glide.advance(moving.by, preferences.motions));
    if fading || next.glide.is_some() {
        moving.go_on();
    }
    snap.set_if_neq(next);
}

/// Draws it below the pane that is dragged and above the others.
pub fn draw(mut contexts: EguiContexts<'_, '_>, theme: Res<'_, Theme>, snap: Res<'_, Snap>) -> Result {
    let Some((_, place)) = snap.of.filter(|_| snap.shown > 0.0) else { return Ok(()) };
    let place = snap.glide.map_or(place, |glide| glide.seen(place));
    let area = Area::new(layer().id).order(layer().order).fixed_pos(place.min).constrain(false).interactable(false).fade_in(false);
    area.movable(false).show(contexts.ctx_mut()?, |ui| {
        ui.expand_to_include_rect(place);
        ui.set_clip_rect(place.expand(tokens::FOCUS_RING));
        let bright = theme.palette.border_strong;
        let fill = tokens::faded(bright, tokens::SNAP_PREVIEW * snap.shown);
        let border = Stroke::new(tokens::FOCUS_RING, tokens::faded(bright, snap.shown));
        ui.painter().rect(place, 0.0, fill, border, StrokeKind::Inside);
    });
    Ok(())
}
