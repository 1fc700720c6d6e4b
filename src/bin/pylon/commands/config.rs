//! `pylon config`.

use pylon_hud::config::edit::Editor;
use pylon_hud::node::control::ControlClient;
use pylon_hud::node::{Failure, NodeCommand, sentence};

use crate::args::{Config, ConfigVerb};
use crate::report;
use crate::talk::{ANSWER, Place};

/// Reads or changes the same file the window edits.
pub fn run(place: &Place, config: &Config) -> Result<(), Failure> {
    let output = config.output;
    let editor = Editor::new(&place.paths, &place.environment, &place.overrides);
    let failed = |error: pylon_hud::config::ConfigError| Failure::usage(sentence(&error)).hint("See every key with `pylon config list`.");
    match &config.verb {
        ConfigVerb::Path => {
            let path = place.paths.config_toml.display().to_string();
            if output.json { report::json(&serde_json::json!({ "path": path })) } else { report::line(&path) }
        }
        ConfigVerb::Get { key } => {
            let value = editor.get(key).map_err(failed)?;
            if output.json { report::json(&serde_json::json!({ "key": key, "value": value })) } else { report::line(&value) }
        }
        ConfigVerb::List => report::settings(&editor.list().map_err(failed)?, output),
        ConfigVerb::Set { key, value } => {
            let set = editor.set(key, value).map_err(failed)?;
            tell_running(place)?;
            if output.json { report::json(&set) } else { report::line(&format!("{key} = {} ({}).", set.value, set.applies)) }
        }
    }
}

/// A running node takes the change over. One that cannot says why; the file is changed all the same.
pub fn tell_running(place: &Place) -> Result<(), Failure> {
    let Ok(mut client) = ControlClient::connect(&place.paths.control_sock) else { return Ok(()) };
    match client.call(NodeCommand::Reload, ANSWER) {
        Ok(pylon_hud::node::NodeEvent::Failed { failure }) => Err(failure),
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::network(format!("The setting is saved, but the running node did not take it over: {error}."))),
    }
}
