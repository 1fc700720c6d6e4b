//! Lightning addresses (LUD-16) and LNURLs (LUD-01, LUD-17): where somebody takes payments who is not here to make an invoice.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use nostr::Url;
use reqwest::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::domain::money::MilliSats;
use crate::net::{self, hosts};
use crate::nip90::text;

/// The largest answer that is read.
const MAX_BYTES: usize = 64 * 1024;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Characters kept of a service's own words.
const MAX_WORDS: usize = 200;

/// `name@host`. Parsed, not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightningAddress {
    name: String,
    host: String,
}

/// Which services may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those out on the internet, over TLS.
    Public,
    /// Those on this machine as well, in the clear: play money has no others.
    ThisMachine,
}

/// Why an address gives no invoice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("{0:?} is no Lightning address, which looks like name@host")]
    Malformed(String),
    #[error("{0} is not asked: it is no address on the internet, and an address comes from a stranger")]
    Inner(String),
    #[error("{host} does not answer: {reason}")]
    Silent { host: String, reason: String },
    #[error("{host} gives no invoice: {reason}")]
    Refused { host: String, reason: String },
    #[error("{host} takes between {least} and {most} sats, not {wanted}")]
    Amount { host: String, least: u64, most: u64, wanted: u64 },
}

impl FromStr for LightningAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || AddressError::Malformed(text::line(text, MAX_WORDS));
        let (name, host) = text.trim().split_once('@').ok_or_else(malformed)?;
        let is_name =
            !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte));
        let is_host =
            !host.is_empty() && host.len() <= 253 && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte));
        if is_name && is_host { Ok(Self { name: name.to_ascii_lowercase(), host: host.to_ascii_lowercase() }) } else { Err(malformed()) }
    }
}

impl fmt::Display for LightningAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.host)
    }
}

/// What a service says of a name (LUD-06).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PayRequest {
    tag: String,
    callback: String,
    min_sendable: u64,
    max_sendable: u64,
}

#[derive(Deserialize)]
struct Invoice {
    pr: String,
}

#[derive(Deserialize)]
struct Refusal {
    status: String,
    #[serde(default)]
    reason: String,
}

impl LightningAddress {
    /// Asks for an invoice over exactly so much. What comes back is a stranger's: look at it before it is paid.
    pub async fn invoice(&self, client: &Client, amount: MilliSats, reach: Reach) -> Result<String, AddressError> {
        let scheme = if reach == Reach::ThisMachine && self.is_here() { "http" } else { "https" };
        let url = Url::parse(&format!("{scheme}://{}/.well-known/lnurlp/{}", self.host, self.name));
        let url = url.map_err(|_| AddressError::Malformed(self.to_string()))?;
        Service { host: self.host.clone(), url }.invoice(client, amount, reach).await
    }

    fn is_here(&self) -> bool {
        hosts::is_loopback(self.host.split(':').next().unwrap_or_default())
    }
}

/// Somebody's service that gives invoices (LUD-06), by its address on the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    host: String,
    url: Url,
}

impl FromStr for Service {
    type Err = AddressError;

    /// Reads an LNURL, in letters (LUD-01) or as a scheme (LUD-17).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || AddressError::Malformed(text::line(text, MAX_WORDS));
        let trimmed = text.trim();
        let url = match trimmed.get(..9).filter(|scheme| scheme.eq_ignore_ascii_case("lnurlp://")) {
            Some(_) => format!("https://{}", trimmed.get(9..).unwrap_or_default()),
            None => {
                let decoded = CheckedHrpstring::new::<Bech32>(trimmed).map_err(|_| malformed())?;
                if decoded.hrp() != Hrp::parse_unchecked("lnurl") {
                    return Err(malformed());
                }
                String::from_utf8(decoded.byte_iter().collect()).map_err(|_| malformed())?
            }
        };
        let url = Url::parse(&url).map_err(|_| malformed())?;
        let host = url.host_str().ok_or_else(malformed)?.to_owned();
        Ok(Self { host, url })
    }
}

