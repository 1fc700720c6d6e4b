//! Where a buyer takes money back: the Lightning address in its profile (NIP-01 kind 0, field `lud16`).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nostr::{Event, Filter, Kind, PublicKey};
use serde_json::Value;
use tokio::sync::mpsc;

use super::event::{Failure, sentence};
use crate::domain::ids::Pubkey;
use crate::domain::money::MilliSats;
use crate::domain::relay::RelayState;
use crate::relay::{RelayLink, SubscriptionName};
use crate::wallet::lightning_address::{AddressError, LightningAddress, Reach, Service};

/// What the question for a profile is called.
pub const PROFILE: SubscriptionName = SubscriptionName("profile");
/// How long the relays may take to find one.
const PATIENCE: Duration = Duration::from_secs(6);
/// Answers that may wait.
const BACKLOG: usize = 32;

/// What a relay says to the question.
enum Heard {
    Profile(Box<Event>),
    /// It has nothing more.
    End(String),
}

/// Somebody who gives invoices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payee {
    Address(LightningAddress),
    Service(Service),
}

impl Payee {
    /// Whether this text is meant to be one; then what it is, or why it is not.
    pub fn read(text: &str) -> Option<Result<Self, AddressError>> {
        if text.contains('@') && !text.contains("://") {
            return Some(text.parse().map(Self::Address));
        }
        text.to_ascii_lowercase().starts_with("lnurl").then(|| text.parse().map(Self::Service))
    }
}

/// Looks profiles up, one at a time.
pub struct Directory {
    relays: Arc<dyn RelayLink>,
    client: reqwest::Client,
    reach: Reach,
    turn: tokio::sync::Mutex<()>,
    asking: Mutex<Option<mpsc::Sender<Heard>>>,
}

impl Directory {
    pub fn new(relays: Arc<dyn RelayLink>, client: reqwest::Client, reach: Reach) -> Self {
        Self { relays, client, reach, turn: tokio::sync::Mutex::default(), asking: Mutex::default() }
    }

    /// A profile has come. Whoever asks the next time has to hear it as well, though the relays send the same event.
    pub fn heard(&self, event: Box<Event>) {
        self.relays.forget(&event);
        self.tell(Heard::Profile(event));
    }

    /// This relay has sent every profile it has.
    pub fn heard_all(&self, relay: String) {
        self.tell(Heard::End(relay));
    }

    fn tell(&self, heard: Heard) {
        if let Some(asking) = self.asking().as_ref() {
            // Whoever asks has a handful of relays; what does not fit is no answer to it.
            let _ = asking.try_send(heard);
        }
    }

    /// An invoice over so much: this one, one that this Lightning address gives, or one that the buyer's own address gives.
    pub async fn invoice(&self, to: Option<&str>, buyer: Pubkey, amount: MilliSats) -> Result<String, Failure> {
        let address = match to {
            Some(text) if text.contains('@') => text.parse().map_err(|error| failure(&error))?,
            Some(invoice) => return Ok(invoice.to_owned()),
            None => self.address_of(buyer).await?,
        };
        address.invoice(&self.client, amount, self.reach).await.map_err(|error| failure(&error))
    }

    /// An invoice over so much, from the service that this Lightning address or LNURL leads to.
    pub async fn ask(&self, service: &Payee, amount: MilliSats) -> Result<String, AddressError> {
        match service {
            Payee::Address(address) => address.invoice(&self.client, amount, self.reach).await,
            Payee::Service(service) => service.invoice(&self.client, amount, self.reach).await,
        }
    }

    async fn address_of(&self, buyer: Pubkey) -> Result<LightningAddress, Failure> {
        let key = PublicKey::from_byte_array(buyer.0);
        let none = || {
            Failure::user(format!("No relay knows a Lightning address of buyer {}.", buyer.short()))
                .hint("Ask the buyer for an invoice or an address: `pylon jobs refund JOB INVOICE-OR-ADDRESS`.")
        };
        let profile = self.profile(key).await?.ok_or_else(none)?;
        let fields: Value = serde_json::from_str(&profile.content).unwrap_or_default();
        let text = fields.get("lud16").and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        text.ok_or_else(none)?.parse().map_err(|error| failure(&error))
    }

    /// The newest profile that the relays have of this key.
    async fn profile(&self, key: PublicKey) -> Result<Option<Event>, Failure> {
        let _turn = self.turn.lock().await;
        let relays = self.relays.health().into_iter().filter(|relay| relay.state == RelayState::Connected);
        let mut silent: BTreeSet<String> = relays.map(|relay| relay.url).collect();
        if silent.is_empty() {
            return Err(Failure::network("No relay is connected, so nobody can be asked for the buyer's Lightning address."));
        }
        let (asking, mut answers) = mpsc::channel(BACKLOG);
        *self.asking() = Some(asking);
        let filter = Filter::new().kind(Kind::Metadata).author(key).limit(1);
        self.relays.subscribe(PROFILE, filter).await.map_err(|error| Failure::network(sentence(&error)))?;
        let mut newest: Option<Event> = None;
        let listen = async {
            while !silent.is_empty() {
                match answers.recv().await {
                    Some(Heard::Profile(event)) if event.pubkey == key => {
                        if newest.as_ref().is_none_or(|known| known.created_at < event.created_at) {
                            newest = Some(*event);
                        }
                    }
                    Some(Heard::Profile(_)) => {}
                    Some(Heard::End(relay)) => _ = silent.remove(&relay),
                    None => return,
                }
            }
        };
        // Relays that are too slow have no say.
        let _ = tokio::time::timeout(PATIENCE, listen).await;
        self.relays.unsubscribe(PROFILE).await;
        self.asking().take();
        Ok(newest)
    }

    fn asking(&self) -> MutexGuard<'_, Option<mpsc::Sender<Heard>>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failure(error: &AddressError) -> Failure {
    let failure = match error {
        AddressError::Silent { .. } => Failure::network(sentence(error)),
        _ => Failure::user(sentence(error)),
    };
    failure.hint("Nothing was paid. An invoice of the buyer's does as well.")
}
