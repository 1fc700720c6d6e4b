//! How the hotbar looks: empty, closed, open, active, and what its lamps say.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{
    Area, Id, LayerId, Order, Painter, Rect, Response, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, WidgetType, pos2, vec2,
};

use super::{Flash, Hint, Opens, Slot, hint, live, slot_id};
use crate::hud::action::UserAction;
use crate::hud::icons::Icon;
use crate::hud::input::{self, Focus};
use crate::hud::pane::motion::Goal;
use crate::hud::pane::{ActivePane, Pane, PaneKind, PaneMotion, SLOTS, Stage, layout};
use crate::hud::state::{Relays, Session, Unseen};
use crate::hud::theme::{Palette, Theme, tokens};
use crate::hud::widgets::{Ink, Signal, Wishes, button, cap, lamp};

/// A slot as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    pub index: usize,
    pub flash: f32,
    pub pane: Option<PaneFace>,
}

/// The pane in a slot, as far as the slot shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaneFace {
    pub kind: PaneKind,
    pub is_open: bool,
    pub is_active: bool,
    pub live: Signal,
}

impl PaneFace {
    fn title(self) -> &'static str {
        self.kind.spec().title
    }

    fn icon(self) -> Icon {
        self.kind.spec().icon
    }
}

/// Draws the hotbar over the panes, and the hint over the hotbar.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    stage: Res<'_, Stage>,
    active: Res<'_, ActivePane>,
    (session, relays, unseen): (Res<'_, Session>, Res<'_, Relays>, Res<'_, Unseen>),
    (pointed, mut moved, focus): (Res<'_, Hint>, Local<'_, bool>, Res<'_, Focus>),
    slots: Query<'_, '_, (&Slot, &Flash, Option<&Opens>)>,
    panes: Query<'_, '_, (&Pane, &PaneMotion)>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    if session.market.is_none() {
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    let face = |(slot, flash, opens): (&Slot, &Flash, Option<&Opens>)| {
        let pane = opens.and_then(|opens| {
            let (pane, motion) = panes.get(opens.0).ok()?;
            let is_active = active.0 == Some(opens.0);
            let live = live::live(pane.0, &session, &relays, &unseen);
            Some(PaneFace { kind: pane.0, is_open: motion.goal == Goal::Open, is_active, live })
        });
        Face { index: slot.index, flash: flash.0, pane }
    };
    let mut faces: Vec<Face> = slots.iter().map(face).collect();
    faces.sort_by_key(|face| face.index);
    let place = layout::hotbar(stage.window);
    let area = Area::new(Id::new("hotbar")).order(Order::Foreground).fixed_pos(place.min).constrain(false).movable(false).fade_in(false);
    let mut wishes = Wishes::default();
    let found = area.show(context, |ui| {
        ui.expand_to_include_rect(place);
        view(ui, stage.window, &faces, &theme.palette, &mut wishes)
    });
    let met = found.inner;
    // At first the ring is on a slot that nobody has gone to.
    *moved |= met.focused.is_some_and(|slot| slot != 0);
    // Over what lies over the hotbar its hint would lie as well.
    let meant = met.pointed.or(met.focused.filter(|_| *moved)).filter(|_| !focus.is_covered());
    if meant != pointed.slot {
        wishes.wish(UserAction::PointAtSlot(meant));
    }
    actions.write_batch(wishes.take());
    if let Some(face) = pointed.slot.and_then(|slot| faces.get(slot)).filter(|_| pointed.shown > 0.0) {
        let key = input::Hint::slot(context, face.index, true);
        let words = match face.pane {
            Some(pane) => hint::Words { title: pane.title(), key, news: live::news(pane.kind, &session, &relays, &unseen) },
            None => hint::Words { title: "Empty", key: None, news: Some("Settings puts a pane here".to_owned()) },
        };
        hint::draw(context, Ink(theme.palette), layout::slot(stage.window, face.index), pointed.shown, &words);
    }
    Ok(())
}

/// The slot that is pointed at, and the one with the ring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Met {
    pub pointed: Option<usize>,
    pub focused: Option<usize>,
}

/// Draws the slots.
pub fn view(ui: &mut Ui, window: Rect, faces: &[Face], palette: &Palette, wishes: &mut Wishes) -> Met {
    let bar = layout::hotbar(window);
    ui.painter().rect(bar, 0.0, palette.surface_0, Stroke::new(tokens::HAIRLINE, palette.border_quiet), StrokeKind::Inside);
    let mut met = Met::default();
    let mut lifted = None;
    for face in faces {
        let place = layout::slot(window, face.index);
        let response = ui.interact(place, slot_id(face.index), Sense::click_and_drag());
        let mut inside = ui.new_child(UiBuilder::new().max_rect(place));
        if face.pane.is_none() {
            inside.multiply_opacity(tokens::EMPTY_SLOT);
        } else if response.dragged() {
            inside.multiply_opacity(tokens::SLOT_LIFTED);
        }
        paint(inside.painter(), place, face, &response, palette);
        badge(ui.painter(), place, face, &response, palette);
        if response.clicked() {
            wishes.wish(UserAction::PressSlot(face.index));
        }
        if response.dragged() || response.drag_stopped() {
            lifted = Some((face, response.drag_stopped()));
        } else if response.hovered() {
            met.pointed = Some(face.index);
        }
        if response.has_focus() && input::shows_focus(ui.ctx()) {
            met.focused = Some(face.index);
        }
        button::ring(ui, &response);
        describe(&response, face);
    }
    if let Some((face, is_dropped)) = lifted {
        carry(ui, window, face, is_dropped, palette, wishes);
        return Met::default();
    }
    met
}

/// A slot on its way to another: its pane's icon under the pointer, and where it would go.
fn carry(ui: &Ui, window: Rect, face: &Face, is_dropped: bool, palette: &Palette, wishes: &mut Wishes) {
    let Some((at, pane)) = ui.ctx().pointer_interact_pos().zip(face.pane) else { return };
    let over = (0..SLOTS).find(|index| layout::slot(window, *index).expand(tokens::SLOT_GAP / 2.0).contains(at));
    let target = over.filter(|over| *over != face.index);
    if is_dropped {
        if let Some(target) = target {
            wishes.wish(UserAction::SwapSlots(face.index, target));
        }
        return;
    }
    let painter = ui.ctx().layer_painter(LayerId::new(Order::Tooltip, Id::new("carried slot")));
    if let Some(target) = target {
        let pen = Stroke::new(tokens::FOCUS_RING, palette.focus);
        painter.rect_stroke(layout::slot(window, target), 0.0, pen, StrokeKind::Outside);
    }
    let carried = Rect::from_center_size(at, layout::slot(window, face.index).size());
    painter.rect(carried, 0.0, palette.slot_active, Stroke::new(tokens::HAIRLINE, palette.border_strong), StrokeKind::Inside);
    pane.icon().paint(&painter, carried, tokens::SLOT_ICON, palette.text_high);
}

fn describe(response: &Response, face: &Face) {
    let title = face.pane.map_or("Empty", PaneFace::title);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, face.pane.is_some(), format!("Slot {}: {title}", face.index + 1)));
}

