//! From file, environment and flags to one config.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use serde::Serialize;
use toml::{Table, Value};

use super::keys::{self, KEYS, Key};
use super::{Config, ConfigError, Environment, Paths, legacy};
use crate::net::hosts;

const DEFAULTS: &str = include_str!("default.toml");
/// Variables that name a setting begin like this. The data directory's own is not one.
const PREFIX: &str = "PYLON_";
const NOT_A_KEY: &str = "PYLON_DATA_DIR";
const OLLAMA_HOST: &str = "OLLAMA_HOST";

/// Something the user should know that is no error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    pub message: String,
    pub hint: String,
}

/// A config and what there is to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub config: Config,
    pub notices: Vec<Notice>,
}

/// A setting given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    key: String,
    text: String,
}

impl Override {
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl std::fmt::Display for Override {
    /// As it is given on a command line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.key, self.text)
    }
}

impl FromStr for Override {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let (key, value) = text.split_once('=').ok_or_else(|| ConfigError::NotAnOverride(text.to_owned()))?;
        Ok(Self { key: key.trim().to_owned(), text: value.trim().to_owned() })
    }
}

/// A value and where it comes from, in words that fit behind "in".
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub value: Value,
    pub source: String,
}

/// The merged layers, by key.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    pub settings: BTreeMap<&'static str, Setting>,
    pub notices: Vec<Notice>,
}

impl Config {
    /// Reads every layer. A file of an earlier program is brought up to date on the way.
    pub fn load(paths: &Paths, environment: &Environment, overrides: &[Override]) -> Result<Loaded, ConfigError> {
        let Merged { settings, notices } = merge(paths, environment, overrides)?;
        Ok(Loaded { config: resolve(&settings)?, notices })
    }
}

/// Merges default, file, environment and flags.
pub fn merge(paths: &Paths, environment: &Environment, overrides: &[Override]) -> Result<Merged, ConfigError> {
    let (file, mut notices) = read_file(&paths.config_toml)?;
    let settings = merge_tables(file, &paths.config_toml, environment, overrides, &mut notices)?;
    Ok(Merged { settings, notices })
}

/// Merges the layers with `file` standing in for the file's content.
pub fn merge_tables(
    file: Table,
    path: &Path,
    environment: &Environment,
    overrides: &[Override],
    notices: &mut Vec<Notice>,
) -> Result<BTreeMap<&'static str, Setting>, ConfigError> {
    let mut settings = BTreeMap::new();
    let defaults = toml::from_str(DEFAULTS).map_err(|error: toml::de::Error| syntax(Path::new("the defaults"), &error))?;
    collect(defaults, "the defaults", &mut settings, notices)?;
    if let Some(url) = environment.get(OLLAMA_HOST).and_then(ollama_url) {
        settings.insert("backends.ollama.url", Setting { value: Value::String(url), source: OLLAMA_HOST.into() });
    }
    collect(file, &path.display().to_string(), &mut settings, notices)?;
    for (name, text) in environment.starting_with(PREFIX).filter(|(name, _)| *name != NOT_A_KEY) {
        let key = name.trim_start_matches(PREFIX).to_ascii_lowercase().replace("__", ".");
        match keys::find(&key) {
            Some(key) => put_text(key, text, &format!("the variable {name}"), &mut settings)?,
            None if key.contains('.') => notices.push(unknown(&key, &format!("the variable {name}"))),
            // Other programs' variables may begin like ours.
            None => {}
        }
    }
    for Override { key, text } in overrides {
        let row = keys::find(key).ok_or_else(|| unknown_key(key))?;
        put_text(row, text, "the command line", &mut settings)?;
    }
    notices.extend(readable_relays(&settings));
    Ok(settings)
}

/// What to say about relays that everybody on the way can listen to. They may be the only ones there are.
fn readable_relays(settings: &BTreeMap<&'static str, Setting>) -> Vec<Notice> {
    let urls = settings.get("relays.urls").and_then(|setting| setting.value.as_array()).into_iter().flatten();
    let notice = |url: &str| Notice { message: hosts::in_the_clear(url), hint: "Use its wss:// address, if it has one.".to_owned() };
    urls.filter_map(Value::as_str).filter(|url| hosts::is_in_the_clear(url)).map(notice).collect()
}

/// Makes the typed config of checked values.
pub fn resolve(settings: &BTreeMap<&'static str, Setting>) -> Result<Config, ConfigError> {
    let mut root = Table::new();
    for (name, setting) in settings {
        let mut table = &mut root;
        let mut parts = name.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                table.insert(part.to_owned(), setting.value.clone());
                break;
            }
            let entry = table.entry(part).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(inner) = entry else { break };
            table = inner;
        }
    }
    Config::deserialize_table(root)
}

impl Config {
    fn deserialize_table(root: Table) -> Result<Self, ConfigError> {
        use serde::Deserialize as _;
        // Every value has been checked by its row; a failure here is a row that allows what the type does not.
        Self::deserialize(Value::Table(root)).map_err(|error| syntax(Path::new("the merged settings"), &error))
    }
}

