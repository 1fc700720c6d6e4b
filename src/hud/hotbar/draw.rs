//! How the hotbar looks: empty, closed, open, active, and what its lamps say.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{
    Area, Id, Order, Painter, Rect, Response, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, WidgetType, pos2, vec2,
};

use super::{Flash, Opens, Slot};
use crate::hud::action::UserAction;
use crate::hud::icons::Icon;
use crate::hud::input::{Hint, slot_id};
use crate::hud::pane::motion::Goal;
use crate::hud::pane::{ActivePane, Pane, PaneFrame, PaneKind, PaneMotion, Stage, layout};
use crate::hud::state::{Relays, Session};
use crate::hud::theme::{Palette, Theme, tokens};
use crate::hud::widgets::{Signal, button, cap, lamp};
use crate::wallet::SyncState;

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
    pub title: &'static str,
    pub icon: Icon,
    pub is_open: bool,
    pub is_active: bool,
    pub live: Signal,
}

/// Draws the hotbar over the panes.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    stage: Res<'_, Stage>,
    active: Res<'_, ActivePane>,
    session: Res<'_, Session>,
    relays: Res<'_, Relays>,
    slots: Query<'_, '_, (&Slot, &Flash, Option<&Opens>)>,
    panes: Query<'_, '_, (&Pane, &PaneFrame, &PaneMotion)>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    if session.market.is_none() {
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    let face = |(slot, flash, opens): (&Slot, &Flash, Option<&Opens>)| {
        let pane = opens.and_then(|opens| {
            let (pane, frame, motion) = panes.get(opens.0).ok()?;
            let is_active = active.0 == Some(opens.0);
            let live = live(pane.0, &session, &relays);
            Some(PaneFace { title: frame.title, icon: frame.icon, is_open: motion.goal == Goal::Open, is_active, live })
        });
        Face { index: slot.index, flash: flash.0, pane }
    };
    let mut faces: Vec<Face> = slots.iter().map(face).collect();
    faces.sort_by_key(|face| face.index);
    let place = layout::hotbar(stage.window);
    let area = Area::new(Id::new("hotbar")).order(Order::Foreground).fixed_pos(place.min).constrain(false).movable(false).fade_in(false);
    area.show(context, |ui| {
        ui.expand_to_include_rect(place);
        actions.write_batch(view(ui, stage.window, &faces, &theme.palette).map(UserAction::PressSlot));
    });
    Ok(())
}

/// What a slot's lamp says.
fn live(kind: PaneKind, session: &Session, relays: &Relays) -> Signal {
    use crate::node::NodeState;
    match kind {
        PaneKind::SellCompute | PaneKind::Wallet if !session.link.is_up() => Signal::Warning,
        PaneKind::SellCompute => match session.status.state {
            NodeState::Online => Signal::Good,
            NodeState::Degraded => Signal::Warning,
            NodeState::Connecting | NodeState::Draining => Signal::Info,
            NodeState::Stopped | NodeState::Starting | NodeState::Offline | NodeState::Stopping => Signal::Quiet,
        },
        PaneKind::Relays if session.is_out() && relays.connected() < relays.relays.len() => Signal::Warning,
        PaneKind::Wallet => match session.status.wallet.as_ref().map(|wallet| &wallet.snapshot.sync) {
            Some(SyncState::Unreachable { .. }) => Signal::Warning,
            Some(SyncState::Synced | SyncState::Syncing) | None => Signal::Quiet,
        },
        PaneKind::Relays | PaneKind::JobHistory | PaneKind::Pylon | PaneKind::Activity | PaneKind::Settings => Signal::Quiet,
    }
}

/// Draws the slots; says which was pressed.
pub fn view(ui: &mut Ui, window: Rect, faces: &[Face], palette: &Palette) -> Option<usize> {
    let bar = layout::hotbar(window);
    ui.painter().rect(bar, 0.0, palette.surface_0, Stroke::new(tokens::HAIRLINE, palette.border_quiet), StrokeKind::Inside);
    let mut pressed = None;
    for face in faces {
        let place = layout::slot(window, face.index);
        let response = ui.interact(place, slot_id(face.index), Sense::click());
        let mut inside = ui.new_child(UiBuilder::new().max_rect(place));
        if face.pane.is_none() {
            inside.multiply_opacity(tokens::EMPTY_SLOT);
        }
        paint(inside.painter(), place, face, &response, palette);
        if response.clicked() {
            pressed = Some(face.index);
        }
        button::ring(ui, &response);
        describe(response, face);
    }
    pressed
}

fn describe(response: Response, face: &Face) {
    let title = face.pane.map_or("Empty", |pane| pane.title);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, face.pane.is_some(), format!("Slot {}: {title}", face.index + 1)));
    let words = match face.pane {
        Some(pane) => format!("{} · {}", pane.title, face.index + 1),
        None => "Empty.".to_owned(),
    };
    response.on_hover_text(words);
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
        pane.icon.paint(painter, place.translate(vec2(0.0, -tokens::FOCUS_RING)), tokens::SLOT_ICON, colour);
        if pane.live != Signal::Quiet {
            let at = pos2(place.left() + tokens::STEP + tokens::LIVE_DOT / 2.0, place.bottom() - tokens::STEP - tokens::LIVE_DOT / 2.0);
            lamp::paint(painter, Rect::from_center_size(at, Vec2::splat(tokens::LIVE_DOT)), pane.live, palette);
        }
    }
    let corner = place.right_bottom() - vec2(tokens::STEP, tokens::STEP / 2.0);
    if let Some(hint) = Hint::slot(painter.ctx(), face.index, response.has_focus()) {
        cap::badge(painter, corner, &hint, palette);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{NodeState, NodeStatus};

    #[test]
    fn the_lamp_of_sell_compute_tells_online_from_degraded() {
        let at = |state| Session { status: NodeStatus { state, ..NodeStatus::default() }, ..Session::default() };
        assert_eq!(live(PaneKind::SellCompute, &at(NodeState::Online), &Relays::default()), Signal::Good);
        assert_eq!(live(PaneKind::SellCompute, &at(NodeState::Degraded), &Relays::default()), Signal::Warning);
        assert_eq!(live(PaneKind::SellCompute, &at(NodeState::Stopped), &Relays::default()), Signal::Quiet);
    }
}
