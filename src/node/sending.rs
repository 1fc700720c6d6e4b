//! Getting an event to a relay that need not be there yet.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use nostr::Event;

use super::tasks::Tasks;

use crate::clock::Clock;
use crate::domain::relay::Published;
use crate::domain::time::UnixMs;
use crate::relay::RelayLink;

/// Between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Publishes until a relay has taken the event or its time is over: after a start, or while relays are away, there may
/// be none that does. `refused` hears the relays' words of each round in vain. Returns whether one has it; what slower ones
/// say comes in beside, so that it is counted.
pub async fn until_taken(
    relays: &dyn RelayLink,
    event: &Event,
    (clock, until): (&Clock, UnixMs),
    tasks: &Tasks,
    mut refused: impl FnMut(String),
) -> bool {
    let mut pause = FIRST_PAUSE;
    while clock.now() < until {
        match taken(relays.publish(event.clone(), Vec::new()), tasks).await {
            Ok(()) => return true,
            Err(words) => refused(words),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    false
}

/// Waits for the first relay that takes an event. What the relays said if none took it.
async fn taken(mut outcomes: BoxStream<'static, Published>, tasks: &Tasks) -> Result<(), String> {
    let mut refusals = Vec::new();
    while let Some(published) = outcomes.next().await {
        match published.outcome {
            Ok(()) => {
                let token = tasks.token().clone();
                tasks.spawn("slower relays", async move {
                    token.run_until_cancelled(async { while outcomes.next().await.is_some() {} }).await;
                });
                return Ok(());
            }
            Err(words) => refusals.push(format!("{}: {words}", published.relay)),
        }
    }
    Err(refusals.join("; "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::stream;
    use tokio::sync::mpsc;

    use super::*;
    use crate::node::outlet::Outlet;
    use crate::node::wake::NoWake;

    #[tokio::test]
    async fn what_slower_relays_say_is_heard_though_nobody_waits_for_it() {
        let tasks = Tasks::new(Outlet::new(crossbeam_channel::unbounded().0, Arc::new(NoWake)));
        let said = |relay: &str, outcome| Published { relay: relay.into(), outcome };
        let outcomes = [said("wss://first", Err("busy".into())), said("wss://fast", Ok(())), said("wss://slow", Err("full".into()))];
        let (heard, mut hears) = mpsc::unbounded_channel();
        let outcomes = stream::iter(outcomes).inspect(move |published| heard.send(published.relay.clone()).expect("open")).boxed();
        assert_eq!(taken(outcomes, &tasks).await, Ok(()));
        for relay in ["wss://first", "wss://fast", "wss://slow"] {
            assert_eq!(hears.recv().await.as_deref(), Some(relay));
        }
    }
}