fn read_file(path: &Path) -> Result<(Table, Vec<Notice>), ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Table::new(), Vec::new())),
        Err(source) => return Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    };
    let (text, notices) = legacy::bring_up_to_date(path, text)?;
    Ok((parse(path, &text)?, notices))
}

/// A file's text as a table.
pub fn parse(path: &Path, text: &str) -> Result<Table, ConfigError> {
    toml::from_str(text).map_err(|error| syntax(path, &error))
}

fn syntax(path: &Path, error: &toml::de::Error) -> ConfigError {
    ConfigError::Syntax { path: path.to_owned(), detail: error.to_string().trim().to_owned() }
}

/// Takes every known key out of a table; what is left is unknown, kept in its file, and named.
fn collect(
    table: Table,
    place: &str,
    settings: &mut BTreeMap<&'static str, Setting>,
    notices: &mut Vec<Notice>,
) -> Result<(), ConfigError> {
    for (name, value) in table {
        walk(&name, value, place, settings, notices)?;
    }
    Ok(())
}

fn walk(
    name: &str,
    value: Value,
    place: &str,
    settings: &mut BTreeMap<&'static str, Setting>,
    notices: &mut Vec<Notice>,
) -> Result<(), ConfigError> {
    if let Some(key) = keys::find(name) {
        return put(key, value, place, settings);
    }
    let above = format!("{name}.");
    match value {
        Value::Table(inner) if KEYS.iter().any(|key| key.name.starts_with(&above)) => {
            inner.into_iter().try_for_each(|(part, value)| walk(&format!("{above}{part}"), value, place, settings, notices))
        }
        found if KEYS.iter().any(|key| key.name.starts_with(&above)) => Err(ConfigError::BadValue {
            key: name.to_owned(),
            place: place.to_owned(),
            found: found.to_string(),
            expected: "a table".into(),
        }),
        _ => {
            notices.push(unknown(name, place));
            Ok(())
        }
    }
}

fn put(key: &'static Key, value: Value, place: &str, settings: &mut BTreeMap<&'static str, Setting>) -> Result<(), ConfigError> {
    if !key.kind.accepts(&value) {
        return Err(bad_value(key, &value.to_string(), place));
    }
    settings.insert(key.name, Setting { value, source: place.to_owned() });
    Ok(())
}

fn put_text(key: &'static Key, text: &str, place: &str, settings: &mut BTreeMap<&'static str, Setting>) -> Result<(), ConfigError> {
    match key.kind.parse(text) {
        Some(value) => put(key, value, place, settings),
        None => Err(bad_value(key, text, place)),
    }
}

/// The error for a value a key does not take.
pub fn bad_value(key: &Key, found: &str, place: &str) -> ConfigError {
    let found: String = found.chars().filter(|c| !c.is_control()).take(120).collect();
    ConfigError::BadValue { key: key.name.to_owned(), place: place.to_owned(), found, expected: key.kind.expected() }
}

fn unknown(key: &str, place: &str) -> Notice {
    let hint =
        nearest(key).map_or_else(|| "See every setting with `pylon config list`.".to_owned(), |name| format!("Did you mean {name}?"));
    Notice { message: format!("There is no setting {key}; the one in {place} is kept and does nothing."), hint }
}

/// The error for a key there is not.
pub fn unknown_key(key: &str) -> ConfigError {
    ConfigError::UnknownKey { key: key.to_owned(), nearest: nearest(key) }
}

/// The key that differs least, if it is close enough to be what was meant.
fn nearest(name: &str) -> Option<&'static str> {
    let distances = KEYS.iter().map(|key| (distance(name, key.name), key.name));
    distances.min().filter(|(distance, _)| *distance <= 3).map(|(_, name)| name)
}

/// Levenshtein distance.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, from) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(row.first_mut().unwrap_or(&mut 0), line + 1);
        let mut left = line + 1;
        for (to, cell) in other.iter().zip(row.iter_mut().skip(1)) {
            let best = (diagonal + usize::from(from != *to)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Ollama's own variable: a host, a host and port, or a whole address. `0.0.0.0` is where it listens, not where it is.
fn ollama_url(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('/');
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    if rest.is_empty() || !matches!(scheme, "http" | "https") {
        return None;
    }
    let has_port = rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let rest = if has_port { rest.to_owned() } else { format!("{rest}:11434") };
    let rest = rest.strip_prefix("0.0.0.0:").map_or(rest.clone(), |port| format!("127.0.0.1:{port}"));
    Some(format!("{scheme}://{rest}"))
}

#[cfg(test)]
mod inner_tests {
    use super::*;

    #[test]
    fn ollamas_own_variable_is_read_as_ollama_reads_it() {
        for (text, url) in [
            ("127.0.0.1", "http://127.0.0.1:11434"),
            ("box:9000", "http://box:9000"),
            ("0.0.0.0:11500", "http://127.0.0.1:11500"),
            ("https://gpu.example/", "https://gpu.example:11434"),
        ] {
            assert_eq!(ollama_url(text).as_deref(), Some(url));
        }
        assert_eq!(ollama_url("ftp://x"), None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
