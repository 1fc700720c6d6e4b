//! One family in two weights, compiled in. egui has no synthetic bold, so Bold is a file of its own.
//!
//! egui's default fonts stay behind it for what the family lacks, such as emoji in a buyer's prompt. All of them are parts of
//! the program: there is no font file that could be missing or damaged when it starts.

use std::sync::Arc;

use bevy_egui::egui::{FontData, FontDefinitions, FontFamily, FontId, TextStyle};

use super::tokens;

/// The family's name in its licence, and of the bold weight's egui family.
const REGULAR: &str = "JetBrains Mono";
const BOLD: &str = "JetBrains Mono Bold";

/// The six sizes of text there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    Hint,
    /// Tables and pane titles.
    Table,
    Body,
    Heading,
    /// Figures on cards.
    Figure,
    Balance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

impl Text {
    /// Height in points.
    pub const fn points(self) -> f32 {
        match self {
            Self::Hint => tokens::TEXT_HINT,
            Self::Table => tokens::TEXT_TABLE,
            Self::Body => tokens::TEXT_BODY,
            Self::Heading => tokens::TEXT_HEADING,
            Self::Figure => tokens::TEXT_FIGURE,
            Self::Balance => tokens::TEXT_BALANCE,
        }
    }

    pub fn font(self, weight: Weight) -> FontId {
        match weight {
            Weight::Regular => FontId::new(self.points(), FontFamily::Monospace),
            Weight::Bold => FontId::new(self.points(), FontFamily::Name(BOLD.into())),
        }
    }
}

/// The fonts to install: egui's two own families both become the shipped one.
pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let regular = FontData::from_static(include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf"));
    let bold = FontData::from_static(include_bytes!("../../../assets/fonts/JetBrainsMono-Bold.ttf"));
    fonts.font_data.insert(REGULAR.to_owned(), Arc::new(regular));
    fonts.font_data.insert(BOLD.to_owned(), Arc::new(bold));
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let behind = |first: &str| std::iter::once(first.to_owned()).chain(fallback.iter().cloned()).collect::<Vec<_>>();
    fonts.families.insert(FontFamily::Proportional, behind(REGULAR));
    fonts.families.insert(FontFamily::Monospace, behind(REGULAR));
    fonts.families.insert(FontFamily::Name(BOLD.into()), behind(BOLD));
    fonts
}

/// What egui's own names of text mean here.
pub fn text_styles() -> impl Iterator<Item = (TextStyle, FontId)> {
    [
        (TextStyle::Small, Text::Hint),
        (TextStyle::Monospace, Text::Table),
        (TextStyle::Body, Text::Body),
        (TextStyle::Button, Text::Body),
        (TextStyle::Heading, Text::Heading),
    ]
    .into_iter()
    .map(|(style, text)| (style, text.font(Weight::Regular)))
}

#[cfg(test)]
mod tests {
    use bevy_egui::egui::Color32;
    use bevy_egui::egui::epaint::Fonts;
    use bevy_egui::egui::epaint::text::TextOptions;

    use super::*;

    /// Which of these signs the shipped font lacks, without the fallbacks behind it.
    fn lacking(weight: Weight, signs: &str) -> String {
        let mut definitions = definitions();
        for family in definitions.families.values_mut() {
            family.truncate(1);
        }
        let mut fonts = Fonts::new(TextOptions::default(), definitions);
        let mut view = fonts.with_pixels_per_point(1.0);
        let mut drawn = |sign: char| {
            let galley = view.layout_no_wrap(sign.to_string(), Text::Body.font(weight), Color32::PLACEHOLDER);
            galley.rows[0].glyphs[0].uv_rect
        };
        // What is missing is drawn as one and the same replacement; nothing is assigned to this private character.
        let replacement = drawn('\u{F0000}');
        signs.chars().filter(|sign| drawn(*sign) == replacement).collect()
    }

    #[test]
    fn both_weights_have_every_sign_the_panes_use() {
        for weight in [Weight::Regular, Weight::Bold] {
            assert_eq!(lacking(weight, "AZaz09₿→←↑↓≠≈█✓⚠…·–×"), "", "{weight:?}");
        }
    }

    #[test]
    fn every_font_is_a_part_of_the_program_and_none_is_read_from_a_disk() {
        let definitions = definitions();
        assert!(definitions.font_data.len() > 2);
        for (name, data) in &definitions.font_data {
            assert!(matches!(data.font, std::borrow::Cow::Borrowed(bytes) if bytes.len() > 10_000), "{name}");
        }
    }

    #[test]
    fn a_sign_the_font_lacks_would_be_noticed() {
        assert_eq!(lacking(Weight::Regular, "A▣↵"), "▣↵");
    }
}
