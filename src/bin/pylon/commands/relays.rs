//! `pylon relays`: which there are, how they do, and changing them.

use std::time::Duration;

use pylon_hud::config::edit::Editor;
use pylon_hud::config::{Config, ConfigError, Environment, Notice};
use pylon_hud::domain::relay_advice::advice;
use pylon_hud::net::hosts;
use pylon_hud::node::control::ControlClient;
use pylon_hud::node::{Failure, NodeCommand, NodeEvent, sentence};
use pylon_hud::relay::probe::{Probe, probe};
use pylon_hud::{net, relay};

use super::config::tell_running;
use crate::args::{Output, RelaysVerb};
use crate::relays::{self, Changed, Listing, Test};
use crate::report;
use crate::talk::{ANSWER, Place, unexpected};

const KEY: &str = "relays.urls";
/// How long looking up a relay's name may take.
const LOOK_UP: Duration = Duration::from_secs(3);

/// Does what the verb says.
pub fn run(place: &Place, verb: &RelaysVerb) -> Result<(), Failure> {
    match verb {
        RelaysVerb::List(output) => list(place, *output),
        RelaysVerb::Add { urls, output } => add(place, urls, *output),
        RelaysVerb::Remove { urls, output } => remove(place, urls, *output),
        RelaysVerb::Test { urls, output } => test(place, urls, *output),
    }
}

fn list(place: &Place, output: Output) -> Result<(), Failure> {
    let relays = match place.ask(NodeCommand::Relays, ANSWER)? {
        NodeEvent::Relays { relays } => relays,
        event => return Err(unexpected(&event)),
    };
    let advice = advice(&relays, config(place)?.provider.max_result_bytes);
    relays::list(&Listing { relays, advice }, output)
}

fn add(place: &Place, texts: &[String], output: Output) -> Result<(), Failure> {
    let mut relays = in_file(place)?;
    let mut added = Vec::new();
    for text in texts {
        let url = readable(text)?;
        if relays.iter().any(|known| same(known, &url)) {
            return Err(Failure::user(format!("{url} is configured already; nothing was changed.")));
        }
        relays.push(url.clone());
        added.push(url);
    }
    let mut warnings = unresolvable(&added);
    warnings.extend(write(place, &relays)?);
    relays::changed(&Changed { relays, warnings }, &format!("Added {}.", added.join(", ")), output)
}

fn remove(place: &Place, texts: &[String], output: Output) -> Result<(), Failure> {
    let mut relays = in_file(place)?;
    let mut removed = Vec::new();
    for text in texts {
        let url = readable(text)?;
        let Some(at) = relays.iter().position(|known| same(known, &url)) else {
            return Err(Failure::user(format!("{url} is not configured; nothing was changed."))
                .hint(format!("Configured are {}.", relays.join(", "))));
        };
        removed.push(relays.remove(at));
    }
    if relays.is_empty() {
        return Err(Failure::user("Without a relay nobody finds this node; nothing was changed.")
            .hint("Add another first: `pylon relays add URL`."));
    }
    let mut warnings = Vec::new();
    if relays.len() == 1 {
        warnings.push("Only one relay is left: while it is away, nobody finds this node.".to_owned());
    }
    warnings.extend(write(place, &relays)?);
    relays::changed(&Changed { relays, warnings }, &format!("Removed {}.", removed.join(", ")), output)
}

