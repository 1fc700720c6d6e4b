//! The slots as a list, in Settings: which pane is in which, without a mouse.

use bevy_egui::egui::Ui;

use crate::hud::action::{ActionKind, UserAction};
use crate::hud::input;
use crate::hud::pane::{Berth, PANES, PaneKind, SLOTS};
use crate::hud::theme::Text;
use crate::hud::widgets::{Ink, Wishes, button, field};

/// Draws the slots; the one that was pressed lists what can be in it.
pub fn view(ui: &mut Ui, slots: &[Option<PaneKind>; SLOTS], wishes: &mut Wishes) {
    field::heading(ui, "hotbar: press a slot to choose its pane");
    let chosen_id = ui.id().with("chosen slot");
    let mut chosen = ui.data(|data| data.get_temp::<usize>(chosen_id));
    ui.horizontal_wrapped(|ui| {
        for (index, kind) in slots.iter().enumerate() {
            let words = format!("{} {}", index + 1, kind.map_or("empty", |kind| kind.spec().title));
            if button::choice(ui, &words, chosen == Some(index)).clicked() {
                chosen = (chosen != Some(index)).then_some(index);
            }
        }
    });
    if let Some((index, held)) = chosen.and_then(|index| Some((index, *slots.get(index)?))) {
        ui.label(Ink::of(ui).low(Text::Table, format!("slot {} opens", index + 1)));
        ui.horizontal_wrapped(|ui| {
            let single = PANES.iter().filter(|spec| matches!(spec.berth, Berth::Slot(_)));
            let all = single.map(|spec| (spec.title, Some(spec.kind))).chain([("nothing", None)]);
            for (title, kind) in all {
                if button::choice(ui, title, held == kind).clicked() && held != kind {
                    wishes.wish(UserAction::AssignSlot(index, kind));
                    chosen = None;
                }
            }
        });
    }
    ui.data_mut(|data| match chosen {
        Some(index) => {
            data.insert_temp(chosen_id, index);
        }
        None => data.remove::<usize>(chosen_id),
    });
    ui.horizontal_wrapped(|ui| {
        let key = input::Hint::find(ui.ctx(), ActionKind::ResetHud).map_or_else(String::new, |key| format!(" Key: {}", key.text));
        let hint = format!("Panes and slots as at the first start. What was typed stays.{key}");
        if button::small(ui, "Reset HUD").on_hover_text(hint).clicked() {
            wishes.wish(UserAction::ResetHud);
        }
        ui.label(Ink::of(ui).low(Text::Table, "slots can be dragged as well"));
    });
}
