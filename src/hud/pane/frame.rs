//! The chrome, once for all panes: border, title bar, brackets, shadow, and the way out of the slot.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::emath::TSTransform;
use bevy_egui::egui::{
    self, Align, Align2, Area, Context, CornerRadius, Id, LayerId, Layout, Order, Painter, Rect, Sense, Shadow, Stroke, StrokeKind, Ui,
    UiBuilder, pos2, vec2,
};

use super::motion::Goal;
use super::{ActivePane, Closed, Pane, PaneFrame, PaneMotion, layout};
use crate::hud::action::UserAction;
use crate::hud::hotbar::{Opens, Slot};
use crate::hud::icons::Icon;
use crate::hud::theme::{Palette, Text, Theme, tokens};
use crate::hud::widgets::{Ink, Wishes, button, ink, scroll};

/// Draws the panes that carry the marker `M`: the chrome is ours, the content the caller's.
#[derive(SystemParam)]
pub struct PaneUi<'w, 's, M: Component> {
    contexts: EguiContexts<'w, 's>,
    theme: Res<'w, Theme>,
    panes: Query<'w, 's, (Entity, &'static PaneFrame, &'static PaneMotion), (With<Pane>, With<M>, Without<Closed>)>,
    slots: Query<'w, 's, (&'static Slot, &'static Opens)>,
    actions: MessageWriter<'w, UserAction>,
}

/// How a pane's content takes more room than there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// It scrolls.
    Scrolls,
    /// It keeps inside by itself.
    Fits,
}

impl<M: Component> PaneUi<'_, '_, M> {
    /// Draws every open pane of this kind. `content` gets the pane's entity, to find its form by.
    pub fn show(&mut self, body: Body, mut content: impl FnMut(&mut Ui, Entity, &mut Wishes)) -> Result {
        let context = self.contexts.ctx_mut()?.clone();
        for (entity, frame, motion) in &self.panes {
            let slot = self.slots.iter().find(|(_, opens)| opens.0 == entity).map(|(slot, _)| slot.index);
            let chrome = Chrome { entity, frame, motion, slot, palette: &self.theme.palette };
            let mut wishes = Wishes::default();
            chrome.show(&context, body, &mut wishes, &mut content);
            self.actions.write_batch(wishes.take());
        }
        Ok(())
    }
}

/// The button that closes a pane.
pub fn close_id(pane: Entity) -> Id {
    Id::new(("close", pane))
}

/// The layer a pane is drawn on.
pub fn layer(pane: Entity) -> LayerId {
    LayerId::new(Order::Middle, Id::new(("pane", pane)))
}

/// Puts the active pane in front, before any is drawn.
pub fn raise(active: Res<'_, ActivePane>, mut contexts: EguiContexts<'_, '_>, mut raised: Local<'_, Option<Entity>>) -> Result {
    if *raised != active.0 {
        *raised = active.0;
        if let Some(pane) = active.0 {
            contexts.ctx_mut()?.move_to_top(layer(pane));
        }
    }
    Ok(())
}

struct Chrome<'a> {
    entity: Entity,
    frame: &'a PaneFrame,
    motion: &'a PaneMotion,
    slot: Option<usize>,
    palette: &'a Palette,
}

