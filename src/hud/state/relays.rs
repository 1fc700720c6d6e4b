//! The relays, in configured order.

use bevy::prelude::*;

use super::Reduce;
use crate::domain::relay::{RelayHealth, RelayState};
use crate::domain::time::UnixMs;
use crate::hud::bridge::FromNode;
use crate::node::{NodeCommand, NodeEvent};

#[derive(Resource, Debug, Clone, Default)]
pub struct Relays {
    pub relays: Vec<RelayHealth>,
    /// It is known which are configured.
    pub is_known: bool,
    /// Why that could not be told.
    pub trouble: Option<String>,
}

impl Relays {
    pub fn connected(&self) -> usize {
        self.relays.iter().filter(|relay| relay.state == RelayState::Connected).count()
    }
}

impl Reduce for Relays {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        let asks = matches!(said.answers, Some(NodeCommand::Preflight | NodeCommand::Relays));
        match &said.event {
            // What a stopped node would use is in its preflight as well.
            NodeEvent::Relays { relays } if !relays.is_empty() => {
                self.relays.clone_from(relays);
                (self.is_known, self.trouble) = (true, None);
            }
            NodeEvent::Relay { relay } => match self.relays.iter_mut().find(|known| same(&known.url, &relay.url)) {
                Some(known) => known.clone_from(relay.as_ref()),
                None => self.relays.push(relay.as_ref().clone()),
            },
            NodeEvent::Preflight { preflight } => {
                let known = std::mem::take(&mut self.relays);
                let find = |url: &String| known.iter().find(|relay| same(&relay.url, url)).cloned();
                let off = |url: &String| RelayHealth { url: url.clone(), ..RelayHealth::default() };
                self.relays = preflight.relays.iter().map(|url| find(url).unwrap_or_else(|| off(url))).collect();
                (self.is_known, self.trouble) = (true, None);
            }
            NodeEvent::Failed { failure } if asks => self.trouble = Some(failure.message.clone()),
            NodeEvent::Status { status } if !status.running => {
                for relay in &mut self.relays {
                    relay.state = RelayState::Off;
                }
            }
            _ => {}
        }
    }
}

/// The pool adds a slash to an address without a path.
fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}
