//! What a setting may be: reading it from text, and checking it.

use toml::Value;

/// The type and range of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Integer {
        min: i64,
        max: i64,
    },
    /// At most this many characters, in one line.
    Text {
        max: usize,
    },
    Choice(&'static [&'static str]),
    HttpUrl,
    /// 1 to 20 relay addresses, none twice.
    Relays,
    /// Public keys as npub or hexadecimal.
    Pubkeys,
    /// Kinds of jobs this program can do.
    JobKinds,
    /// OpenAI-compatible servers.
    Servers,
    /// Settings per model.
    Models,
}

impl Kind {
    /// What is expected, as it stands in an error.
    pub fn expected(self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Text { max } => format!("one line of text, at most {max} characters"),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::HttpUrl => "an address that begins with http:// or https://".into(),
            Self::Relays => "1 to 20 different relay addresses that begin with wss:// (or ws://, which is not encrypted)".into(),
            Self::Pubkeys => "a list of public keys, each an npub or 64 hexadecimal digits".into(),
            Self::JobKinds => {
                let kinds: Vec<String> = crate::nip90::KINDS.iter().map(|spec| spec.kind.to_string()).collect();
                format!("a list of job kinds out of {}", kinds.join(", "))
            }
            Self::Servers => "a list of { name, url, api_key_env } with different names".into(),
            Self::Models => "a table of models, each with enabled, in_rate or out_rate".into(),
        }
    }

    /// Reads a setting from one text, as a command line or a variable gives it. Words need no quotes and lists may be
    /// parted by commas.
    pub fn parse(self, text: &str) -> Option<Value> {
        let as_toml = || toml::from_str::<toml::Table>(&format!("value = {text}")).ok()?.remove("value");
        match self {
            Self::Text { .. } | Self::Choice(_) | Self::HttpUrl => {
                let quoted = text.starts_with(['"', '\'']).then(as_toml).flatten();
                Some(quoted.unwrap_or_else(|| Value::String(text.to_owned())))
            }
            Self::Relays | Self::Pubkeys | Self::JobKinds if !text.trim_start().starts_with('[') => {
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                let value = |word: &str| word.parse().map_or_else(|_| Value::String(word.to_owned()), Value::Integer);
                Some(Value::Array(
                    words.map(if self == Self::JobKinds { value } else { |word: &str| Value::String(word.to_owned()) }).collect(),
                ))
            }
            Self::Bool | Self::Integer { .. } | Self::Relays | Self::Pubkeys | Self::JobKinds | Self::Servers | Self::Models => as_toml(),
        }
    }

    /// Whether a value is one.
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Bool => value.is_bool(),
            Self::Integer { min, max } => value.as_integer().is_some_and(|number| (min..=max).contains(&number)),
            Self::Text { max } => value.as_str().is_some_and(|text| text.chars().count() <= max && !text.contains(char::is_control)),
            Self::Choice(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::HttpUrl => value.as_str().is_some_and(is_http),
            Self::Relays => all(value, 1..=20, |item| item.as_str().is_some_and(is_relay)) && distinct_relays(value),
            Self::Pubkeys => all(value, 0..=10_000, |item| item.as_str().and_then(crate::nip90::read_key).is_some()),
            Self::JobKinds => all(value, 1..=64, |item| job_kind(item).is_some()),
            Self::Servers => all(value, 0..=32, is_server) && distinct_names(value),
            Self::Models => value.as_table().is_some_and(|models| models.values().all(is_model)),
        }
    }
}

fn all(value: &Value, count: std::ops::RangeInclusive<usize>, check: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| count.contains(&items.len()) && items.iter().all(check))
}

fn is_http(text: &str) -> bool {
    nostr::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
}

fn is_relay(text: &str) -> bool {
    nostr::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "wss" | "ws") && url.host_str().is_some())
}

/// The same relay may be written in several ways.
fn distinct_relays(value: &Value) -> bool {
    let urls: Vec<_> = value.as_array().into_iter().flatten().filter_map(|item| nostr::Url::parse(item.as_str()?).ok()).collect();
    urls.iter().enumerate().all(|(at, url)| !urls.iter().skip(at + 1).any(|other| other == url))
}

/// A kind of job this program can do.
pub fn job_kind(value: &Value) -> Option<u16> {
    let kind = u16::try_from(value.as_integer()?).ok()?;
    crate::nip90::kind_spec(kind).map(|spec| spec.kind)
}

fn is_server(value: &Value) -> bool {
    let Some(server) = value.as_table() else { return false };
    let text = |name: &str| server.get(name).and_then(Value::as_str);
    let named = text("name").is_some_and(|name| !name.is_empty() && name.len() <= 64 && name != "ollama");
    let known = server.keys().all(|key| ["name", "url", "api_key_env"].contains(&key.as_str()));
    named && known && text("url").is_some_and(is_http) && server.get("api_key_env").is_none_or(Value::is_str)
}

fn distinct_names(value: &Value) -> bool {
    let names: Vec<_> = value.as_array().into_iter().flatten().filter_map(|server| server.get("name")?.as_str()).collect();
    names.iter().enumerate().all(|(at, name)| !names.iter().skip(at + 1).any(|other| other == name))
}

fn is_model(value: &Value) -> bool {
    let rate = Kind::Integer { min: 0, max: 2_100_000_000_000_000_000 };
    value.as_table().is_some_and(|model| {
        model.iter().all(|(name, value)| match name.as_str() {
            "enabled" => value.is_bool(),
            "in_rate" | "out_rate" => rate.accepts(value),
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(kind: Kind, text: &str) -> bool {
        kind.parse(text).is_some_and(|value| kind.accepts(&value))
    }

    #[test]
    fn words_numbers_and_lists_are_read_as_people_write_them() {
        assert!(takes(Kind::Choice(&["free"]), "free") && takes(Kind::Choice(&["free"]), "\"free\""));
        assert!(takes(Kind::Integer { min: 0, max: 9 }, "9") && !takes(Kind::Integer { min: 0, max: 9 }, "10"));
        assert!(!takes(Kind::Integer { min: 0, max: 9 }, "nine") && !takes(Kind::Bool, "yes"));
        assert!(takes(Kind::Relays, "wss://a.example, wss://b.example") && takes(Kind::Relays, "[\"wss://a.example\"]"));
        assert!(takes(Kind::JobKinds, "5050") && !takes(Kind::JobKinds, "5100"));
    }

    #[test]
    fn a_relay_is_a_websocket_somewhere() {
        for good in ["ws://127.0.0.1:7777", "ws://localhost:1", "ws://[::1]:1", "wss://10.0.0.1", "ws://relay.example"] {
            assert!(is_relay(good), "{good}");
        }
        for bad in ["https://relay.example", "relay.example", "wss://"] {
            assert!(!is_relay(bad), "{bad}");
        }
    }

    #[test]
    fn servers_need_a_name_of_their_own() {
        let one = r#"{ name = "a", url = "http://h:1" }"#;
        assert!(takes(Kind::Servers, &format!("[{one}]")) && takes(Kind::Servers, "[]"));
        assert!(!takes(Kind::Servers, &format!("[{one}, {one}]")));
        assert!(!takes(Kind::Servers, r#"[{ name = "ollama", url = "http://h:1" }]"#));
        assert!(!takes(Kind::Servers, r#"[{ name = "a", url = "h:1" }]"#));
    }
}
