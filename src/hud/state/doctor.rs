//! The doctor's last findings.

use bevy::prelude::*;

use super::Reduce;
use crate::domain::time::UnixMs;
use crate::hud::bridge::FromNode;
use crate::node::{Finding, NodeEvent};

#[derive(Resource, Debug, Clone, Default)]
pub struct Doctor {
    pub findings: Vec<Finding>,
}

impl Reduce for Doctor {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        if let NodeEvent::Doctor { findings } = &said.event {
            self.findings.clone_from(findings);
        }
    }
}
