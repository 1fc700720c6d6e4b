//! A start that wants a passphrase, and how far that is.

use bevy::prelude::*;

use super::Reduce;
use crate::domain::time::UnixMs;
use crate::hud::bridge::FromNode;
use crate::node::{FailureKind, NodeCommand, NodeEvent};

/// The question for a passphrase.
#[derive(Resource, Debug, Clone, Default, PartialEq)]
pub enum Lock {
    /// Nobody is asked.
    #[default]
    Closed,
    /// This start waits for one. The trouble is what was wrong with the one before.
    Asking { start: NodeCommand, trouble: Option<String> },
    /// This start tries one: a second of arithmetic on the node's side.
    Trying { start: NodeCommand },
}

impl Lock {
    pub const fn is_asking(&self) -> bool {
        !matches!(self, Self::Closed)
    }

    /// A passphrase is there: gives the start to go on with.
    pub fn attempt(&mut self) -> Option<NodeCommand> {
        let Self::Asking { start, .. } = self else { return None };
        let start = start.clone();
        *self = Self::Trying { start: start.clone() };
        Some(start)
    }

    /// No passphrase. A try that is under way goes on: it cannot be taken back.
    pub fn give_up(&mut self) {
        if matches!(self, Self::Asking { .. }) {
            *self = Self::Closed;
        }
    }
}

impl Reduce for Lock {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        let Some(start) = said.answers.as_ref().filter(|command| command.is_start()) else { return };
        *self = match (&said.event, &self) {
            (NodeEvent::Failed { failure }, Self::Trying { .. }) if failure.kind == FailureKind::Locked => {
                Self::Asking { start: start.clone(), trouble: Some(failure.message.clone()) }
            }
            (NodeEvent::Failed { failure }, _) if failure.kind == FailureKind::Locked => {
                Self::Asking { start: start.clone(), trouble: None }
            }
            _ => Self::Closed,
        };
    }
}