fn test(place: &Place, texts: &[String], output: Output) -> Result<(), Failure> {
    let config = config(place)?;
    let texts = if texts.is_empty() { &config.relays.urls } else { texts };
    let urls: Vec<String> = texts.iter().map(|text| readable(text)).collect::<Result<_, _>>()?;
    for url in urls.iter().filter(|url| hosts::is_in_the_clear(url)) {
        report::aside(&format!("warning: {}", hosts::in_the_clear(url)));
    }
    let client = net::http_client().map_err(|error| Failure::internal(format!("No HTTP client could be made: {error}.")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::internal(format!("No runtime could be made: {error}.")))?;
    let probes = runtime.block_on(futures_util::future::join_all(urls.iter().map(|url| probe(url, &client))));
    runtime.shutdown_background();
    let probes: Vec<Probe> = probes.into_iter().collect::<Result<_, _>>().map_err(|error| Failure::usage(sentence(&error)))?;
    let tests: Vec<Test> = probes.into_iter().map(|probe| Test::new(probe, config.provider.max_result_bytes)).collect();
    relays::tests(&tests, output)?;
    let count = |pick: fn(&Test) -> bool| tests.iter().filter(|test| pick(test)).count();
    let (silent, unfit) = (count(|test| !test.probe.answered()), count(|test| !test.good));
    match (silent, unfit) {
        (0, 0) => Ok(()),
        (0, unfit) => Err(Failure::user(format!("{unfit} of {} relays would not take our events.", tests.len()))),
        (silent, _) => Err(Failure::network(format!("{silent} of {} relays did not answer.", tests.len()))),
    }
}

/// An address as it is known, or why it is none.
pub fn readable(text: &str) -> Result<String, Failure> {
    relay::address(text)
        .map_err(|error| Failure::usage(sentence(&error)).hint("A relay's address begins with wss://, such as wss://relay.example."))
}

fn same(one: &str, other: &str) -> bool {
    relay::address(one).is_ok_and(|one| relay::address(other).is_ok_and(|other| one == other))
}

/// The host of an address, as it stands in it.
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or(rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    match rest.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => rest,
    }
}

fn config(place: &Place) -> Result<Config, Failure> {
    Ok(Config::load(&place.paths, &place.environment, &place.overrides).map_err(refused)?.config)
}

fn refused(error: ConfigError) -> Failure {
    Failure::usage(sentence(&error)).hint("See every key with `pylon config list`.")
}

/// What the file says, or the defaults: variables and flags are not ours to write down.
fn in_file(place: &Place) -> Result<Vec<String>, Failure> {
    let loaded = Config::load(&place.paths, &Environment::default(), &[]).map_err(refused)?;
    Ok(loaded.config.relays.urls)
}

/// Puts the list into the file the way `pylon config set` does, and lets a running node know. What there is to say about
/// it that is no error is returned.
fn write(place: &Place, relays: &[String]) -> Result<Vec<String>, Failure> {
    let list = serde_json::to_string(relays).map_err(|error| Failure::internal(format!("Not a list: {error}.")))?;
    let set = Editor::new(&place.paths, &place.environment, &place.overrides).set(KEY, &list).map_err(refused)?;
    let file = place.paths.config_toml.display().to_string();
    tell_running(place)?;
    let mut warnings: Vec<String> = set.notices.into_iter().map(|Notice { message, hint }| format!("{message} {hint}")).collect();
    if set.source != file {
        warnings.push(format!("{} names other relays, and wins over the file.", set.source));
    } else if is_told_otherwise(place, relays)? {
        warnings.push("The running node was given other relays when it was started, and keeps those.".to_owned());
    }
    Ok(warnings)
}

/// Whether a node runs and has other relays than these.
fn is_told_otherwise(place: &Place, relays: &[String]) -> Result<bool, Failure> {
    if ControlClient::connect(&place.paths.control_sock).is_err() {
        return Ok(false);
    }
    match place.ask_running(NodeCommand::Relays, ANSWER)? {
        NodeEvent::Relays { relays: used } => {
            Ok(used.len() != relays.len() || !used.iter().all(|used| relays.iter().any(|url| same(url, &used.url))))
        }
        event => Err(unexpected(&event)),
    }
}

/// A sentence for each whose name leads nowhere. It may be back tomorrow, or this machine may be offline.
fn unresolvable(urls: &[String]) -> Vec<String> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let lookups = urls.iter().map(|url| async move { (url, hosts::resolves(host(url), LOOK_UP).await) });
    let found = runtime.block_on(futures_util::future::join_all(lookups));
    // A look-up that hangs is left behind.
    runtime.shutdown_background();
    let lost = found.into_iter().filter(|(_, resolves)| !resolves);
    lost.map(|(url, _)| hosts::leads_nowhere(host(url)).replacen("the", "The", 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_addresses() {
        for (url, found) in [
            ("wss://relay.example", "relay.example"),
            ("wss://relay.example:4848/path", "relay.example"),
            ("ws://127.0.0.1:7777", "127.0.0.1"),
            ("ws://[::1]:7777/", "[::1]"),
            ("ws://[::1]", "[::1]"),
            ("wss://me:pass@relay.example", "relay.example"),
        ] {
            assert_eq!(host(url), found);
        }
    }
}
