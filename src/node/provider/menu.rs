//! Which models are on offer, by the config and by what the backends have now.

use std::sync::Arc;

use crate::config::Config;
use crate::domain::model::{BackendHealth, BackendState, is_called};

/// The operator's choice of models. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Menu(Arc<Config>);

impl Menu {
    pub const fn new(config: Arc<Config>) -> Self {
        Self(config)
    }

    /// Models that would run if asked for now, best first: the default model, then as the backends list them.
    pub fn offered(&self, backends: &[BackendHealth]) -> Vec<String> {
        let provider = &self.0.provider;
        let is_offered = |name: &str| provider.model(name).is_none_or(|settings| settings.enabled);
        let ready = backends.iter().filter(|backend| matches!(backend.state, BackendState::Ready { .. }));
        let models = ready.flat_map(|backend| &backend.models).filter(|model| model.fault.is_none() && is_offered(&model.name));
        let mut names: Vec<String> = Vec::new();
        for model in models {
            if !names.contains(&model.name) {
                names.push(model.name.clone());
            }
        }
        if let Some(at) = names.iter().position(|name| is_called(name, &provider.default_model)) {
            let default = names.remove(at);
            names.insert(0, default);
        }
        names
    }

    /// The model for a job that names none: the default one, or the first on offer while that is not there.
    pub fn first(&self, backends: &[BackendHealth]) -> Option<String> {
        self.offered(backends).into_iter().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Paths};
    use crate::domain::model::ModelInfo;

    fn menu(settings: &[&str]) -> Menu {
        let dir = tempfile::tempdir().expect("directory");
        let settings: Vec<_> = settings.iter().map(|setting| setting.parse().expect("a setting")).collect();
        Menu::new(Arc::new(Config::load(&Paths::at(dir.path()), &Environment::default(), &settings).expect("config").config))
    }

    fn backend(models: &[&str]) -> BackendHealth {
        let model = |name: &&str| ModelInfo {
            name: (*name).to_owned(),
            backend: "one".into(),
            size_bytes: None,
            context_tokens: None,
            warm: None,
            tokens_per_sec: None,
            fault: None,
        };
        BackendHealth {
            name: "one".into(),
            url: String::new(),
            state: BackendState::Ready { version: None },
            checked_at: None,
            models: models.iter().map(model).collect(),
        }
    }

    #[test]
    fn a_job_that_names_no_model_gets_the_default_one_or_else_one_that_is_there() {
        let there = [backend(&["a", "b:latest"])];
        let first = |settings: &[&str]| menu(settings).first(&there);
        assert_eq!(first(&[]).as_deref(), Some("a"));
        assert_eq!(first(&["provider.default_model=b"]).as_deref(), Some("b:latest"));
        assert_eq!(first(&["provider.default_model=gone"]).as_deref(), Some("a"), "nobody waits for a model that is not there");
        assert_eq!(menu(&[]).first(&[backend(&[])]), None);
    }

    #[test]
    fn a_model_that_is_not_offered_runs_for_nobody() {
        let there = [backend(&["a", "b"])];
        let only_b = menu(&["provider.models={a={enabled=false}}"]);
        assert_eq!(only_b.offered(&there), ["b"]);
        assert_eq!(only_b.offered(&[backend(&["a:latest", "b"])]), ["b"], "the backend's own spelling");
        assert_eq!(menu(&["provider.models={a={enabled=false},b={enabled=false}}"]).first(&there), None);
    }
}
