//! `pylon config`.

use pylon_hud::config::edit::Editor;
use pylon_hud::node::control::ControlClient;
use pylon_hud::node::{Failure, NodeCommand, pin_reset, sentence};

use crate::args::{Config, ConfigVerb};
use crate::pin;
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
        ConfigVerb::Set { key, value, pin } => {
            let set = if key.starts_with("limits.") && pin_reset::has_pin(&place.options())? {
                // As the window does it: whoever may change the limits may spend.
                let command = NodeCommand::SetSetting { key: key.clone(), value: value.clone() };
                pin::pay(|command, limit| place.ask(command, limit), command, ANSWER, *pin)?;
                let listed = editor.list().map_err(failed)?;
                listed.into_iter().find(|setting| setting.key == key).ok_or_else(|| Failure::internal(format!("{key} is not listed.")))?
            } else {
                let set = editor.set(key, value).map_err(failed)?;
                for notice in &set.notices {
                    report::aside(&format!("warning: {} {}", notice.message, notice.hint));
                }
                tell_running(place)?;
                set
            };
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
