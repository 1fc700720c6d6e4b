//! The command palette: every action by its name, with its key, found by a few letters of it.

mod draw;

use bevy::prelude::*;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};

pub use draw::{draw, layer, shade, slots_with_panes};

use super::action::{ActionKind, Steer, UserAction, table};
use super::pane::{Berth, PANES};

/// The list and what is typed over it.
#[derive(Resource, Debug, Clone, Default)]
pub struct Palette {
    pub is_open: bool,
    pub query: String,
    /// The line that Enter runs.
    pub at: usize,
    /// How many lines were found for what is typed.
    found: usize,
    /// The line that was brought into sight last: whoever scrolls away from it stays away.
    shown: Option<usize>,
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub name: String,
    pub help: &'static str,
    /// Whose key stands beside it.
    pub kind: Option<ActionKind>,
    pub action: UserAction,
}

impl Palette {
    pub fn toggle(&mut self) {
        *self = Self { is_open: !self.is_open, ..Self::default() };
    }

    /// Moves the line that Enter runs, around the ends.
    pub fn step(&mut self, steer: Steer) {
        let count = self.found.max(1);
        match steer {
            Steer::Up | Steer::Previous => self.at = (self.at + count - 1) % count,
            Steer::Down | Steer::Next => self.at = (self.at + 1) % count,
            _ => {}
        }
    }

    /// What Enter runs now.
    pub fn chosen(&self, slots: &[(usize, super::pane::PaneKind)]) -> Option<UserAction> {
        found(&self.query, slots).into_iter().nth(self.at).map(|entry| entry.action)
    }
}

/// All lines: the panes first, then the table. `slots` says which pane is in which slot, for its key.
fn entries(slots: &[(usize, super::pane::PaneKind)]) -> Vec<Entry> {
    let kind_of = |pane| {
        let index = slots.iter().find(|(_, kind)| *kind == pane).map(|(index, _)| *index)?;
        table().map(|row| row.kind).find(|kind| kind.slot() == Some(index))
    };
    // Of panes there may be many of, each is opened from something that it shows.
    let single = PANES.iter().filter(|spec| matches!(spec.berth, Berth::Slot(_)));
    let panes = single.map(|spec| Entry {
        name: format!("open {}", spec.title),
        help: "Opens the pane, or raises it.",
        kind: kind_of(spec.kind),
        action: UserAction::Show(spec.kind),
    });
    let rows = table().filter(|row| row.kind.is_in_palette());
    let rows = rows.map(|row| Entry { name: row.label.to_owned(), help: row.help, kind: Some(row.kind), action: row.kind.action() });
    panes.chain(rows).collect()
}

/// The lines in which these letters are found, the best first; all of them where nothing is typed.
fn found(query: &str, slots: &[(usize, super::pane::PaneKind)]) -> Vec<Entry> {
    let all = entries(slots);
    if query.trim().is_empty() {
        return all;
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
    let mut letters = Vec::new();
    let mut score = |text: &str| pattern.score(nucleo_matcher::Utf32Str::new(text, &mut letters), &mut matcher);
    let whole = query.trim().to_lowercase();
    // A description counts only as it is written: a few letters are found in any of them.
    let mut points = |entry: &Entry| match score(&entry.name) {
        Some(points) => Some(points),
        None => entry.help.to_lowercase().contains(&whole).then_some(0),
    };
    let mut scored: Vec<(u32, Entry)> = Vec::new();
    for entry in all {
        if let Some(points) = points(&entry) {
            scored.push((points, entry));
        }
    }
    scored.sort_by_key(|(points, _)| std::cmp::Reverse(*points));
    scored.into_iter().map(|(_, entry)| entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hud::pane::PaneKind;

    fn names(query: &str) -> Vec<String> {
        found(query, &[(0, PaneKind::SellCompute)]).into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn a_few_letters_find_an_action() {
        assert_eq!(names("opsell").first().map(String::as_str), Some("open Sell Compute"));
        assert_eq!(names("fscr").first().map(String::as_str), Some("full screen"));
        assert_eq!(names("QUIT").first().map(String::as_str), Some("quit"));
        assert_eq!(names("sett").first().map(String::as_str), Some("open Settings"));
        let has_them = |name: String| {
            let mut letters = name.chars();
            "sett".chars().all(|wanted| letters.any(|letter| letter.eq_ignore_ascii_case(&wanted)))
        };
        assert!(names("sett").into_iter().all(has_them), "letters of a description are not picked one by one");
        assert!(names("doctor").contains(&"examine the node".to_owned()));
        assert!(names("zzzz").is_empty());
    }

    #[test]
    fn every_pane_and_every_action_that_is_not_a_step_is_in_it() {
        let names = names("");
        for spec in &PANES {
            assert_eq!(names.contains(&format!("open {}", spec.title)), matches!(spec.berth, Berth::Slot(_)), "{}", spec.title);
        }
        for row in table() {
            assert_eq!(names.contains(&row.label.to_owned()), row.kind.is_in_palette(), "{}", row.label);
        }
    }

    #[test]
    fn the_line_goes_around_the_ends() {
        let mut palette = Palette { found: 3, ..Palette::default() };
        palette.step(Steer::Up);
        assert_eq!(palette.at, 2);
        palette.step(Steer::Down);
        assert_eq!(palette.at, 0);
    }
}
