//! What a field wants typed: the on-screen keyboard shows the keys for it. A field says so while it has the keys.

use bevy_egui::egui::{Context, Id, Response, Ui};

/// What is typed into a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Text,
    /// A number.
    Number,
    /// Digits nobody may read.
    Pin,
    /// Text nobody may read.
    Secret,
    /// Words of a mnemonic, which are completed. Nobody may read them either.
    Words,
    /// Text of several lines.
    Lines,
}

impl Wanted {
    const fn is_secret(self) -> bool {
        matches!(self, Self::Pin | Self::Secret | Self::Words)
    }
}

/// What a field says of itself.
#[derive(Clone)]
struct Typed {
    wanted: Wanted,
    /// What stands in it, masked where nobody may read it.
    shown: String,
    /// The word that is being typed, of a mnemonic.
    begun: String,
}

fn typed_id(field: Id) -> Id {
    field.with("typed")
}

/// To be said after a field was drawn. Nothing is kept of a field that has not got the keys.
pub fn tell(ui: &Ui, field: &Response, wanted: Wanted, text: &str) {
    let id = typed_id(field.id);
    if !field.has_focus() {
        ui.data_mut(|data| data.remove_temp::<Option<Typed>>(id));
        return;
    }
    let shown = if wanted.is_secret() { "•".repeat(text.chars().count()) } else { text.to_owned() };
    let begun = if wanted == Wanted::Words { text.split(' ').next_back().unwrap_or_default().to_lowercase() } else { String::new() };
    ui.data_mut(|data| data.insert_temp(id, Some(Typed { wanted, shown, begun })));
}

fn typed(context: &Context, field: Id) -> Option<Typed> {
    context.data(|data| data.get_temp::<Option<Typed>>(typed_id(field))).flatten()
}

/// What a field wants; `None`: it has never said.
pub fn wanted(context: &Context, field: Id) -> Option<Wanted> {
    typed(context, field).map(|typed| typed.wanted)
}

/// What stands in a field.
pub fn shown(context: &Context, field: Id) -> String {
    typed(context, field).map(|typed| typed.shown).unwrap_or_default()
}

/// The word that is being typed, of a mnemonic.
pub fn begun(context: &Context, field: Id) -> String {
    typed(context, field).map(|typed| typed.begun).unwrap_or_default()
}
