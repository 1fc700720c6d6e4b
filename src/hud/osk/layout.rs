//! Which keys there are, and the way from one to the next.

use bip39::Language;

use super::Tap;
use crate::hud::action::Steer;
use crate::hud::widgets::typed::Wanted;

/// How many words are offered at most.
const WORDS: usize = 5;

/// A key.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// What is printed on it; empty: a gap.
    pub face: String,
    pub tap: Option<Tap>,
    /// Its width, in keys.
    pub wide: f32,
}

/// The keys of a row, from left to right.
pub type Row = Vec<Key>;

/// Which signs are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Signs {
    #[default]
    Letters,
    Symbols,
}

/// Whether letters are capital.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shift {
    #[default]
    Off,
    /// For the next letter.
    Once,
    Locked,
}

fn key(face: impl Into<String>, tap: Tap, wide: f32) -> Key {
    Key { face: face.into(), tap: Some(tap), wide }
}

fn letters(row: &str, shift: Shift) -> Row {
    let capital = |letter: char| if shift == Shift::Off { letter } else { letter.to_ascii_uppercase() };
    row.chars().map(capital).map(|letter| key(letter, Tap::Char(letter), 1.0)).collect()
}

/// The keys for what is wanted. `begun` is the word of a mnemonic that is being typed.
pub fn rows(wanted: Wanted, signs: Signs, shift: Shift, begun: &str) -> Vec<Row> {
    match wanted {
        Wanted::Number | Wanted::Pin => digits(wanted),
        Wanted::Words => words(begun),
        Wanted::Text | Wanted::Secret | Wanted::Lines => text(signs, shift, wanted),
    }
}

fn text(signs: Signs, shift: Shift, wanted: Wanted) -> Vec<Row> {
    let (rows, other) = match signs {
        Signs::Letters => (["1234567890", "qwertyuiop", "asdfghjkl'", "zxcvbnm,.?"], "#+="),
        Signs::Symbols => (["1234567890", "!@#$%^&*()", "-_=+[]{}\\|", ";:\"<>/~`€₿"], "abc"),
    };
    let mut rows: Vec<Row> = rows.iter().map(|row| letters(row, shift)).collect();
    let face = match shift {
        Shift::Off => "shift",
        Shift::Once => "Shift",
        Shift::Locked => "SHIFT",
    };
    let mut last = vec![key(face, Tap::Shift, 1.4), key(other, Tap::Symbols, 1.1), key("space", Tap::Char(' '), 2.6)];
    if wanted == Wanted::Lines {
        last.push(key("line", Tap::Line, 1.0));
    }
    last.extend(ends());
    rows.push(last);
    rows
}

/// What every keyboard ends with.
fn ends() -> [Key; 4] {
    [key("←", Tap::Left, 1.0), key("→", Tap::Right, 1.0), key("bksp", Tap::Backspace, 1.3), key("done", Tap::Done, 1.6)]
}

fn digits(wanted: Wanted) -> Vec<Row> {
    let mut rows: Vec<Row> = ["123", "456", "789"].iter().map(|row| letters(row, Shift::Off)).collect();
    let left = match wanted {
        Wanted::Number => key(".", Tap::Char('.'), 1.0),
        _ => Key { face: String::new(), tap: None, wide: 1.0 },
    };
    rows.push(vec![left, key("0", Tap::Char('0'), 1.0), key("bksp", Tap::Backspace, 1.0)]);
    rows.push(vec![key("←", Tap::Left, 1.0), key("→", Tap::Right, 1.0), key("done", Tap::Done, 1.0)]);
    rows
}

fn words(begun: &str) -> Vec<Row> {
    // There is always a row for them: keys must not jump while somebody types.
    let mut found: Row = completions(begun).into_iter().map(|word| key(word, Tap::Word(word), 2.0)).collect();
    let gap = Key { face: String::new(), tap: None, wide: 2.0 };
    found.resize(WORDS, gap);
    let mut rows = vec![found];
    rows.extend(["qwertyuiop", "asdfghjkl", "zxcvbnm"].iter().map(|row| letters(row, Shift::Off)));
    let mut last = vec![key("space", Tap::Char(' '), 3.0)];
    last.extend(ends());
    rows.push(last);
    rows
}

/// The words of the English list that begin so.
pub fn completions(begun: &str) -> Vec<&'static str> {
    if begun.is_empty() {
        return Vec::new();
    }
    Language::English.words_by_prefix(begun).iter().take(WORDS).copied().collect()
}

