//! Text in the three strengths there are.

use bevy_egui::egui::text::{LayoutJob, TextFormat};
use bevy_egui::egui::{Color32, RichText, Ui};

use super::Signal;
use crate::domain::money::Sats;
use crate::hud::theme::{self, Palette, Text, Weight, tokens};

/// Writes in the colours of the theme in force.
#[derive(Debug, Clone, Copy)]
pub struct Ink(pub Palette);

impl Ink {
    pub fn of(ui: &Ui) -> Self {
        Self(theme::palette(ui.ctx()))
    }

    /// A value.
    pub fn high(self, size: Text, text: impl Into<String>) -> RichText {
        plain(size, text).color(self.0.text_high)
    }

    /// A value that stands out.
    pub fn bold(self, size: Text, text: impl Into<String>) -> RichText {
        RichText::new(text).font(size.font(Weight::Bold)).color(self.0.text_high)
    }

    /// Prose.
    pub fn mid(self, size: Text, text: impl Into<String>) -> RichText {
        plain(size, text).color(self.0.text_mid)
    }

    /// A label, a unit, a hint.
    pub fn low(self, size: Text, text: impl Into<String>) -> RichText {
        plain(size, text).color(self.0.text_low)
    }

    /// A word that says a state, in its colour.
    pub fn signal(self, signal: Signal, size: Text, text: impl Into<String>) -> RichText {
        plain(size, text).color(signal.colour(&self.0))
    }

    /// An amount: the sign, the figure, the unit.
    pub fn sats(self, size: Text, amount: Sats) -> LayoutJob {
        let mut job = LayoutJob::default();
        let mut add = |text: &str, size: Text, weight, colour: Color32| {
            job.append(text, 0.0, TextFormat::simple(size.font(weight), colour));
        };
        add("₿ ", size, Weight::Bold, self.0.money);
        add(&amount.to_string(), size, Weight::Bold, self.0.text_high);
        // Beside figures on cards there is little room.
        let small = if size == Text::Figure { Text::Hint } else { Text::Table };
        add(&format!(" {}", self.0.coin.mark()), small, Weight::Regular, self.0.text_low);
        job
    }

    /// What stands after an amount in a sentence.
    pub const fn unit(self) -> &'static str {
        self.0.coin.unit()
    }
}

fn plain(size: Text, text: impl Into<String>) -> RichText {
    RichText::new(text).font(size.font(Weight::Regular))
}

/// Upper case with its letters apart: titles and large buttons.
pub fn title(text: &str, size: Text, colour: Color32) -> RichText {
    RichText::new(text.to_uppercase()).font(size.font(Weight::Bold)).extra_letter_spacing(tokens::TRACKING).color(colour)
}
