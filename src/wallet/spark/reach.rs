//! Whether the network can be reached. Neither a call that went well nor the library's own word for it means that it can:
//! it says that it has synced when nobody was there. So those who run the network are asked something that only they can
//! answer, and after that the library takes in what they say.

use std::sync::Arc;

use super::desk::Desk;
use super::keeper::AskError;
use super::protocol::{Answer, Call, Service};
use crate::wallet::WalletEvent;

/// What is known of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Nothing yet.
    Unknown,
    /// It answers, and the library has taken in what it says since then.
    Online {
        service: Option<Service>,
    },
    Offline {
        reason: String,
    },
}

impl Desk {
    /// Looks again and again, and at once when somebody has a doubt.
    pub async fn watch_reach(self: Arc<Self>) {
        loop {
            let look = async {
                self.look_at_reach().await;
                let pause = if matches!(*self.reach.borrow(), Reach::Online { .. }) { self.pace.calm } else { self.pace.doubt };
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.doubt.notified() => {}
                }
            };
            tokio::select! {
                () = self.token.cancelled() => return,
                () = look => {}
            }
        }
    }

    async fn look_at_reach(&self) {
        let found = match self.keeper.ask(Call::Probe, self.limits.probe).await {
            Ok(Answer::Probe(probe)) => match probe.operators {
                Ok(()) => self.take_in(probe.service).await,
                Err(fault) => Reach::Offline { reason: fault.to_string() },
            },
            Ok(_) => Reach::Offline { reason: "its answer is about something else".to_owned() },
            Err(AskError::Closed) => return,
            Err(error) => Reach::Offline { reason: error.to_string() },
        };
        self.found_reach(found);
    }

    /// They answer. Before the balance is believed, the library has to have heard them.
    async fn take_in(&self, service: Option<Service>) -> Reach {
        if matches!(*self.reach.borrow(), Reach::Online { .. }) {
            return Reach::Online { service };
        }
        match self.keeper.ask(Call::Sync, self.limits.sync).await {
            Ok(_) => Reach::Online { service },
            Err(error) => Reach::Offline { reason: error.to_string() },
        }
    }

    /// The helper is gone, and with it whatever was known.
    pub fn lose_reach(&self, reason: &str) {
        self.found_reach(Reach::Offline { reason: reason.to_owned() });
    }

    fn found_reach(&self, found: Reach) {
        let is_new = self.reach.send_if_modified(|known| std::mem::replace(known, found.clone()) != found);
        if is_new {
            if matches!(found, Reach::Online { .. }) {
                self.missed.notify_one();
            }
            self.records.tell(WalletEvent::Changed);
        }
    }

    /// Why the network cannot be reached; `None`: it can.
    pub fn trouble(&self) -> Option<String> {
        match &*self.reach.borrow() {
            Reach::Unknown => Some("it has not been reached yet".to_owned()),
            Reach::Online { .. } => None,
            Reach::Offline { reason } => Some(reason.clone()),
        }
    }

    /// Whether what the library knows is what the network knows.
    pub fn is_online(&self) -> bool {
        matches!(*self.reach.borrow(), Reach::Online { .. })
    }
}
