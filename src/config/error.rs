//! What can be wrong with a config: which key, where, and what was expected.

use std::path::PathBuf;

/// Why a config was not taken. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The detail names line and column.
    #[error("{} is not valid TOML: {detail}", path.display())]
    Syntax { path: PathBuf, detail: String },
    #[error("{key} in {place} is {found}; it has to be {expected}")]
    BadValue { key: String, place: String, found: String, expected: String },
    #[error("there is no setting {key}{}", nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    UnknownKey { key: String, nearest: Option<&'static str> },
    #[error("{0:?} is not a setting; write it as key=value")]
    NotAnOverride(String),
}