fn paint(painter: &Painter, place: Rect, face: &Face, response: &Response, palette: &Palette) {
    let is_active = face.pane.is_some_and(|pane| pane.is_active);
    let is_open = face.pane.is_some_and(|pane| pane.is_open);
    let fill = if is_active {
        palette.slot_active
    } else if response.hovered() && face.pane.is_some() {
        palette.surface_3
    } else {
        palette.surface_2
    };
    painter.rect_filled(place, 0.0, tokens::between(fill, palette.border_strong, face.flash));
    let border = if is_active || is_open {
        tokens::between(palette.border_quiet, palette.border_strong, tokens::OPEN_SLOT)
    } else {
        palette.border_quiet
    };
    let border = if is_active { palette.border_strong } else { border };
    painter.rect_stroke(place, 0.0, Stroke::new(tokens::HAIRLINE, border), StrokeKind::Inside);
    if is_active {
        painter.rect_stroke(place, 0.0, Stroke::new(tokens::HAIRLINE, border), StrokeKind::Outside);
    } else if is_open {
        let bar = Rect::from_center_size(pos2(place.center().x, place.top() + tokens::STEP), vec2(place.width() * 0.6, tokens::FOCUS_RING));
        painter.rect_filled(bar, 0.0, palette.text_low);
    }
    if let Some(pane) = face.pane {
        let colour = if is_active || is_open { palette.text_high } else { palette.text_mid };
        pane.icon().paint(painter, place.translate(vec2(0.0, -tokens::FOCUS_RING)), tokens::SLOT_ICON.min(place.width() * 0.5), colour);
        if pane.live != Signal::Quiet {
            let at = pos2(place.left() + tokens::STEP + tokens::LIVE_DOT / 2.0, place.bottom() - tokens::STEP - tokens::LIVE_DOT / 2.0);
            lamp::paint(painter, Rect::from_center_size(at, Vec2::splat(tokens::LIVE_DOT)), pane.live, palette);
        }
    }
}

/// The key of a slot. Read in every state, also where the rest of the slot has faded.
fn badge(painter: &Painter, place: Rect, face: &Face, response: &Response, palette: &Palette) {
    let corner = place.right_bottom() - vec2(tokens::STEP, tokens::STEP / 2.0);
    let colour = if face.pane.is_some_and(|pane| pane.is_active) { palette.text_high } else { palette.text_low };
    if let Some(key) = input::Hint::slot(painter.ctx(), face.index, response.has_focus()) {
        cap::badge(painter, corner, &key, colour, palette);
    }
}
