//! Play money says so wherever an amount stands, to eyes and to ears.

use super::each_state;
use super::reach::{said, window};

/// Whether this is an amount that could be taken for real money.
fn looks_real(text: &str) -> bool {
    let text = text.to_lowercase();
    let is_figure = |text: &str| text.trim_end().ends_with(|letter: char| letter.is_ascii_digit());
    let has_bare_unit = text.match_indices("sats").any(|(at, _)| is_figure(text[..at].trim_end_matches('m')));
    let moved = text.strip_prefix("pending ").or(text.strip_prefix('+')).or(text.strip_prefix('-'));
    let is_moved = moved.is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()));
    has_bare_unit || ((text.contains('₿') || is_moved) && !text.contains("practice"))
}

#[test]
fn in_practice_no_amount_can_be_taken_for_real_money() {
    for (text, is_real) in [
        ("+5", true),
        ("pending 5", true),
        ("₿ 48 210 sats", true),
        ("fee 0 msats", true),
        ("SEND 5 SATS?", true),
        ("+5 PRACTICE", false),
        ("Whole sats, at least 1.", false),
        ("₿ 48 210 PRACTICE", false),
        ("5 PRACTICE sats came in: settled.", false),
    ] {
        assert_eq!(looks_real(text), is_real, "{text}");
    }
    let mut seen = 0;
    each_state(window, |state, hud| {
        let texts: Vec<String> = hud.texts().into_iter().map(str::to_owned).chain(said(hud)).collect();
        seen += texts.iter().filter(|text| text.contains("PRACTICE")).count();
        let bad: Vec<&String> = texts.iter().filter(|text| looks_real(text)).collect();
        assert!(bad.is_empty(), "{bad:?} in {state:?}");
        if state == "Job History" {
            assert!(texts.iter().any(|text| text == "100\u{2009}000"), "the whole figure: {texts:?}");
            assert!(!texts.iter().any(|text| text == "sats"), "its heading says what it is in: {texts:?}");
        }
    });
    assert!(seen > 60, "{seen} amounts were looked at");
}
