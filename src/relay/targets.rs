//! Relays a stranger names: which of them we would connect to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nostr::Url;

/// Relays of one request we would publish to.
const MAX_TARGETS: usize = 5;

/// The relays worth trying, tidied, each once. Only encrypted ones on public addresses: whoever names `wss://10.0.0.1`
/// wants us to knock on our own doors. A name is not looked up here; one that leads inside still meets TLS, and gets
/// nothing but a signed public event.
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
    let host = url.host_str()?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let public = address.map_or_else(|_| is_public_name(host), is_public_address);
    (plain && port && public).then(|| super::relay_name(url.as_str()))
}

fn is_public_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let inner = ["localhost", "local", "internal", "lan", "home", "corp", "onion", "arpa", "test", "invalid"];
    host.rsplit_once('.').is_some_and(|(_, last)| !inner.contains(&last) && !last.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let benchmark = first == 198 && (18..20).contains(&second);
    let special = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_unspecified();
    let unusable = address.is_broadcast() || address.is_multicast() || address.is_documentation() || first == 0 || first >= 240;
    !(shared || benchmark || special || unusable)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Global unicast, without the documentation and the embedded-IPv4 ranges.
    let [first, second, ..] = address.segments();
    (0x2000..0x4000).contains(&first) && !(first == 0x2001 && second == 0x0db8) && first != 0x2002
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
