//! Moving and resizing by keys or by pad: a mode for the active pane, in which arrows go by steps.
//!
//! While it lasts it has the keys ([`crate::hud::input::Owner`]): the steps that move the focus elsewhere move the pane.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align2, Area, Context, Id, Margin, Order, Rect, Stroke, Ui, vec2};

use super::tile::{Tile, Toward};
use super::{PaneFrame, Stage, layout};
use crate::hud::action::{ActionKind, Steer, UserAction};
use crate::hud::input::Hint;
use crate::hud::theme::{Text, Theme, tokens};
use crate::hud::widgets::{Ink, Signal, card, ink};

/// What the arrows do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Move,
    Resize,
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The pane stays as it is now.
    Keep,
    /// It goes back to where it was.
    Back,
}

/// The pane that is arranged by keys, if one is.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq)]
pub struct Arranging(pub Option<Arranged>);

/// That pane, and how it was before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arranged {
    pub pane: Entity,
    pub how: How,
    /// Where it belonged, whether that was clear of chips and hotbar, and its tile.
    pub before: (Rect, bool, Option<Tile>),
}

/// What a step of the focus means meanwhile. Everything else waits until it has ended.
pub const fn meaning(steer: Steer) -> Option<UserAction> {
    match steer {
        Steer::Left => Some(UserAction::Nudge(Toward::Left)),
        Steer::Right => Some(UserAction::Nudge(Toward::Right)),
        Steer::Up => Some(UserAction::Nudge(Toward::Up)),
        Steer::Down => Some(UserAction::Nudge(Toward::Down)),
        Steer::Press => Some(UserAction::EndArranging(Ending::Keep)),
        Steer::Leave => Some(UserAction::EndArranging(Ending::Back)),
        _ => None,
    }
}

/// Says what the keys do, above the hotbar.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    stage: Res<'_, Stage>,
    arranging: Res<'_, Arranging>,
    frames: Query<'_, '_, &PaneFrame>,
) -> Result {
    let Some(arranged) = arranging.0 else { return Ok(()) };
    let Ok(frame) = frames.get(arranged.pane) else { return Ok(()) };
    let context = contexts.ctx_mut()?;
    let above = stage.window.bottom() - layout::hotbar(stage.window).top() + tokens::STEP;
    let area = Area::new(Id::new("arranging")).order(Order::Foreground).anchor(Align2::CENTER_BOTTOM, vec2(0.0, -above));
    area.movable(false).interactable(false).fade_in(false).show(context, |ui| view(ui, Ink(theme.palette), arranged.how, &frame.title));
    Ok(())
}

/// The words of the mode.
fn view(ui: &mut Ui, ink: Ink, how: How, title: &str) {
    let (what, does) = match how {
        How::Move => ("Moving", "move"),
        How::Resize => ("Resizing", "resize"),
    };
    let frame = card::frame(ink).fill(ink.0.surface_0).stroke(Stroke::new(tokens::HAIRLINE, ink.0.focus));
    frame.inner_margin(Margin::symmetric(tokens::ROW_PADDING as i8, tokens::GAP as i8)).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.label(ink::title(&format!("{what} {title}"), Text::Table, ink.0.text_high));
        ui.label(ink.signal(Signal::Info, Text::Hint, keys(ui.ctx(), does)));
    });
}

/// Which keys or buttons do what, as they are bound.
fn keys(context: &Context, does: &str) -> String {
    let text = |kind| Hint::find(context, kind).map(|hint| hint.text);
    let ways: Vec<String> =
        [ActionKind::MoveUp, ActionKind::MoveDown, ActionKind::MoveLeft, ActionKind::MoveRight].into_iter().filter_map(text).collect();
    let ways = match ways.join(" ").as_str() {
        "Up Down Left Right" => "arrows".to_owned(),
        "D-pad up D-pad down D-pad left D-pad right" => "D-pad".to_owned(),
        others => others.to_owned(),
    };
    let ends = [(text(ActionKind::Press), "keeps it"), (text(ActionKind::Leave), "puts it back")];
    let all = [(Some(ways), does)].into_iter().chain(ends);
    all.filter_map(|(key, does)| Some(format!("{} {does}", key?))).collect::<Vec<_>>().join(" · ")
}