/// Where a step leads from a key, by its row and its place in it.
pub fn step(rows: &[Row], (row, at): (usize, usize), steer: Steer) -> (usize, usize) {
    let Some(here) = rows.get(row) else { return (0, 0) };
    match steer {
        Steer::Left | Steer::Previous => (row, sideways(here, at, here.len().saturating_sub(1))),
        Steer::Right | Steer::Next => (row, sideways(here, at, 1)),
        Steer::Up | Steer::Down => {
            let by = if steer == Steer::Up { rows.len().saturating_sub(1) } else { 1 };
            let ahead = (1..rows.len()).map(|count| (row + by * count) % rows.len());
            let next = ahead.filter_map(|next| Some((next, below(here, at, rows.get(next)?)?))).next();
            next.unwrap_or((row, at))
        }
        _ => (row, at),
    }
}

/// The next key of a row that can be pressed, around its end.
fn sideways(row: &Row, at: usize, by: usize) -> usize {
    let mut next = at;
    for _ in 0..row.len() {
        next = (next + by) % row.len();
        if row.get(next).is_some_and(|key| key.tap.is_some()) {
            break;
        }
    }
    next
}

/// The key of another row that is nearest to the middle of this one; `None`: it has none to press.
fn below(here: &Row, at: usize, there: &Row) -> Option<usize> {
    let wanted = middle(here, at);
    let far = |index: &usize| (middle(there, *index) - wanted).abs();
    let can_be_pressed = |index: &usize| there.get(*index).is_some_and(|key| key.tap.is_some());
    (0..there.len()).filter(can_be_pressed).min_by(|one, other| far(one).total_cmp(&far(other)))
}

/// The middle of a key as a part of its row's width.
fn middle(row: &Row, at: usize) -> f32 {
    let before: f32 = row.iter().take(at).map(|key| key.wide).sum();
    let own = row.get(at).map_or(0.0, |key| key.wide);
    (before + own / 2.0) / width(row)
}

/// How many keys wide a row is.
pub fn width(row: &Row) -> f32 {
    row.iter().map(|key| key.wide).sum::<f32>().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(rows: &[Row], (row, at): (usize, usize)) -> &str {
        &rows[row][at].face
    }

    #[test]
    fn every_printable_sign_of_a_plain_keyboard_can_be_typed() {
        let mut typed = String::new();
        for (signs, shift) in [(Signs::Letters, Shift::Off), (Signs::Letters, Shift::Locked), (Signs::Symbols, Shift::Off)] {
            for key in rows(Wanted::Text, signs, shift, "").concat() {
                if let Some(Tap::Char(letter)) = key.tap {
                    typed.push(letter);
                }
            }
        }
        for letter in ' '..='~' {
            assert!(typed.contains(letter), "{letter:?}");
        }
    }

    #[test]
    fn a_walk_goes_to_the_key_below_and_around_the_ends() {
        let rows = rows(Wanted::Text, Signs::Letters, Shift::Off, "");
        assert_eq!(face(&rows, step(&rows, (0, 9), Steer::Down)), "p");
        assert_eq!(face(&rows, step(&rows, (0, 9), Steer::Right)), "1");
        assert_eq!(face(&rows, step(&rows, (0, 0), Steer::Left)), "0");
        assert_eq!(face(&rows, step(&rows, (3, 0), Steer::Down)), "shift");
        assert_eq!(face(&rows, step(&rows, (4, 6), Steer::Down)), "0", "from done around to the top");
    }

    #[test]
    fn a_gap_is_passed_over() {
        let rows = rows(Wanted::Pin, Signs::Letters, Shift::Off, "");
        assert_eq!(face(&rows, step(&rows, (2, 0), Steer::Down)), "0");
        assert_eq!(face(&rows, step(&rows, (3, 1), Steer::Left)), "bksp");
    }

    #[test]
    fn words_of_a_mnemonic_are_completed() {
        assert_eq!(completions("zo"), ["zone", "zoo"]);
        assert_eq!(completions("aban"), ["abandon"]);
        assert!(completions("xyz").is_empty() && completions("").is_empty());
        let rows = rows(Wanted::Words, Signs::Letters, Shift::Off, "zo");
        assert_eq!(rows[0][0].tap, Some(Tap::Word("zone")));
        let none = super::rows(Wanted::Words, Signs::Letters, Shift::Off, "");
        assert_eq!(none.len(), rows.len(), "no key jumps while somebody types");
        assert_eq!(face(&none, step(&none, (1, 0), Steer::Up)), "space", "a row without words is passed over");
    }
}