impl Service {
    /// Asks for an invoice over exactly so much. What comes back is a stranger's: look at it before it is paid.
    pub async fn invoice(&self, client: &Client, amount: MilliSats, reach: Reach) -> Result<String, AddressError> {
        let offer: PayRequest = self.ask(client, self.url.clone(), reach).await?;
        if offer.tag != "payRequest" {
            return Err(self.refused("its answer is about something else"));
        }
        if amount.0 < offer.min_sendable || amount.0 > offer.max_sendable {
            let (least, most) = (offer.min_sendable.div_ceil(1_000), offer.max_sendable / 1_000);
            return Err(AddressError::Amount { host: self.host.clone(), least, most, wanted: amount.ceil_sats().0 });
        }
        let mut callback = Url::parse(&offer.callback).map_err(|_| self.refused("its answer names no address to ask"))?;
        callback.query_pairs_mut().append_pair("amount", &amount.0.to_string());
        let invoice: Invoice = self.ask(client, callback, reach).await?;
        Ok(invoice.pr)
    }

    async fn ask<T: DeserializeOwned>(&self, client: &Client, url: Url, reach: Reach) -> Result<T, AddressError> {
        let host = url.host_str().unwrap_or_default();
        let is_open = match reach {
            Reach::Public => url.scheme() == "https" && hosts::is_public(host),
            Reach::ThisMachine => hosts::is_loopback(host) || (url.scheme() == "https" && hosts::is_public(host)),
        };
        if !is_open {
            return Err(AddressError::Inner(host.to_owned()));
        }
        let body = tokio::time::timeout(PATIENCE, read(client, url)).await;
        let body = body.unwrap_or_else(|_| Err(format!("nothing within {} s", PATIENCE.as_secs())));
        let body = body.map_err(|reason| AddressError::Silent { host: self.host.clone(), reason })?;
        if let Ok(refusal) = serde_json::from_slice::<Refusal>(&body)
            && refusal.status.eq_ignore_ascii_case("error")
        {
            let reason = text::line(&refusal.reason, MAX_WORDS);
            return Err(self.refused(if reason.is_empty() { "it gives no reason" } else { &reason }));
        }
        serde_json::from_slice(&body).map_err(|_| self.refused("its answer cannot be read"))
    }

    fn refused(&self, reason: &str) -> AddressError {
        AddressError::Refused { host: self.host.clone(), reason: reason.to_owned() }
    }
}

/// The body, whatever the status: services say no with 200 and with 404.
async fn read(client: &Client, url: Url) -> Result<Vec<u8>, String> {
    let words = |error: reqwest::Error| error.without_url().to_string();
    let answer = client.get(url).send().await.map_err(words)?;
    let status = answer.status();
    let body = net::body(answer, MAX_BYTES).await.map_err(words)?.ok_or_else(|| format!("more than {MAX_BYTES} bytes"))?;
    if status.is_success() || body.first() == Some(&b'{') { Ok(body) } else { Err(format!("HTTP {}", status.as_u16())) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use super::*;

    #[test]
    fn an_address_is_a_name_at_a_host() {
        let address: LightningAddress = " Me.Too+x@Pay.Example ".parse().unwrap();
        assert_eq!(address.to_string(), "me.too+x@pay.example");
        for bad in ["", "me", "@pay.example", "me@", "me@a b", "a/b@pay.example", "me@pay.example/x", "me@you@pay.example", "lnbc1x"] {
            assert!(bad.parse::<LightningAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_lnurl_is_a_web_address_in_letters() {
        let url = "https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df";
        // The example of LUD-01.
        let letters = "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS";
        for text in [letters, &letters.to_lowercase()] {
            let service: Service = text.parse().unwrap();
            assert_eq!((service.host.as_str(), service.url.as_str()), ("service.com", url));
        }
        let service: Service = "lnurlp://pay.example/me?x=1".parse().unwrap();
        assert_eq!(service.url.as_str(), "https://pay.example/me?x=1");
        for bad in ["", "lnurl1", &letters[..80], &letters.replace('Q', "P"), "lnbc1x", "lnurlp://", "https://pay.example"] {
            assert!(bad.parse::<Service>().is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_host_inside_is_not_asked() {
        let client = net::http_client().unwrap();
        for inner in ["me@127.0.0.1:1", "me@printer", "me@10.0.0.1", "me@nas.local"] {
            let address: LightningAddress = inner.parse().unwrap();
            let asked = address.invoice(&client, MilliSats(1_000), Reach::Public).await;
            assert!(matches!(asked, Err(AddressError::Inner(_))), "{inner}: {asked:?}");
        }
    }
}
