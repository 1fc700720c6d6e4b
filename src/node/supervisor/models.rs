//! Commands about models.

use std::sync::Arc;

use futures_util::StreamExt as _;

use super::Supervisor;
use crate::node::command::NodeCommand;
use crate::node::doctor::{self, Finding};
use crate::node::event::{Failure, NodeEvent, Scope};
use crate::node::outlet::Answer;

impl Supervisor {
    pub(super) async fn models(&mut self, command: NodeCommand, answer: Answer) {
        let Some(services) = &self.services else {
            // A stopped node probes once, for whoever wants to know before starting it.
            return match self.load_config().and_then(|config| doctor::probe_once(&config, &self.options)) {
                Ok(probing) => answer.give(NodeEvent::Models { backends: probing.await }).await,
                Err(failure) => answer.give(NodeEvent::Failed { failure }).await,
            };
        };
        let registry = services.registry.clone();
        self.aside.spawn("models", async move {
            if command == NodeCommand::ProbeBackends || !registry.has_probed() {
                registry.refresh().await;
            }
            answer.give(NodeEvent::Models { backends: registry.health() }).await;
        });
    }

    /// Says which models stand in the settings and on no server, once the servers have been asked.
    pub(super) fn tell_unknown_models(&self) {
        let Some(services) = &self.services else { return };
        let (registry, config) = (Arc::clone(&services.registry), Arc::clone(&services.config));
        let (outlet, gone) = (self.outlet.clone(), services.token().clone());
        self.aside.spawn("models in the settings", async move {
            if gone.run_until_cancelled(registry.first_round()).await.is_none() {
                return;
            }
            for Finding { message, hint, .. } in doctor::unknown_models(&config, &registry.health()) {
                outlet.fault(Scope::Config, message, hint.unwrap_or_default());
            }
        });
    }

    pub(super) async fn pull(&self, model: String, answer: Answer) {
        let Some(services) = &self.services else {
            let failure = Failure::user("The node is stopped.").hint("Start it with `pylon run`, or run `ollama pull` yourself.");
            return answer.give(NodeEvent::Failed { failure }).await;
        };
        let (registry, outlet) = (services.registry.clone(), self.outlet.clone());
        self.aside.spawn("model download", async move {
            let failed = |error: crate::inference::InferenceError| NodeEvent::Failed {
                failure: Failure::network(format!("{error}.")).hint(error.hint()),
            };
            let mut progress = match registry.pull(&model).await {
                Ok(progress) => progress,
                Err(error) => return answer.give(failed(error)).await,
            };
            while let Some(step) = progress.next().await {
                match step {
                    Ok(progress) => answer.give(NodeEvent::Pulling { model: model.clone(), progress }).await,
                    Err(error) => return answer.give(failed(error)).await,
                }
            }
            registry.refresh().await;
            outlet.tell(NodeEvent::Models { backends: registry.health() });
            answer.give(NodeEvent::Done).await;
        });
    }
}
