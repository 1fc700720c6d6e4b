//! Hosts a stranger names: which of them we would speak to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Whether this host, as it stands in a URL, is out on the internet: whoever names `10.0.0.1` wants us to knock on our own
/// doors. A name is not looked up; one that leads inside is for the caller's TLS to refuse.
pub fn is_public(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or_else(|_| is_public_name(host), is_public_address)
}

/// Whether this host is this machine, by its address: names can be made to lead anywhere.
pub fn is_loopback(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether somebody has named this machine, by its address or as it is called everywhere.
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || is_loopback(host)
}

/// Whether what passes between us and this address of a relay can be read and changed by everybody on the way.
pub fn is_in_the_clear(url: &str) -> bool {
    nostr::Url::parse(url).is_ok_and(|url| url.scheme() == "ws" && !url.host_str().is_some_and(is_this_machine))
}

/// What there is to say about such an address.
pub fn in_the_clear(url: &str) -> String {
    format!("{url} is not encrypted: everybody on the way can read and change what passes.")
}

/// Whether the name of this host leads anywhere, or is an address already. No answer in time counts as no.
pub async fn resolves(host: &str, limit: Duration) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let looked = tokio::time::timeout(limit, tokio::net::lookup_host((host, 443))).await;
    looked.is_ok_and(|found| found.is_ok_and(|mut addresses| addresses.next().is_some()))
}

/// What there is to say about a name that does not. It may be back tomorrow.
pub fn leads_nowhere(host: &str) -> String {
    format!("the name {host} leads nowhere just now; is it right, and is this machine online?")
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
    fn inner_addresses_and_names_are_not_public() {
        for host in ["pay.example", "8.8.8.8", "[2606:4700::1]", "EXAMPLE.COM."] {
            assert!(is_public(host) && !is_loopback(host), "{host}");
        }
        for host in ["localhost", "printer", "nas.local", "127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "192.168.1.1", "2130706433", ""] {
            assert!(!is_public(host), "{host}");
        }
        assert!(is_this_machine("localhost") && is_this_machine("[::1]") && !is_this_machine("127.0.0.1.example"));
        for url in ["ws://relay.example", "ws://10.0.0.1:7777", "ws://me@localhost.example"] {
            assert!(is_in_the_clear(url), "{url}");
        }
        for url in ["wss://relay.example", "ws://127.0.0.1:7777", "ws://[::1]:1", "ws://LOCALHOST:1"] {
            assert!(!is_in_the_clear(url), "{url}");
        }
        assert!(is_loopback("127.0.0.1") && is_loopback("[::1]") && !is_loopback("localhost"));
    }
}
