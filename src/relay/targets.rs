//! Relays a stranger names: which of them we would connect to.

use nostr::Url;

use crate::net::hosts;

/// Relays of one request we would publish to.
const MAX_TARGETS: usize = 5;

/// The relays worth trying, tidied, each once. Only encrypted ones on public addresses. A name that leads inside still
/// meets TLS, and gets nothing but a signed public event.
pub fn allowed(named: &[String]) -> Vec<String> {
    let mut targets = Vec::new();
    for url in named.iter().filter_map(|text| tidy(text)) {
        if targets.len() < MAX_TARGETS && !targets.contains(&url) {
            targets.push(url);
        }
    }
    targets
}

fn tidy(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    let plain = url.scheme() == "wss" && url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    // Ports below 1024 other than our own protocol's belong to other services.
    let port = url.port().is_none_or(|port| port >= 1024);
    (plain && port && hosts::is_public(url.host_str()?)).then(|| super::relay_name(url.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_public_relays_are_tried() {
        let take = |text: &str| allowed(&[text.to_owned()]);
        for good in ["wss://relay.example", "wss://relay.example:4848/path", "wss://8.8.8.8", "wss://[2606:4700::1]"] {
            assert_eq!(take(good).len(), 1, "{good}");
        }
        for bad in [
            "ws://relay.example",
            "https://relay.example",
            "wss://localhost",
            "wss://printer",
            "wss://nas.local",
            "wss://127.0.0.1",
            "wss://10.1.2.3",
            "wss://192.168.1.1:8443",
            "wss://169.254.169.254",
            "wss://100.64.0.1",
            "wss://0.0.0.0",
            "wss://[::1]",
            "wss://[::ffff:10.0.0.1]",
            "wss://[fd00::1]",
            "wss://[fe80::1]",
            "wss://user:pass@relay.example",
            "wss://relay.example:22",
            "wss://2130706433",
            "not a url",
            "",
        ] {
            assert!(take(bad).is_empty(), "{bad}");
        }
    }

    #[test]
    fn each_is_tried_once_and_five_at_most() {
        let named: Vec<String> =
            (0..9).flat_map(|number| [format!("wss://r{number}.example"), format!("WSS://R{number}.example/")]).collect();
        assert_eq!(allowed(&named), ["wss://r0.example", "wss://r1.example", "wss://r2.example", "wss://r3.example", "wss://r4.example"]);
    }
}
