//! What to do about the relays, from what was seen of them.

use super::relay::{RelayHealth, RelayState};
use super::relay_fit::Fit;

/// More is a list nobody reads.
const MOST: usize = 3;
/// Round trips above this keep buyers waiting.
const SLOW_MS: u64 = 2_000;
/// A relay that is connected less than this, in per cent, is away.
const AWAY: u64 = 80;

/// At most three sentences, the gravest first. `Off` relays are those of a stopped node: only their number counts then.
pub fn advice(relays: &[RelayHealth], max_result_bytes: usize) -> Vec<String> {
    let mut all = Vec::new();
    let wanted = || relays.iter().filter(|relay| relay.state != RelayState::Off);
    if wanted().next().is_some() && wanted().all(|relay| relay.state == RelayState::Retrying) {
        all.push("No relay can be reached: check the network, then each with `pylon relays test`.".to_owned());
    }
    all.extend(wanted().filter_map(refusing));
    all.extend(wanted().filter_map(|relay| unfit(relay, max_result_bytes)));
    let number = match relays {
        [] => Some("There is no relay: add one with `pylon relays add URL`."),
        [_] => Some("There is only one relay; while it is away nobody finds this node. Add another with `pylon relays add URL`."),
        _ => None,
    };
    all.extend(number.map(str::to_owned));
    all.extend(wanted().filter_map(away));
    all.extend(wanted().filter_map(slow));
    all.truncate(MOST);
    all
}

/// One that took fewer than half of our events.
fn refusing(relay: &RelayHealth) -> Option<String> {
    let words = relay.last_refusal.as_deref().filter(|_| relay.taken_percent().is_some_and(|taken| taken < 50))?;
    let RelayHealth { url, .. } = relay;
    Some(format!("{url} does not take our events: '{words}'; {}, or remove it with `pylon relays remove {url}`.", cure(words)))
}

/// What may help, by the words of the refusal.
fn cure(words: &str) -> &'static str {
    let words = words.to_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if says(&["content", "large", "too long", "size", "bytes", "characters"]) {
        "lower provider.max_result_bytes"
    } else if says(&["pay", "paid", "member", "subscri"]) {
        "become a member there"
    } else if says(&["rate", "too fast", "too many", "slow down"]) {
        "give it time"
    } else if says(&["pow", "proof of work", "difficulty"]) {
        "this node does no proof of work"
    } else {
        "ask who runs it"
    }
}

/// One whose own document speaks against it, before it has refused anything.
fn unfit(relay: &RelayHealth, max_result_bytes: usize) -> Option<String> {
    if refusing(relay).is_some() {
        return None;
    }
    let why = Fit::new(relay.limits.as_ref()?, max_result_bytes).against.into_iter().next()?;
    Some(format!("{} may not take our answers: {why}.", relay.url))
}

fn away(relay: &RelayHealth) -> Option<String> {
    let up = relay.uptime_percent().filter(|up| *up < AWAY)?;
    let why = relay.last_error.as_deref().map(|words| format!(" ({words})")).unwrap_or_default();
    Some(format!("{} was connected only {up} % of the time{why}.", relay.url))
}

fn slow(relay: &RelayHealth) -> Option<String> {
    let ms = relay.latency_ms.filter(|ms| *ms > SLOW_MS)?;
    Some(format!("{} is slow: {ms} ms until it takes an event.", relay.url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::relay::RelayLimits;

    fn relay(url: &str) -> RelayHealth {
        RelayHealth { url: url.to_owned(), state: RelayState::Connected, ..RelayHealth::default() }
    }

    #[test]
    fn good_relays_need_no_advice() {
        assert!(advice(&[relay("wss://a.example"), relay("wss://b.example")], 48_000).is_empty());
    }

    #[test]
    fn a_refusal_is_quoted_and_its_cure_named() {
        let refused = RelayHealth { refused: 3, accepted: 1, last_refusal: Some("max content length".into()), ..relay("wss://a.example") };
        let said = advice(&[refused, relay("wss://b.example")], 48_000);
        assert_eq!(said.len(), 1);
        for part in ["'max content length'", "provider.max_result_bytes", "pylon relays remove wss://a.example"] {
            assert!(said.concat().contains(part), "{said:?} lacks {part}");
        }
    }

    #[test]
    fn a_refusal_among_many_is_no_reason() {
        let mostly = RelayHealth { refused: 1, accepted: 9, last_refusal: Some("rate-limited".into()), ..relay("wss://a.example") };
        assert!(advice(&[mostly, relay("wss://b.example")], 48_000).is_empty());
    }

    #[test]
    fn the_gravest_three_are_told() {
        let away = RelayHealth { state: RelayState::Retrying, wanted_ms: 100_000, ..relay("wss://a.example") };
        let slow = RelayHealth { state: RelayState::Retrying, latency_ms: Some(9_000), ..relay("wss://b.example") };
        let paid = RelayLimits { payment_required: true, ..RelayLimits::default() };
        let unfit = RelayHealth { state: RelayState::Retrying, limits: Some(paid), ..relay("wss://c.example") };
        let said = advice(&[away, slow, unfit], 48_000);
        assert_eq!(said.len(), 3);
        assert!(said[0].contains("No relay can be reached") && said[1].contains("c.example") && said[2].contains("0 %"), "{said:?}");
    }

    #[test]
    fn of_a_stopped_node_only_the_number_counts() {
        let off = |url: &str| RelayHealth { state: RelayState::Off, ..relay(url) };
        assert!(advice(&[off("wss://a.example")], 48_000).concat().contains("only one relay"));
        assert!(advice(&[off("wss://a.example"), off("wss://b.example")], 48_000).is_empty());
        assert!(advice(&[], 48_000).concat().contains("no relay"));
    }
}
