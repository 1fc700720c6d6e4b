//! How notices look: a stack above the lower right corner, the newest below.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align2, Area, Id, Label, Margin, Order, Sides, Stroke, Ui, vec2};

use super::action::UserAction;
use super::pane::{PaneKind, Stage, layout};
use super::state::{Notice, Notices, Tone};
use super::theme::{Text, Theme, Weight, tokens};
use super::widgets::{Ink, Signal, Wishes, button};

/// Draws the stack over everything else.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    notices: Res<'_, Notices>,
    stage: Res<'_, Stage>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    if notices.stack.is_empty() {
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    let ink = Ink(theme.palette);
    let mut wishes = Wishes::default();
    // Beside the hotbar, or above it where there is no room for both.
    let bar = layout::hotbar(stage.window);
    let is_beside = stage.window.right() - bar.right() >= tokens::NOTICE_WIDTH + 2.0 * tokens::EDGE;
    let up = if is_beside { tokens::EDGE } else { stage.window.bottom() - bar.top() + tokens::GAP };
    let offset = vec2(-tokens::EDGE, -up);
    let area = Area::new(Id::new("notices")).order(Order::Foreground).anchor(Align2::RIGHT_BOTTOM, offset).movable(false).fade_in(false);
    area.show(context, |ui| view(ui, ink, &notices.stack, &mut wishes));
    actions.write_batch(wishes.take());
    Ok(())
}

/// Draws the newest few, and how many more there are.
pub fn view(ui: &mut Ui, ink: Ink, stack: &[Notice], wishes: &mut Wishes) {
    ui.set_max_width(tokens::NOTICE_WIDTH);
    let hidden = stack.len().saturating_sub(tokens::NOTICES_SHOWN);
    if hidden > 0 && button::small(ui, &format!("and {hidden} more in Activity")).clicked() {
        wishes.wish(UserAction::Toggle(PaneKind::Activity));
    }
    for notice in stack.iter().skip(hidden) {
        ui.push_id(notice.id, |ui| one(ui, ink, notice, wishes));
    }
}

fn one(ui: &mut Ui, ink: Ink, notice: &Notice, wishes: &mut Wishes) {
    let (signal, word) = match notice.tone {
        Tone::Good => (Signal::Good, "✓"),
        Tone::Warning => (Signal::Warning, "⚠"),
        Tone::Error => (Signal::Bad, "×"),
    };
    let colour = signal.colour(&ink.0);
    let frame = super::widgets::card::frame(ink)
        .stroke(Stroke::new(tokens::HAIRLINE, colour))
        .inner_margin(Margin::same(tokens::ROW_PADDING as i8));
    frame.show(ui, |ui| {
        ui.set_width(tokens::NOTICE_WIDTH - 2.0 * tokens::ROW_PADDING);
        ui.spacing_mut().item_spacing.y = tokens::STEP;
        Sides::new().shrink_left().wrap().show(
            ui,
            |ui| {
                let title =
                    bevy_egui::egui::RichText::new(format!("{word} {}", notice.title)).font(Text::Table.font(Weight::Bold)).color(colour);
                ui.add(Label::new(title).wrap());
            },
            |ui| {
                if button::small(ui, "dismiss").clicked() {
                    wishes.wish(UserAction::Dismiss(notice.id));
                }
                if notice.times > 1 {
                    ui.label(ink.low(Text::Hint, format!("{} times", notice.times)));
                }
            },
        );
        if !notice.text.is_empty() {
            ui.add(Label::new(ink.mid(Text::Table, &notice.text)).wrap());
        }
    });
}
