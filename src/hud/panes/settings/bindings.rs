//! Keys and pad: each action with what is bound to it, to be bound otherwise.

use bevy_egui::egui::{Align, Id, Label, Layout, Rect, Ui, UiBuilder, vec2};

use crate::hud::action::steering::Group;
use crate::hud::action::{Binding, UserAction, table};
use crate::hud::input::{Bindings, Device, Listening, button_name};
use crate::hud::prefs::Preferences;
use crate::hud::theme::{Text, tokens};
use crate::hud::widgets::{Ink, Signal, Wishes, button, field, words};

/// Draws the part: closed at first, for it is long.
pub fn view(ui: &mut Ui, preferences: &Preferences, bindings: &Bindings, listening: Listening, wishes: &mut Wishes) {
    field::heading(ui, "keys and pad");
    let id = Id::new("keys and pad are shown");
    let is_shown = ui.data(|data| data.get_temp::<bool>(id)).unwrap_or_default();
    let has_own = !preferences.keys.is_empty() || !preferences.pad.is_empty();
    ui.horizontal_wrapped(|ui| {
        if button::choice(ui, if is_shown { "hide" } else { "change" }, is_shown).clicked() {
            ui.data_mut(|data| data.insert_temp(id, !is_shown));
        }
        if has_own && button::small(ui, "Reset all").clicked() {
            wishes.wish(UserAction::Unbind(None));
        }
    });
    if !is_shown {
        return;
    }
    ui.add(
        Label::new(Ink::of(ui).low(Text::Table, "Press what an action is bound to, then the key or button you want. Esc keeps it.")).wrap(),
    );
    for group in Group::ALL {
        field::heading(ui, group.title());
        for row in table().filter(|row| row.kind.group() == group) {
            line(ui, row, preferences, bindings, listening, wishes);
        }
    }
}

fn line(ui: &mut Ui, row: &Binding, preferences: &Preferences, bindings: &Bindings, listening: Listening, wishes: &mut Wishes) {
    let ink = Ink::of(ui);
    let place = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), tokens::ROW));
    ui.scope_builder(UiBuilder::new().max_rect(place).id_salt(row.label).layout(Layout::right_to_left(Align::Center)), |ui| {
        let id = row.kind.id();
        if (preferences.keys.0.contains_key(&id) || preferences.pad.0.contains_key(&id)) && button::small(ui, "reset").clicked() {
            wishes.wish(UserAction::Unbind(Some(row.kind)));
        }
        for device in [Device::Pad, Device::Keys] {
            let is_waited_for = listening.0 == Some((row.kind, device));
            let text = match device {
                _ if is_waited_for => "press it…".to_owned(),
                Device::Pad => bindings.button(row.kind).map_or_else(|| words::NONE.to_owned(), button_name),
                Device::Keys | Device::Pointer => {
                    bindings.keys(row.kind).first().map_or_else(|| words::NONE.to_owned(), ToString::to_string)
                }
            };
            if button::choice(ui, &text, is_waited_for).clicked() {
                wishes.wish(UserAction::Listen((!is_waited_for).then_some((row.kind, device))));
            }
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let is_waited_for = listening.0.is_some_and(|(kind, _)| kind == row.kind);
            let signal = if is_waited_for { Signal::Info } else { Signal::Quiet };
            ui.add(Label::new(ink.signal(signal, Text::Table, row.label)).truncate()).on_hover_text(row.help);
        });
    });
    ui.advance_cursor_after_rect(place);
}
