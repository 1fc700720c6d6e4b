//! The supervisor's end of the consumer.

use std::sync::Arc;

use nostr::Event;
use tokio::sync::{mpsc, oneshot};

use super::Ask;
use crate::config::Config;
use crate::domain::ids::{JobId, Pubkey};
use crate::node::event::Failure;
use crate::store::PurchaseRow;
use crate::wallet::pin::Warrant;

type Reply = oneshot::Sender<Result<PurchaseRow, Failure>>;

/// Asked of the consumer.
pub enum ConsumerCommand {
    /// Stores a request and begins to send it.
    Submit(Box<Ask>, Reply),
    /// Pays an offer: this provider's, or the cheapest.
    Pay(JobId, Option<Pubkey>, Reply),
    /// The same for somebody who has shown the spending PIN.
    PayWithPin(JobId, Option<Pubkey>, Warrant, Reply),
    Cancel(JobId, Reply),
    Reload(Arc<Config>),
}

/// The handle the supervisor keeps.
#[derive(Clone)]
pub struct ConsumerHandle {
    commands: mpsc::Sender<ConsumerCommand>,
    events: mpsc::Sender<Box<Event>>,
}

impl ConsumerHandle {
    pub(super) fn new(commands: mpsc::Sender<ConsumerCommand>, events: mpsc::Sender<Box<Event>>) -> Self {
        Self { commands, events }
    }

    /// Sends a command; false when the consumer has ended.
    pub async fn tell(&self, command: ConsumerCommand) -> bool {
        self.commands.send(command).await.is_ok()
    }

    /// Sends a command and waits for how the request stands then.
    pub async fn ask(&self, command: impl FnOnce(Reply) -> ConsumerCommand) -> Result<PurchaseRow, Failure> {
        let (reply, answer) = oneshot::channel();
        self.tell(command(reply)).await;
        answer.await.unwrap_or_else(|_| Err(Failure::internal("The buying side has stopped; restart the node.")))
    }

    /// Hands over an event from a relay, waiting while the consumer is busy: the socket waits with us.
    pub async fn take(&self, event: Box<Event>) {
        let _ = self.events.send(event).await;
    }
}
