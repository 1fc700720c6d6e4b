//! The table of keys: the single source for validation, `pylon config list` and help.

use super::value::Kind;

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applies {
    AtOnce,
    NextGoOnline,
    NextStart,
}

impl std::fmt::Display for Applies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AtOnce => "at once",
            Self::NextGoOnline => "at the next Go Online",
            Self::NextStart => "at the next start",
        })
    }
}

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Its path, such as `provider.min_price`.
    pub name: &'static str,
    pub kind: Kind,
    pub applies: Applies,
    pub help: &'static str,
}

/// The row of a key.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

const fn key(name: &'static str, kind: Kind, applies: Applies, help: &'static str) -> Key {
    Key { name, kind, applies, help }
}

const SECS: Kind = Kind::Integer { min: 1, max: 86_400 };
const MSATS: Kind = Kind::Integer { min: 0, max: 2_100_000_000_000_000_000 };
const SATS: Kind = Kind::Integer { min: 0, max: 2_100_000_000_000_000 };

use Applies::{AtOnce, NextGoOnline, NextStart};

/// Every key there is. A test asserts that `default.toml` and [`super::Config`] have the same.
pub const KEYS: &[Key] = &[
    key("node.mode", Kind::Choice(&["in-process", "daemon", "attached"]), NextStart, "Where the window's node runs."),
    key("node.auto_online", Kind::Bool, NextStart, "Take jobs as soon as the node has started."),
    key("node.name", Kind::Text { max: 64 }, AtOnce, "The name in the ad."),
    key("node.about", Kind::Text { max: 512 }, AtOnce, "What the ad says about this provider."),
    key("relays.urls", Kind::Relays, AtOnce, "Where jobs are taken from."),
    key("relays.publish_list", Kind::Bool, AtOnce, "Publish the list of relays, so that others find this node (NIP-65)."),
    key("relays.max_event_bytes", Kind::Integer { min: 1024, max: 1_048_576 }, AtOnce, "Larger events are dropped unread and never sent."),
    key("backends.ollama.url", Kind::HttpUrl, AtOnce, "Where Ollama is; OLLAMA_HOST wins over the default."),
    key("backends.openai", Kind::Servers, AtOnce, "More model servers, speaking OpenAI's protocol."),
    key("backends.probe_secs", Kind::Integer { min: 2, max: 300 }, AtOnce, "Seconds between two looks at each model server."),
    key("provider.kinds", Kind::JobKinds, NextGoOnline, "Kinds of jobs served."),
    key("provider.default_model", Kind::Text { max: 200 }, AtOnce, "The model for jobs that name none; empty: the first that is ready."),
    key("provider.models", Kind::Models, AtOnce, "Per model: enabled, in_rate, out_rate."),
    key("provider.policy", Kind::Choice(&["pay-first", "result-first", "free"]), NextGoOnline, "When a job is paid."),
    key("provider.accept", Kind::Choice(&["open", "targeted"]), NextGoOnline, "Any request, or only ones that name this provider."),
    key("provider.min_price", MSATS, AtOnce, "The least a job costs, in msats."),
    key("provider.in_rate", MSATS, AtOnce, "Msats for 1,000 tokens of prompt."),
    key("provider.out_rate", MSATS, AtOnce, "Msats for 1,000 tokens of answer."),
    key("provider.quote_secs", Kind::Integer { min: 60, max: 300 }, AtOnce, "Seconds an invoice waits."),
    key("provider.max_in_flight", Kind::Integer { min: 1, max: 64 }, AtOnce, "Jobs on the model at the same time."),
    key("provider.max_queue", Kind::Integer { min: 0, max: 1000 }, AtOnce, "Jobs that may wait."),
    key("provider.max_open_quotes", Kind::Integer { min: 1, max: 10_000 }, AtOnce, "Unpaid invoices in all."),
    key("provider.per_buyer_open_quotes", Kind::Integer { min: 1, max: 1000 }, AtOnce, "Unpaid invoices per buyer."),
    key("provider.per_buyer_per_hour", Kind::Integer { min: 0, max: 100_000 }, AtOnce, "Requests one buyer may send an hour; 0: no limit."),
    key("provider.max_prompt_chars", Kind::Integer { min: 1, max: 1_000_000 }, AtOnce, "The longest prompt, in characters."),
    key("provider.max_tokens", Kind::Integer { min: 1, max: 131_072 }, AtOnce, "The longest answer, in tokens."),
    key(
        "provider.max_result_bytes",
        Kind::Integer { min: 256, max: 1_000_000 },
        AtOnce,
        "The longest answer, in bytes; longer ones are cut and marked.",
    ),
    key("provider.max_age_secs", SECS, AtOnce, "Seconds a request may be old."),
    key("provider.max_future_secs", Kind::Integer { min: 0, max: 3600 }, AtOnce, "Seconds a request may be ahead of our clock."),
    key("provider.job_timeout_secs", Kind::Integer { min: 5, max: 86_400 }, AtOnce, "Seconds a job may take."),
    key("provider.stall_secs", Kind::Integer { min: 1, max: 3600 }, AtOnce, "Seconds a model may be silent once it has begun."),
    key("provider.partials", Kind::Bool, AtOnce, "Send the answer in pieces while it grows."),
    key("provider.block", Kind::Pubkeys, AtOnce, "Keys never served."),
    key("provider.allow", Kind::Pubkeys, AtOnce, "The only keys served; empty: all."),
    key("provider.store_text", Kind::Bool, AtOnce, "false: no prompt and no answer is ever written to disk."),
    key("wallet.kind", Kind::Choice(&["none", "spark", "nwc"]), NextStart, "Which wallet is paid into."),
    key("wallet.network", Kind::Choice(&["regtest", "mainnet"]), NextStart, "Play money or real money."),
    key("wallet.api_key_env", Kind::Text { max: 100 }, NextStart, "The environment variable that holds the API key."),
    key("wallet.spark_library", Kind::Text { max: 4096 }, NextStart, "The Spark library's file; empty: the usual places."),
    key("wallet.mnemonic", Kind::Choice(&["identity", "separate"]), NextStart, "Whose words the wallet is made from."),
    key("limits.per_payment_sats", SATS, AtOnce, "The most one payment may be."),
    key("limits.per_request_sats", SATS, AtOnce, "The most one request may cost."),
    key("limits.per_day_sats", SATS, AtOnce, "The most a day may cost."),
    key("limits.per_provider_day_sats", SATS, AtOnce, "The most one provider may be paid a day."),
    key("limits.fee_percent", Kind::Integer { min: 0, max: 100 }, AtOnce, "The highest fee, as a share of the amount."),
    key("limits.fee_floor_sats", SATS, AtOnce, "A fee up to this is always allowed."),
    key("limits.pin_above_sats", SATS, AtOnce, "Once there is a spending PIN, amounts above this ask for it."),
    key("limits.lock_at_start", Kind::Bool, NextStart, "Spending is locked whenever the node starts, until the PIN opens it."),
    key("buyer.auto_pay", Kind::Choice(&["ask", "cheapest", "first"]), AtOnce, "How an offer is chosen."),
    key("buyer.offer_window_secs", Kind::Integer { min: 1, max: 300 }, AtOnce, "Seconds offers are collected."),
    key("buyer.timeout_secs", Kind::Integer { min: 5, max: 86_400 }, AtOnce, "Seconds an answer is waited for."),
    key("buyer.identity", Kind::Choice(&["fresh", "own"]), AtOnce, "Whose key a request is signed with."),
    key("costs.watts", Kind::Integer { min: 0, max: 100_000 }, AtOnce, "Watts drawn while a model runs; 0: not known."),
    key("costs.sats_per_kwh", Kind::Integer { min: 0, max: 10_000_000 }, AtOnce, "Sats a kilowatt-hour costs; 0: not known."),
    key("ledger.keep_text_days", Kind::Integer { min: 1, max: 36_500 }, AtOnce, "Days prompts and answers are kept."),
    key("log.level", Kind::Choice(&["error", "warn", "info", "debug", "trace"]), AtOnce, "How much is logged."),
    key("log.keep_mb", Kind::Integer { min: 1, max: 10_000 }, AtOnce, "Megabytes of log files kept."),
];
