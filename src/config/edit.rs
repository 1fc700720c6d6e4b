//! Reading and changing single settings in the file, for the command line and the settings form.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::keys::{self, Applies, KEYS};
use super::layers::{self, Merged};
use super::{ConfigError, Environment, Notice, Override, Paths, arrays};

/// A setting as it is in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    pub key: &'static str,
    /// As TOML, texts without quotes.
    pub value: String,
    /// Where it comes from.
    pub source: String,
    pub applies: Applies,
    pub help: &'static str,
    /// What there is to say about it now that it was changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
}

/// The file with its layers around it.
#[derive(Debug)]
pub struct Editor<'a> {
    paths: &'a Paths,
    environment: &'a Environment,
    overrides: &'a [Override],
}

impl<'a> Editor<'a> {
    pub fn new(paths: &'a Paths, environment: &'a Environment, overrides: &'a [Override]) -> Self {
        Self { paths, environment, overrides }
    }

    /// The value in force.
    pub fn get(&self, key: &str) -> Result<String, ConfigError> {
        let row = keys::find(key).ok_or_else(|| layers::unknown_key(key))?;
        let merged = layers::merge(self.paths, self.environment, self.overrides)?;
        Ok(show(&merged, row.name).0)
    }

    /// Every setting, in the table's order.
    pub fn list(&self) -> Result<Vec<Setting>, ConfigError> {
        let merged = layers::merge(self.paths, self.environment, self.overrides)?;
        let setting = |key: &'static keys::Key| {
            let (value, source) = show(&merged, key.name);
            Setting { key: key.name, value, source, applies: key.applies, help: key.help, notices: Vec::new() }
        };
        Ok(KEYS.iter().map(setting).collect())
    }

    /// Changes one setting in the file, after making sure that the whole file would still be taken. Comments, order and
    /// unknown keys stay.
    pub fn set(&self, key: &str, text: &str) -> Result<Setting, ConfigError> {
        let row = keys::find(key).ok_or_else(|| layers::unknown_key(key))?;
        let value =
            row.kind.parse(text).filter(|value| row.kind.accepts(value)).ok_or_else(|| layers::bad_value(row, text, "this command"))?;
        self.paths
            .ensure()
            .map_err(|error| ConfigError::Unwritable { path: self.paths.config_toml.clone(), source: std::io::Error::other(error) })?;
        // Two who change it at once take turns: each begins with what the other has written.
        let _turn = lock(&self.paths.config_lock)?;
        // Merging first brings an old file up to date, so that there is one to edit.
        let said = layers::merge(self.paths, self.environment, self.overrides)?.notices;
        let path = &self.paths.config_toml;
        let before = read(path)?;
        let mut document = before.parse::<DocumentMut>().map_err(|error| syntax(path, &error))?;
        let item = to_item(&value).ok_or_else(|| layers::bad_value(row, text, "this command"))?;
        insert(document.as_table_mut(), row.name, item).ok_or_else(|| layers::bad_value(row, text, &path.display().to_string()))?;
        let after = document.to_string();
        let table = layers::parse(path, &after)?;
        let mut notices = Vec::new();
        let settings = layers::merge_tables(table, path, self.environment, self.overrides, &mut notices)?;
        layers::resolve(&settings)?;
        write_file(path, &after)?;
        let (value, source) = show(&Merged { settings, notices: Vec::new() }, row.name);
        notices.retain(|notice| !said.contains(notice));
        Ok(Setting { key: row.name, value, source, applies: row.applies, help: row.help, notices })
    }
}

/// Waits until nobody else changes the config; they may until this is dropped.
fn lock(path: &Path) -> Result<File, ConfigError> {
    let failed = |source| ConfigError::Unwritable { path: path.to_owned(), source };
    let file = File::options().create(true).append(true).open(path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

fn show(merged: &Merged, key: &str) -> (String, String) {
    let Some(setting) = merged.settings.get(key) else { return (String::new(), String::new()) };
    let value = setting.value.as_str().map_or_else(|| setting.value.to_string(), str::to_owned);
    (value, setting.source.clone())
}

fn read(path: &Path) -> Result<String, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    }
}

fn syntax(path: &Path, error: &toml_edit::TomlError) -> ConfigError {
    ConfigError::Syntax { path: path.to_owned(), detail: error.to_string().trim().to_owned() }
}

/// The value as an item that keeps its place's decoration.
fn to_item(value: &toml::Value) -> Option<Item> {
    let text = format!("value = {value}");
    let mut document = text.parse::<DocumentMut>().ok()?;
    let item = document.remove("value")?;
    // A table given on the command line becomes one under its own heading.
    Some(match item.into_table() {
        Ok(table) => Item::Table(table),
        Err(item) => item,
    })
}

/// Puts an item at a dotted path, making the tables on the way. `None` when something on the way is no table.
fn insert(root: &mut toml_edit::Table, path: &str, item: Item) -> Option<()> {
    let mut table: &mut dyn TableLike = root;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            match (table.get_mut(part), item) {
                // Of a list only the items that differ are exchanged, so that the others keep their comments.
                (Some(Item::Value(Value::Array(old))), Item::Value(Value::Array(new))) => arrays::update(old, &new),
                // Only the value is exchanged: a comment behind it stays.
                (Some(Item::Value(old)), Item::Value(mut new)) => {
                    *new.decor_mut() = old.decor().clone();
                    *old = new;
                }
                (_, item) => drop(table.insert(part, item)),
            }
            return Some(());
        }
        let entry = table.entry(part).or_insert_with(|| {
            let mut table = toml_edit::Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        table = entry.as_table_like_mut()?;
    }
    None
}

/// Writes a file whole or not at all: beside its place, synced, then renamed over it.
pub(super) fn write_file(path: &Path, text: &str) -> Result<(), ConfigError> {
    let failed = |source| ConfigError::Unwritable { path: path.to_owned(), source };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is 0600: block and allow lists are nobody else's business.
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    // The rename is durable once the directory is.
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
}
