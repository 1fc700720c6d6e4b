//! Getting an event to a relay that need not be there yet.

use std::time::Duration;

use futures_util::StreamExt as _;
use nostr::Event;

use crate::clock::Clock;
use crate::domain::time::UnixMs;
use crate::relay::RelayLink;

/// Between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Publishes until a relay has taken the event or its time is over: after a start, or while relays are away, there may
/// be none that does. `refused` hears the relays' words of each round in vain. Returns whether one has it.
pub async fn until_taken(relays: &dyn RelayLink, event: &Event, clock: &Clock, until: UnixMs, mut refused: impl FnMut(String)) -> bool {
    let mut pause = FIRST_PAUSE;
    while clock.now() < until {
        match taken(relays, event).await {
            Ok(()) => return true,
            Err(words) => refused(words),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    false
}

/// Publishes once. What the relays said if none took it.
async fn taken(relays: &dyn RelayLink, event: &Event) -> Result<(), String> {
    let mut outcomes = relays.publish(event.clone(), Vec::new());
    let mut refusals = Vec::new();
    while let Some(published) = outcomes.next().await {
        match published.outcome {
            Ok(()) => return Ok(()),
            Err(words) => refusals.push(format!("{}: {words}", published.relay)),
        }
    }
    Err(refusals.join("; "))
}