impl Chrome<'_> {
    fn show(&self, context: &Context, body: Body, wishes: &mut Wishes, content: &mut impl FnMut(&mut Ui, Entity, &mut Wishes)) {
        let layer = layer(self.entity);
        let place = self.motion.place(self.frame.rect);
        context.set_transform_layer(layer, self.transform());
        let area = Area::new(layer.id).order(layer.order).fixed_pos(place.min).constrain(false).movable(false).fade_in(false);
        area.show(context, |ui| {
            ui.expand_to_include_rect(place);
            ui.set_clip_rect(place.expand(f32::from(tokens::SHADOW_BLUR) * 2.0));
            ui.multiply_opacity(self.motion.openness());
            if self.motion.goal == Goal::Shut {
                // Nothing is pressed on a pane that leaves.
                ui.disable();
            }
            self.ground(ui.painter(), place);
            let (bar, inside) = place.split_top_bottom_at_y(place.top() + tokens::TITLE_BAR);
            self.title_bar(ui, bar, wishes);
            self.content(ui, inside.shrink(f32::from(tokens::PANE_PADDING)), body, wishes, content);
            self.edge(ui.painter(), place);
        });
        let pressed = context.input(|input| input.pointer.any_pressed().then(|| input.pointer.interact_pos()).flatten());
        if pressed.is_some_and(|at| context.layer_id_at(at) == Some(layer)) {
            wishes.wish(UserAction::Focus(self.entity));
        }
    }

    /// How the layer is scaled on its way out of its slot.
    fn transform(&self) -> TSTransform {
        let scale = layout::open_scale(self.motion.openness());
        TSTransform { scaling: scale, translation: self.motion.origin.to_vec2() * (1.0 - scale) }
    }

    fn ground(&self, painter: &Painter, place: Rect) {
        let shadow = Shadow {
            offset: [0, tokens::SHADOW_DROP],
            blur: tokens::SHADOW_BLUR,
            spread: 0,
            color: tokens::faded(self.palette.ground, tokens::SHADOW_STRENGTH),
        };
        painter.add(shadow.as_shape(place, CornerRadius::ZERO));
        let active = self.motion.activity();
        if active > 0.0 {
            let light = tokens::faded(self.palette.border_strong, tokens::GLOW_STRENGTH * active);
            let glow = Shadow { offset: [0, 0], blur: tokens::GLOW_BLUR, spread: 0, color: light };
            painter.add(glow.as_shape(place, CornerRadius::ZERO));
        }
        painter.rect_filled(place, 0.0, self.palette.surface_0);
    }

    fn title_bar(&self, ui: &mut Ui, bar: Rect, wishes: &mut Wishes) {
        let palette = self.palette;
        ui.painter().rect_filled(bar, 0.0, palette.surface_1);
        ui.painter().hline(bar.x_range(), bar.bottom(), Stroke::new(tokens::HAIRLINE, palette.border_quiet));
        let drag = ui.interact(bar, Id::new(("title", self.entity)), Sense::drag());
        if drag.dragged() {
            wishes.wish(UserAction::Drag(self.entity, drag.drag_delta()));
        }
        if drag.drag_stopped() {
            wishes.wish(UserAction::Drop(self.entity));
        }
        let text = tokens::between(palette.text_mid, palette.text_high, self.motion.activity());
        let icon = Rect::from_min_size(bar.min, vec2(2.0 * f32::from(tokens::PANE_PADDING), bar.height()));
        self.frame.icon.paint(ui.painter(), icon.translate(vec2(tokens::STEP / 2.0, 0.0)), tokens::TITLE_ICON, text);
        let close = Rect::from_min_max(pos2(bar.right() - bar.height(), bar.top()), bar.max);
        let words = Rect::from_min_max(pos2(icon.right() + tokens::STEP, bar.top()), pos2(close.left() - tokens::STEP, bar.bottom()));
        ui.scope_builder(UiBuilder::new().max_rect(words).layout(Layout::right_to_left(Align::Center)), |ui| {
            if let Some(slot) = self.slot {
                ui.label(Ink(*palette).low(Text::Hint, format!("slot {}", slot + 1)));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(ink::title(self.frame.title, Text::Table, text)).truncate());
            });
        });
        if self.close_button(ui, close) {
            wishes.wish(UserAction::Close(self.entity));
        }
    }

    fn close_button(&self, ui: &Ui, place: Rect) -> bool {
        let response = ui.interact(place, close_id(self.entity), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, format!("Close {}", self.frame.title)));
        ui.painter().rect_filled(place.shrink(tokens::HAIRLINE), 0.0, button::wash(ui, &response));
        let colour = if response.hovered() { self.palette.text_high } else { self.palette.text_mid };
        Icon::Cross.paint(ui.painter(), place, tokens::CLOSE_ICON, colour);
        button::ring(ui, &response);
        response.clicked()
    }

    fn content(&self, ui: &mut Ui, inside: Rect, body: Body, wishes: &mut Wishes, content: &mut impl FnMut(&mut Ui, Entity, &mut Wishes)) {
        let room = UiBuilder::new().id_salt(("content", self.entity)).max_rect(inside).layout(Layout::top_down(Align::Min));
        let mut room = ui.new_child(room);
        // Focus rings, lamps and scroll bars stand a little outside of what they belong to.
        room.shrink_clip_rect(inside.expand(f32::from(tokens::SCROLL_ROOM)));
        match body {
            Body::Fits => content(&mut room, self.entity, wishes),
            Body::Scrolls => scroll::vertical(&mut room, |ui, area| {
                area.show(ui, |ui| content(ui, self.entity, wishes));
            }),
        }
    }

    /// The border and what makes the active pane the bright one.
    fn edge(&self, painter: &Painter, place: Rect) {
        let active = self.motion.activity();
        let colour = tokens::between(self.palette.border_quiet, self.palette.border_strong, active);
        painter.rect_stroke(place, 0.0, Stroke::new(tokens::HAIRLINE, colour), StrokeKind::Inside);
        if active <= 0.0 {
            return;
        }
        let bright = tokens::faded(self.palette.border_strong, active);
        painter.rect_stroke(place, 0.0, Stroke::new(tokens::HAIRLINE, bright), StrokeKind::Outside);
        let outside = tokens::BRACKET_REST + tokens::BRACKET_SLIDE * (1.0 - active);
        brackets(painter, place.expand(outside), bright);
        if active < 1.0 && self.motion.goal == Goal::Open {
            sweep(painter, place, self.motion.focus, self.palette);
        }
    }
}

/// Bright corners at the upper left and the lower right.
fn brackets(painter: &Painter, around: Rect, colour: egui::Color32) {
    let (arm, thick) = (tokens::BRACKET, tokens::BRACKET_WIDTH);
    for (corner, inward) in [(Align2::LEFT_TOP, 1.0), (Align2::RIGHT_BOTTOM, -1.0)] {
        let at = corner.pos_in_rect(&around);
        for size in [vec2(arm, thick), vec2(thick, arm)] {
            painter.rect_filled(Rect::from_two_pos(at, at + size * inward), 0.0, colour);
        }
    }
}

/// A light that runs once along the upper and the lower border.
fn sweep(painter: &Painter, place: Rect, part: f32, palette: &Palette) {
    let length = place.width() * tokens::SWEEP;
    let head = place.left() + (place.width() + length) * part;
    let pen = Stroke::new(tokens::FOCUS_RING, palette.border_strong);
    let (from, to) = ((head - length).max(place.left()), head.min(place.right()));
    if from < to {
        painter.hline(from..=to, place.top(), pen);
        let mirrored = (place.left() + place.right() - to)..=(place.left() + place.right() - from);
        painter.hline(mirrored, place.bottom(), pen);
    }
}
