//! The test job to oneself.

use bevy::prelude::*;

use super::Reduce;
use crate::domain::ids::JobId;
use crate::domain::time::UnixMs;
use crate::hud::bridge::FromNode;
use crate::node::{NodeCommand, NodeEvent, TestStep};

/// How far it is. Each state has happened.
#[derive(Resource, Debug, Clone, Default, PartialEq)]
pub enum Trial {
    #[default]
    None,
    /// A relay took the request; this much of the answer is back.
    Asked {
        job: JobId,
        relay: String,
        text: String,
    },
    /// The answer came back from the relay.
    Answered {
        job: JobId,
        text: String,
        took_ms: u64,
    },
    Failed {
        message: String,
        hint: String,
    },
}

impl Reduce for Trial {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        match (&said.answers, &said.event) {
            (_, NodeEvent::Testing { step }) => self.step(step),
            (Some(NodeCommand::TestJob { .. }), NodeEvent::Failed { failure }) => {
                *self = Self::Failed { message: failure.message.clone(), hint: failure.hints.join(" ") };
            }
            _ => {}
        }
    }
}

impl Trial {
    fn step(&mut self, step: &TestStep) {
        match step {
            TestStep::Asked { job, relay } => *self = Self::Asked { job: *job, relay: relay.clone(), text: String::new() },
            TestStep::Partial { text: piece } => {
                if let Self::Asked { text, .. } = self {
                    text.push_str(piece);
                }
            }
            TestStep::Answered { job, text, took_ms } => *self = Self::Answered { job: *job, text: text.clone(), took_ms: *took_ms },
        }
    }
}
