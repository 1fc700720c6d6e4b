//! The supervisor's end of the provider.

use std::sync::Arc;

use nostr::Event;
use tokio::sync::{mpsc, oneshot};

use crate::config::Config;
use crate::domain::ids::{JobId, Pubkey};
use crate::node::command::Leaving;
use crate::node::event::Failure;

/// Asked of the provider.
pub enum ProviderCommand {
    GoOnline(oneshot::Sender<Result<(), Failure>>),
    GoOffline(Leaving, oneshot::Sender<Left>),
    Cancel(JobId, oneshot::Sender<Result<(), Failure>>),
    Reload(Arc<Config>),
    /// A key of our own that asks a test job: served for free while it is a guest.
    Welcome(Pubkey),
    Farewell(Pubkey),
}

/// How going offline has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The last job has left.
    Over,
    /// The node was put online again before that.
    CalledOff,
}

/// The handle the supervisor keeps.
#[derive(Clone)]
pub struct ProviderHandle {
    commands: mpsc::Sender<ProviderCommand>,
    events: mpsc::Sender<Box<Event>>,
}

impl ProviderHandle {
    pub(super) fn new(commands: mpsc::Sender<ProviderCommand>, events: mpsc::Sender<Box<Event>>) -> Self {
        Self { commands, events }
    }

    /// Sends a command; false when the provider has ended.
    pub async fn ask(&self, command: ProviderCommand) -> bool {
        self.commands.send(command).await.is_ok()
    }

    /// Hands over an event from a relay, waiting while the provider is busy: the socket waits with us.
    pub async fn take(&self, event: Box<Event>) {
        let _ = self.events.send(event).await;
    }
}
