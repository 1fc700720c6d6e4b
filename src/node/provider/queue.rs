//! Jobs that are claimed and wait for a slot, first come first served.

use std::collections::VecDeque;

use nostr::Event;

use crate::domain::admission::Admitted;
use crate::domain::ids::JobId;
use crate::domain::quote::Deal;
use crate::domain::request::JobRequest;

/// A job the ledger has and a model has not.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub request: JobRequest,
    pub admitted: Admitted,
    /// The signed request as it came, for the answer's `request` tag.
    pub event: Box<Event>,
    pub deal: Deal,
}

/// The queue.
#[derive(Debug, Default)]
pub struct Queue(VecDeque<Accepted>);

impl Queue {
    pub fn push(&mut self, accepted: Accepted) {
        self.0.push_back(accepted);
    }

    pub fn pop(&mut self) -> Option<Accepted> {
        self.0.pop_front()
    }

    /// Takes one out; unknown ids are no error.
    pub fn remove(&mut self, id: JobId) {
        self.0.retain(|accepted| accepted.request.id != id);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
