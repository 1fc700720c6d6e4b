//! The chrome, once for all panes: border, grips, title bar, brackets, shadow, and the way out of the slot.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::emath::TSTransform;
use bevy_egui::egui::{
    self, Align, Align2, Area, Context, CornerRadius, CursorIcon, Id, LayerId, Layout, Order, Painter, Rect, Response, Sense, Shadow,
    Stroke, StrokeKind, Ui, UiBuilder, Vec2, pos2, vec2,
};

use super::arranging::Arranging;
use super::grip::GRIPS;
use super::motion::Goal;
use super::pulse::{self, PanePulse};
use super::snap::{self, Snap};
use super::{ActivePane, Closed, Pane, PaneFrame, PaneMotion, PaneOrder, Stage, layout};
use crate::hud::action::UserAction;
use crate::hud::banner::Clearing;
use crate::hud::hotbar::{Opens, Slot};
use crate::hud::icons::Icon;
use crate::hud::theme::{self, Palette, Text, Theme, tokens};
use crate::hud::widgets::scroll::{self, Scrolled};
use crate::hud::widgets::{Ink, Wishes, button, ink};

/// Draws the panes that carry the marker `M`: the chrome is ours, the content the caller's.
#[derive(SystemParam)]
pub struct PaneUi<'w, 's, M: Component> {
    contexts: EguiContexts<'w, 's>,
    theme: Res<'w, Theme>,
    arranging: Res<'w, Arranging>,
    active: Res<'w, ActivePane>,
    panes: Query<
        'w,
        's,
        (Entity, &'static PaneFrame, &'static PaneMotion, &'static PanePulse, &'static mut Scrolled),
        (With<Pane>, With<M>, Without<Closed>),
    >,
    slots: Query<'w, 's, (&'static Slot, &'static Opens)>,
    clearing: Res<'w, Clearing>,
    stage: Res<'w, Stage>,
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
        for (entity, frame, motion, pulse, mut scrolled) in &mut self.panes {
            let is_arranged = self.arranging.0.is_some_and(|arranged| arranged.pane == entity);
            let slot = self.slots.iter().find(|(_, opens)| opens.0 == entity).map(|(slot, _)| slot.index);
            let place = self.clearing.clear(motion.place(frame.rect), self.stage.work);
            let is_active = self.active.0 == Some(entity);
            let chrome = Chrome { entity, frame, motion, place, pulse, is_active, is_arranged, slot, palette: &self.theme.palette };
            let mut wishes = Wishes::default();
            chrome.show(&context, body, scrolled.bypass_change_detection(), &mut wishes, &mut content);
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

/// Puts the panes' layers into the panes' order before any is drawn, one each frame: egui keeps the order among those that
/// are raised together.
pub fn raise(
    panes: Query<'_, '_, (Entity, &PaneOrder), (With<Pane>, Without<Closed>)>,
    snap: Res<'_, Snap>,
    mut contexts: EguiContexts<'_, '_>,
) -> Result {
    let context = contexts.ctx_mut()?;
    let mut wanted: Vec<(PaneOrder, Entity)> = panes.iter().map(|(entity, order)| (*order, entity)).collect();
    wanted.sort_unstable();
    let mut layers: Vec<LayerId> = wanted.iter().map(|(_, entity)| layer(*entity)).collect();
    if let Some(at) = snap.pane().and_then(|pane| layers.iter().position(|known| *known == layer(pane))) {
        layers.insert(at, snap::layer());
    }
    let shown: Vec<LayerId> = context.memory(|memory| memory.layer_ids().collect());
    let depth = |layer: LayerId| shown.iter().position(|known| *known == layer);
    let covered = layers.windows(2).find_map(|pair| match pair {
        [below, above] => depth(*below).zip(depth(*above)).is_some_and(|(below, above)| below > above).then_some(*above),
        _ => None,
    });
    if let Some(covered) = covered {
        context.move_to_top(covered);
        context.request_repaint();
    }
    Ok(())
}

struct Chrome<'a> {
    entity: Entity,
    frame: &'a PaneFrame,
    motion: &'a PaneMotion,
    pulse: &'a PanePulse,
    /// It is the active one, or becomes it.
    is_active: bool,
    /// Arrows move or resize it.
    is_arranged: bool,
    place: Rect,
    slot: Option<usize>,
    palette: &'a Palette,
}

impl Chrome<'_> {
    fn show(
        &self,
        context: &Context,
        body: Body,
        scrolled: &mut Scrolled,
        wishes: &mut Wishes,
        content: &mut impl FnMut(&mut Ui, Entity, &mut Wishes),
    ) {
        let layer = layer(self.entity);
        let place = self.place;
        // A press on a grip outside the border is a press on the pane.
        let around = place.expand(tokens::GRIP / 2.0);
        context.set_transform_layer(layer, self.transform());
        // First of all: what is pressed in it may want another pane to be in front, and quick fingers press and let go
        // between two frames.
        let pressed = context.input(|input| input.pointer.any_pressed().then(|| input.pointer.interact_pos()).flatten());
        if pressed.is_some_and(|at| context.layer_id_at(at) == Some(layer)) {
            wishes.wish(UserAction::Focus(self.entity));
        }
        let area = Area::new(layer.id).order(layer.order).fixed_pos(around.min).constrain(false).movable(false).fade_in(false);
        area.show(context, |ui| {
            ui.expand_to_include_rect(around);
            ui.set_clip_rect(place.expand(f32::from(tokens::SHADOW_BLUR) * 2.0));
            ui.multiply_opacity(self.motion.openness());
            if self.motion.goal == Goal::Shut {
                // Nothing is pressed on a pane that leaves.
                ui.disable();
            }
            self.ground(ui.painter(), place);
            let (bar, inside) = place.split_top_bottom_at_y(place.top() + tokens::TITLE_BAR.max(theme::hit(context)));
            self.title_bar(ui, bar, wishes);
            let mut add = |ui: &mut Ui| content(ui, self.entity, wishes);
            self.content(ui, inside.shrink(f32::from(tokens::PANE_PADDING)), body, scrolled, &mut add);
            self.edge(ui.painter(), place);
            if self.motion.goal == Goal::Open {
                self.grips(ui, place, wishes);
            }
        });
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
        // Neither the title nor a grip is a stop for Tab: keys have a mode for what they do.
        let title = ui.interact(bar, Id::new(("title", self.entity)), Sense::CLICK | Sense::DRAG);
        let cursor = if title.dragged() { CursorIcon::Grabbing } else { CursorIcon::Grab };
        let title = title.on_hover_and_drag_cursor(cursor);
        let pane = self.entity;
        self.held(&title, wishes, |by| Some(UserAction::Drag { pane, by, at: ui.ctx().pointer_interact_pos()? }));
        if title.double_clicked() {
            wishes.wish(UserAction::Maximise);
        }
        let text = tokens::between(palette.text_mid, palette.text_high, self.motion.activity());
        let icon = Rect::from_min_size(bar.min, vec2(2.0 * f32::from(tokens::PANE_PADDING), bar.height()));
        self.frame.icon.paint(ui.painter(), icon.translate(vec2(tokens::STEP / 2.0, 0.0)), tokens::TITLE_ICON, text);
        let close = Rect::from_min_max(pos2(bar.right() - bar.height(), bar.top()), bar.max);
        let words = Rect::from_min_max(pos2(icon.right() + tokens::STEP, bar.top()), pos2(close.left() - 2.0 * tokens::STEP, bar.bottom()));
        ui.scope_builder(UiBuilder::new().max_rect(words).layout(Layout::right_to_left(Align::Center)), |ui| {
            if let Some(slot) = self.slot.filter(|_| bar.width() >= tokens::TITLE_LEAST) {
                ui.label(Ink(*palette).low(Text::Hint, format!("slot {}", slot + 1)));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(ink::title(&self.frame.title, Text::Table, text)).truncate());
            });
        });
        if self.close_button(ui, close) {
            wishes.wish(UserAction::Close(self.entity));
        }
    }

    /// The border and the corners, over everything else.
    fn grips(&self, ui: &Ui, place: Rect, wishes: &mut Wishes) {
        let pane = self.entity;
        for (number, grip) in GRIPS.into_iter().enumerate() {
            let held = ui.interact(grip.area(place), Id::new(("grip", pane, number)), Sense::DRAG);
            let held = held.on_hover_and_drag_cursor(grip.cursor());
            self.held(&held, wishes, |by| Some(UserAction::Pull { pane, grip, by }));
        }
    }

    /// Something of the pane that is dragged. A pointer that rests moves nothing.
    fn held(&self, held: &Response, wishes: &mut Wishes, dragged: impl FnOnce(Vec2) -> Option<UserAction>) {
        if held.drag_started() {
            wishes.wish(UserAction::Grasp(self.entity));
        }
        if let Some(by) = held.total_drag_delta().filter(|_| held.drag_delta() != Vec2::ZERO)
            && let Some(action) = dragged(by)
        {
            wishes.wish(action);
        }
        if held.drag_stopped() {
            wishes.wish(UserAction::Drop(self.entity));
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

    fn content(&self, ui: &mut Ui, inside: Rect, body: Body, scrolled: &mut Scrolled, add: &mut impl FnMut(&mut Ui)) {
        let room = UiBuilder::new().id_salt(("content", self.entity)).max_rect(inside).layout(Layout::top_down(Align::Min));
        let mut room = ui.new_child(room);
        // Focus rings, lamps and scroll bars stand a little outside of what they belong to.
        room.shrink_clip_rect(inside.expand(f32::from(tokens::SCROLL_ROOM)));
        match body {
            Body::Fits => add(&mut room),
            Body::Scrolls => scroll::remembered(&mut room, scrolled, |ui, area| area.show(ui, add)),
        }
    }

    /// The border and what makes the active pane the bright one.
    fn edge(&self, painter: &Painter, place: Rect) {
        let active = self.motion.activity();
        let colour = tokens::between(self.palette.border_quiet, self.palette.border_strong, active);
        painter.rect_stroke(place, 0.0, Stroke::new(tokens::HAIRLINE, colour), StrokeKind::Inside);
        if active > 0.0 {
            self.bright_edge(painter, place, active);
        }
        if self.is_arranged {
            let pen = Stroke::new(tokens::FOCUS_RING, self.palette.focus);
            painter.rect_stroke(place.expand(tokens::FOCUS_RING), 0.0, pen, StrokeKind::Outside);
        }
        pulse::paint(painter, place, self.pulse, self.palette);
    }

    fn bright_edge(&self, painter: &Painter, place: Rect, active: f32) {
        let bright = tokens::faded(self.palette.border_strong, active);
        painter.rect_stroke(place, 0.0, Stroke::new(tokens::HAIRLINE, bright), StrokeKind::Outside);
        let outside = tokens::BRACKET_REST + tokens::BRACKET_SLIDE * (1.0 - active);
        brackets(painter, place.expand(outside), bright);
        if active < 1.0 && self.is_active && self.motion.goal == Goal::Open {
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
