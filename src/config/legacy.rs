//! An earlier program's config, read once: its keys become ours in the same file, and the old file is kept beside it.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Value, value};

use super::layers::Notice;
use super::{ConfigError, edit};

/// Old keys at the top level, and what becomes of them.
const OLD: &[&str] =
    &["relays", "min_price_msats", "require_payment", "default_model", "backend_preference", "data_dir", "network", "enable_payments"];

/// The file's text in today's keys. A file that has none of the old ones comes back as it is.
pub fn bring_up_to_date(path: &Path, text: String) -> Result<(String, Vec<Notice>), ConfigError> {
    // What is no TOML at all is reported by whoever parses it next.
    let Ok(mut document) = text.parse::<DocumentMut>() else { return Ok((text, Vec::new())) };
    let old: Vec<&str> = OLD.iter().copied().filter(|name| document.get(name).is_some_and(|item| item.is_value())).collect();
    if old.is_empty() {
        return Ok((text, Vec::new()));
    }
    let mut said = Vec::new();
    for name in &old {
        let Some(item) = document.remove(name) else { continue };
        said.push(take_over(&mut document, name, &item));
    }
    let kept = path.with_extension("toml.old");
    let rewritten = document.to_string();
    let outcome = edit::write_file(&kept, &text).and_then(|()| edit::write_file(path, &rewritten));
    let hint = match outcome {
        Ok(()) => format!("The file is rewritten; the old one is {}.", kept.display()),
        Err(error) => format!("The file could not be rewritten ({error}) and is read like this each time."),
    };
    let notice = Notice { message: format!("{} has settings of an earlier program: {}.", path.display(), said.join("; ")), hint };
    Ok((rewritten, vec![notice]))
}

/// Moves one old setting to its new place and says what was done.
fn take_over(document: &mut DocumentMut, name: &str, item: &Item) -> String {
    let mut put = |table: &str, key: &str, new: Item| {
        let entry = document.entry(table).or_insert_with(toml_edit::table);
        if let Some(table) = entry.as_table_like_mut()
            && !table.contains_key(key)
        {
            table.insert(key, new);
        }
        format!("{name} is now {table}.{key}")
    };
    match (name, item.as_value()) {
        ("relays", Some(urls)) => put("relays", "urls", Item::Value(urls.clone())),
        ("min_price_msats", Some(price)) => put("provider", "min_price", Item::Value(price.clone())),
        ("default_model", Some(model)) => put("provider", "default_model", Item::Value(model.clone())),
        ("require_payment", Some(Value::Boolean(required))) => {
            put("provider", "policy", value(if *required.value() { "pay-first" } else { "free" }))
        }
        ("network", Some(Value::String(network))) if matches!(network.value().as_str(), "regtest" | "mainnet") => {
            put("wallet", "network", value(network.value().as_str()))
        }
        ("enable_payments", Some(Value::Boolean(enabled))) if !enabled.value() => put("wallet", "kind", value("none")),
        ("data_dir", _) => "data_dir is given with --data-dir or PYLON_DATA_DIR".to_owned(),
        ("backend_preference", _) => "backend_preference is not needed: every server is asked".to_owned(),
        _ => format!("{name} has no counterpart"),
    }
}
