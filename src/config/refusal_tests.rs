//! Every key refuses what it cannot be, wherever that stands, and nothing is changed by it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;

use super::edit::Editor;
use super::keys::{KEYS, Key};
use super::value::Kind;
use super::*;

/// What a setting of this kind cannot be, as TOML: another type, too little, too much, and what only looks right.
fn bad(kind: Kind) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    match kind {
        Kind::Bool => texts(&["1", "\"yes\"", "[]"]),
        Kind::Integer { min, max } => {
            let outside = [min.checked_sub(1), max.checked_add(1)].into_iter().flatten().map(|number| number.to_string());
            outside.chain(texts(&["\"many\"", "1.5", "true", "[]"])).collect()
        }
        Kind::Text { max } => {
            let mut texts: Vec<String> = texts(&["1", "[]", "\"two\\nlines\""]);
            texts.push(format!("\"{}\"", "x".repeat(max + 1)));
            texts
        }
        Kind::Choice(_) => texts(&["1", "true", "\"\"", "\"neither\"", "[]"]),
        Kind::HttpUrl => texts(&["1", "\"\"", "\"ftp://a.example\"", "\"a.example:1\"", "\"http://\""]),
        Kind::Relays => {
            let mut texts: Vec<String> = texts(&[
                "1",
                "[]",
                "[1]",
                "[\"\"]",
                "[\"relay.example\"]",
                "[\"https://relay.example\"]",
                "[\"ws://\"]",
                "[\"wss://relay.example\", \"wss://relay.example\"]",
                "[\"wss://relay.example\", \"wss://RELAY.example/\"]",
            ]);
            let many: Vec<String> = (0..21).map(|number| format!("\"wss://{number}.example\"")).collect();
            texts.push(format!("[{}]", many.join(",")));
            texts
        }
        Kind::Pubkeys => texts(&["1", "[1]", "[\"bob\"]", "[\"npub1\"]"]),
        Kind::JobKinds => texts(&["[]", "5050", "[\"5050\"]", "[5100]", "[-1]"]),
        Kind::Servers => texts(&[
            "1",
            "[1]",
            "[{name=\"a\"}]",
            "[{name=\"\",url=\"http://a.example\"}]",
            "[{name=\"ollama\",url=\"http://a.example\"}]",
            "[{name=\"a\",url=\"a.example\"}]",
            "[{name=\"a\",url=\"http://a.example\",key=\"secret\"}]",
            "[{name=\"a\",url=\"http://a.example\"},{name=\"a\",url=\"http://b.example\"}]",
        ]),
        Kind::Models => texts(&["1", "[]", "{m=1}", "{m={enabled=1}}", "{m={in_rate=-1}}", "{m={out_rate=\"2\"}}", "{m={speed=1}}"]),
    }
}

/// Every way to set every key wrong.
fn cases() -> impl Iterator<Item = (&'static Key, String)> {
    KEYS.iter().flat_map(|key| bad(key.kind).into_iter().map(move |text| (key, text)))
}

fn tells(error: &ConfigError, key: &Key, place: &str) {
    let told = error.to_string();
    for part in [key.name, place, &key.kind.expected()] {
        assert!(told.contains(part), "{told:?} lacks {part:?}");
    }
    assert!(told.chars().count() < 700, "a sentence, and no page: {told}");
}

#[test]
fn in_the_file_it_is_refused_by_name_and_the_file_stays() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::at(dir.path());
    let mut count = 0;
    for (key, text) in cases() {
        let file = format!("{} = {text}\n", key.name);
        fs::write(&paths.config_toml, &file).unwrap();
        let error = Config::load(&paths, &Environment::default(), &[]).expect_err(&file);
        tells(&error, key, "config.toml");
        assert_eq!(fs::read_to_string(&paths.config_toml).unwrap(), file);
        count += 1;
    }
    assert!(count > 3 * KEYS.len(), "{count} cases for {} keys", KEYS.len());
}

#[test]
fn in_a_variable_and_on_the_command_line_it_is_refused_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::at(dir.path());
    for (key, text) in cases().filter(|(key, text)| !is_read_as_text(key.kind, text)) {
        let variable = format!("PYLON_{}", key.name.replace('.', "__").to_ascii_uppercase());
        let environment = Environment::of([(variable.as_str(), text.as_str())]);
        tells(&Config::load(&paths, &environment, &[]).expect_err(&variable), key, &variable);
        let Ok(flag) = format!("{}={text}", key.name).parse::<Override>() else { panic!("{} {text}", key.name) };
        tells(&Config::load(&paths, &Environment::default(), &[flag]).expect_err(key.name), key, "the command line");
    }
}

/// Where a text is wanted, words need no quotes, and a number is a text as well; where kinds are, one needs no brackets.
fn is_read_as_text(kind: Kind, text: &str) -> bool {
    matches!(kind, Kind::Text { .. }) && !text.starts_with('"') || kind == Kind::JobKinds && text == "5050"
}

#[test]
fn set_by_hand_it_is_refused_and_not_a_byte_of_the_file_changes() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::at(dir.path());
    let file = "# mine\n[provider]\nmax_queue = 3 # enough\n\n[unknown]\nkept = true\n";
    fs::write(&paths.config_toml, file).unwrap();
    for (key, text) in cases().filter(|(key, text)| !is_read_as_text(key.kind, text)) {
        let error = Editor::new(&paths, &Environment::default(), &[]).set(key.name, &text).expect_err(&text);
        assert!(error.to_string().contains(key.name), "{error}");
        assert_eq!(fs::read_to_string(&paths.config_toml).unwrap(), file, "{} {text}", key.name);
    }
}
