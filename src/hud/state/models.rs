//! Backends, their models, and what a start would meet.

use bevy::prelude::*;

use super::Reduce;
use crate::domain::model::{BackendHealth, BackendState, ModelInfo};
use crate::domain::time::UnixMs;
use crate::hud::bridge::FromNode;
use crate::inference::PullProgress;
use crate::node::{NodeCommand, NodeEvent, Preflight};

#[derive(Resource, Debug, Clone, Default)]
pub struct Models {
    pub backends: Vec<BackendHealth>,
    pub preflight: Option<Preflight>,
    /// A download under way: the model, and the backend's words.
    pub pulling: Option<(String, PullProgress)>,
}

impl Models {
    /// Models a job could be run on now, best first.
    pub fn ready(&self) -> impl Iterator<Item = &ModelInfo> {
        let ready = self.backends.iter().filter(|backend| matches!(backend.state, BackendState::Ready { .. }));
        ready.flat_map(|backend| &backend.models).filter(|model| model.fault.is_none())
    }

    /// The model that answers when a job names none.
    pub fn first(&self) -> Option<&ModelInfo> {
        let wanted = self.preflight.as_ref().map(|preflight| preflight.default_model.as_str()).unwrap_or_default();
        self.ready().find(|model| model.name == wanted).or_else(|| self.ready().next())
    }
}

impl Reduce for Models {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        match (&said.answers, &said.event) {
            (_, NodeEvent::Models { backends }) => self.backends.clone_from(backends),
            (_, NodeEvent::Preflight { preflight }) => {
                self.backends.clone_from(&preflight.backends);
                self.preflight = Some(preflight.as_ref().clone());
            }
            (_, NodeEvent::Pulling { model, progress }) => self.pulling = Some((model.clone(), progress.clone())),
            (Some(NodeCommand::PullModel { .. }), NodeEvent::Done | NodeEvent::Failed { .. }) => self.pulling = None,
            _ => {}
        }
    }
}
