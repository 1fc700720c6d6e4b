//! The on-screen keyboard: text, numbers, PINs and the words of a mnemonic, without a keyboard.
//!
//! It types into egui as a keyboard would, so that a field cannot tell them apart. The field keeps egui's focus all the
//! while, also when a key is pressed with the mouse.
//!
//! What is typed may be a secret: no letter is in any Debug text, and what stands in a field is shown as it shows it itself.

mod draw;
pub mod layout;

use std::fmt;

use bevy::prelude::*;
use bevy::window::RequestRedraw;
use bevy_egui::egui::{self, Context, Event, Id, Modifiers, Rect};
use bevy_egui::{EguiContext, PrimaryEguiContext};

pub use draw::draw;
use layout::{Row, Shift, Signs};

use super::action::Steer;
use super::input::is_field;
use super::widgets::typed::{self, Wanted};

/// A press of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tap {
    Char(char),
    /// A new line.
    Line,
    Backspace,
    Left,
    Right,
    Shift,
    Symbols,
    /// The word of a mnemonic that is being typed becomes this one.
    Word(&'static str),
    /// Nothing more is to be typed.
    Done,
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}

/// The keyboard.
#[derive(Resource, Debug, Default)]
pub struct Osk {
    /// What it types into; `None`: it is closed.
    pub field: Option<Id>,
    pub signs: Signs,
    pub shift: Shift,
    /// The key with the ring: its row, and its place in it. See [`Osk::ring`].
    at: (usize, usize),
    /// Where it was drawn last.
    pub place: Option<Rect>,
}

impl Osk {
    pub const fn is_open(&self) -> bool {
        self.field.is_some()
    }

    /// Opens for a field that has the keys.
    pub fn open(&mut self, field: Id) {
        // In the middle of the second row: near everything.
        *self = Self { field: Some(field), at: (1, 4), ..Self::default() };
    }

    pub fn close(&mut self) {
        self.field = None;
        self.place = None;
    }

    /// The keys there are now.
    pub fn rows(&self, context: &Context) -> Vec<Row> {
        let Some(field) = self.field else { return Vec::new() };
        let wanted = typed::wanted(context, field).unwrap_or(Wanted::Text);
        layout::rows(wanted, self.signs, self.shift, &typed::word(context, field).begun)
    }

    /// The key with the ring among these: other keys may have been there when it was put where it is.
    pub fn ring(&self, rows: &[Row]) -> (usize, usize) {
        let row = self.at.0.min(rows.len().saturating_sub(1));
        let keys = rows.get(row).map_or(0, Vec::len);
        (row, self.at.1.min(keys.saturating_sub(1)))
    }

    /// Moves the ring.
    pub fn step(&mut self, context: &Context, steer: Steer) {
        let rows = self.rows(context);
        self.at = layout::step(&rows, self.ring(&rows), steer);
    }

    /// What the key with the ring does.
    pub fn pressed(&self, context: &Context) -> Option<Tap> {
        let rows = self.rows(context);
        let (row, at) = self.ring(&rows);
        rows.get(row)?.get(at).and_then(|key| key.tap)
    }

    /// Takes in a press: changes its own keys, and gives what egui has to hear.
    pub fn tap(&mut self, context: &Context, tap: Tap) -> Vec<Event> {
        match tap {
            Tap::Char(letter) => {
                if self.shift == Shift::Once && letter.is_alphabetic() {
                    self.shift = Shift::Off;
                }
                vec![Event::Text(letter.to_string())]
            }
            Tap::Line => key(egui::Key::Enter),
            Tap::Backspace => key(egui::Key::Backspace),
            Tap::Left => key(egui::Key::ArrowLeft),
            Tap::Right => key(egui::Key::ArrowRight),
            Tap::Shift => {
                self.shift = match self.shift {
                    Shift::Off => Shift::Once,
                    Shift::Once => Shift::Locked,
                    Shift::Locked => Shift::Off,
                };
                Vec::new()
            }
            Tap::Symbols => {
                self.signs = match self.signs {
                    Signs::Letters => Signs::Symbols,
                    Signs::Symbols => Signs::Letters,
                };
                Vec::new()
            }
            Tap::Word(word) => {
                let begun = self.field.map(|field| typed::word(context, field)).unwrap_or_default();
                let mut events: Vec<Event> = begun.begun.chars().flat_map(|_| key(egui::Key::Backspace)).collect();
                events.extend((0..begun.rest).flat_map(|_| key(egui::Key::Delete)));
                events.push(Event::Text(format!("{word} ")));
                events
            }
            Tap::Done => {
                self.close();
                Vec::new()
            }
        }
    }
}

/// After everything is done: the keyboard is for the field that has the keys. For another one it begins anew, and where
/// nothing is typed into any more it closes, however that came about.
pub fn follow(
    mut osk: ResMut<'_, Osk>,
    mut contexts: Query<'_, '_, &mut EguiContext, With<PrimaryEguiContext>>,
    mut redraw: MessageWriter<'_, RequestRedraw>,
) {
    let (Some(field), Some(mut context)) = (osk.field, contexts.iter_mut().next()) else { return };
    let context = context.get_mut();
    let focused = context.memory(|memory| memory.focused());
    if focused == Some(field) {
        return;
    }
    match focused.filter(|id| is_field(context, *id)) {
        Some(next) => osk.open(next),
        None => osk.close(),
    }
    redraw.write(RequestRedraw);
}

/// A key that goes down and up again, for egui.
pub fn key(key: egui::Key) -> Vec<Event> {
    let event = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers: Modifiers::NONE };
    vec![event(true), event(false)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_is_for_one_letter_for_all_or_for_none() {
        let (mut osk, context) = (Osk::default(), Context::default());
        osk.open(Id::new("field"));
        osk.tap(&context, Tap::Shift);
        assert_eq!(osk.shift, Shift::Once);
        osk.tap(&context, Tap::Char('1'));
        assert_eq!(osk.shift, Shift::Once, "a digit has no capital");
        osk.tap(&context, Tap::Char('A'));
        assert_eq!(osk.shift, Shift::Off);
        osk.tap(&context, Tap::Shift);
        osk.tap(&context, Tap::Shift);
        osk.tap(&context, Tap::Char('A'));
        assert_eq!(osk.shift, Shift::Locked);
    }

    #[test]
    fn a_press_is_in_no_debug_text() {
        assert_eq!(format!("{:?}", [Tap::Char('s'), Tap::Word("zoo")]), "[Tap, Tap]");
    }
}
