//! What a field wants typed: the on-screen keyboard shows the keys for it. A field says so while it has the keys.

use bevy_egui::egui::text_edit::TextEditState;
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
    /// Before which letter of it the cursor is.
    cursor: usize,
    /// The word that is being typed, of a mnemonic.
    word: Word,
}

/// The word the cursor is in. In no Debug text: it is a part of a secret.
#[derive(Clone, Default)]
pub struct Word {
    /// As far as the cursor, in small letters.
    pub begun: String,
    /// How many letters of it stand after the cursor, with the space that ends it.
    pub rest: usize,
}

impl Word {
    fn at(cursor: usize, text: &str) -> Self {
        let before: String = text.chars().take(cursor).collect();
        let letters = text.chars().skip(cursor).take_while(|letter| *letter != ' ').count();
        let is_ended = text.chars().nth(cursor + letters) == Some(' ');
        Self { begun: before.rsplit(' ').next().unwrap_or_default().to_lowercase(), rest: letters + usize::from(is_ended) }
    }
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
    let range = TextEditState::load(ui.ctx(), field.id).and_then(|state| state.cursor.char_range());
    let cursor = range.map_or(usize::MAX, |range| range.primary.index.0).min(text.chars().count());
    let word = if wanted == Wanted::Words { Word::at(cursor, text) } else { Word::default() };
    ui.data_mut(|data| data.insert_temp(id, Some(Typed { wanted, shown, cursor, word })));
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

/// The line of it the cursor is in, before the cursor and after it.
pub fn around(context: &Context, field: Id) -> (String, String) {
    let Some(typed) = typed(context, field) else { return Default::default() };
    let before: String = typed.shown.chars().take(typed.cursor).collect();
    let after: String = typed.shown.chars().skip(typed.cursor).take_while(|letter| *letter != '\n').collect();
    (before.rsplit('\n').next().unwrap_or_default().to_owned(), after)
}

/// The word that is being typed, of a mnemonic.
pub fn word(context: &Context, field: Id) -> Word {
    typed(context, field).map(|typed| typed.word).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_one_the_cursor_is_in() {
        let word = |cursor, text| {
            let word = Word::at(cursor, text);
            (word.begun, word.rest)
        };
        assert_eq!(word(10, "abandon Zo"), ("zo".into(), 0));
        assert_eq!(word(2, "abxx zoo"), ("ab".into(), 3));
        assert_eq!(word(2, "ab"), ("ab".into(), 0));
        assert_eq!(word(3, "ab zoo"), (String::new(), 3));
        assert_eq!(word(0, ""), (String::new(), 0));
    }
}
