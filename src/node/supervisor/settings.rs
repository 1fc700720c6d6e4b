//! Settings while the node runs.

use super::Supervisor;
use crate::config::edit::{Editor, Setting};
use crate::config::{Config, ConfigError, Loaded, Notice};
use crate::logging;
use crate::node::doctor::CONFIG_HINT;
use crate::node::event::{Failure, NodeEvent, Scope, sentence};
use crate::node::settings_watch::{SettingChange, changes, watch};
use crate::node::status::NodeState;

impl Supervisor {
    /// Reads the config; what there is to say about it that is no error becomes a notice, once.
    pub(super) fn load_config(&mut self) -> Result<Config, Failure> {
        let Loaded { config, notices } = Config::load(&self.options.paths, &self.options.environment, &self.options.overrides)
            .map_err(|error| Failure::usage(sentence(&error)).hint(CONFIG_HINT))?;
        self.note(notices.iter().filter(|notice| !self.noted.contains(notice)));
        self.noted = notices;
        Ok(config)
    }

    pub(super) fn note<'a>(&self, notices: impl IntoIterator<Item = &'a Notice>) {
        for Notice { message, hint } in notices {
            self.outlet.fault(Scope::Config, message.clone(), hint.clone());
        }
    }

    /// Takes the settings as they are now, and tells what is different.
    pub(super) async fn reload(&mut self) -> Result<(), Failure> {
        let config = self.load_config()?;
        let log = config.log.clone();
        let Some(services) = &mut self.services else { return Ok(()) };
        let min_price = config.provider.min_price.ceil_sats();
        services.reload(config, &self.options).await?;
        self.board.update(|status| status.min_price = min_price);
        // A relay that is gone says so to nobody.
        self.board.count_relays(&services.relays.health());
        let now = self.listed();
        let is_online = !matches!(self.board.now().state, NodeState::Offline);
        let changes = changes(&self.settings, &now, is_online);
        self.settings = now;
        for SettingChange { key, value, applies, .. } in &changes {
            tracing::info!("{key} is now {value}; that counts {applies}.");
        }
        logging::adjust(&log).map_err(|error| Failure::usage(sentence(&error)))?;
        let about_models = ["provider.default_model", "provider.models", "backends."];
        if changes.iter().any(|change| about_models.iter().any(|name| change.key.starts_with(name))) {
            self.tell_unknown_models();
        }
        if !changes.is_empty() {
            self.outlet.tell(NodeEvent::SettingsChanged { changes });
        }
        Ok(())
    }

    /// Somebody has changed the file. What cannot be taken changes nothing.
    pub(super) async fn settings_changed(&mut self) {
        if let Err(failure) = self.reload().await {
            let message = format!("{} The node goes on with the settings it has.", failure.message);
            self.outlet.fault(Scope::Config, message, failure.hints.join(" "));
        }
    }

    /// Begins to look at the file, until the node stops.
    pub(super) fn watch_settings(&mut self) {
        self.settings = self.listed();
        let token = self.aside.token().child_token();
        let watching = watch(self.options.paths.config_toml.clone(), self.bells.settings.0.clone());
        let stop = token.clone();
        self.aside.spawn("settings watch", async move {
            stop.run_until_cancelled(watching).await;
        });
        self.watching = Some(token.drop_guard());
    }

    fn listed(&self) -> Vec<Setting> {
        let editor = Editor::new(&self.options.paths, &self.options.environment, &self.options.overrides);
        // It was loaded a moment ago; one that cannot be read any more is told when it is loaded next.
        editor.list().unwrap_or_default()
    }

    /// Changes one setting in the file. Nothing is written unless the whole file would still be taken.
    pub(super) async fn set(&mut self, key: String, value: String) -> Result<(), Failure> {
        let options = self.options.clone();
        let refused = |error: ConfigError| Failure::usage(sentence(&error)).hint(CONFIG_HINT);
        let set = move || Editor::new(&options.paths, &options.environment, &options.overrides).set(&key, &value);
        let written = match tokio::task::spawn_blocking(set).await {
            Ok(written) => written.map_err(refused)?,
            Err(error) => return Err(Failure::internal(format!("The setting was not changed: {error}."))),
        };
        if self.services.is_some() {
            return self.reload().await;
        }
        self.note(&written.notices);
        Ok(())
    }
}
