//! Somebody who listens on the relay, behind the storm, and notes every answer that was ever published.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use nostr::{EventId, Filter, Keys, Kind, Timestamp};
use tokio_util::task::AbortOnDropHandle;

use crate::domain::ids::JobId;
use crate::nip90::about;
use crate::relay::{LinkOptions, NostrRelays, RelayError, RelayLink as _, RelayNews, SubscriptionName};

const RESULTS: SubscriptionName = SubscriptionName("results");
/// The largest event it reads.
const MAX_EVENT: usize = 1024 * 1024;

type Seen = HashMap<JobId, HashSet<EventId>>;

/// Notes answers until it is dropped.
pub struct Witness {
    seen: Arc<Mutex<Seen>>,
    link: NostrRelays,
    _listening: AbortOnDropHandle<()>,
}

impl Witness {
    pub async fn start(relay: &str) -> Result<Self, RelayError> {
        let client = crate::net::http_client().map_err(|error| RelayError::Pool(error.to_string()))?;
        let (link, mut news) = NostrRelays::new(LinkOptions::new(vec![relay.to_owned()], MAX_EVENT, Keys::generate(), client))?;
        link.connect().await;
        link.subscribe(RESULTS, Filter::new().kind(Kind::from(6050)).since(Timestamp::now())).await?;
        let seen = Arc::new(Mutex::new(Seen::new()));
        let noted = Arc::clone(&seen);
        let listening = tokio::spawn(async move {
            while let Some(item) = news.recv().await {
                if let RelayNews::Event { event, .. } = item
                    && let Some(job) = about(&event)
                {
                    noted.lock().unwrap_or_else(PoisonError::into_inner).entry(job).or_default().insert(event.id);
                }
            }
        });
        Ok(Self { seen, link, _listening: AbortOnDropHandle::new(listening) })
    }

    /// Jobs that were answered with more than one event.
    pub fn doubled(&self) -> u64 {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).values().filter(|answers| answers.len() > 1).count() as u64
    }

    pub async fn close(&self) {
        self.link.close().await;
    }
}
