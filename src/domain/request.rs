//! What a buyer asks for, once the wire format is behind us.

use serde::{Deserialize, Serialize};

use super::ids::{JobId, Pubkey};
use super::money::MilliSats;
use super::time::UnixMs;

/// How the request was encrypted, and so how the answer must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Readable by every relay.
    #[default]
    Plain,
    /// NIP-04, still sent by older clients.
    Nip04,
    /// NIP-44 version 2.
    Nip44,
}

/// What an `i` tag says its data is (NIP-90).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    /// The data itself.
    Text,
    /// The data itself, as kind 5050's own example spells it.
    Prompt,
    /// The id of an event to read.
    Event,
    /// The id of a job whose output to read.
    Job,
    /// An address to fetch. We never do: a stranger's address fetched from here reaches our own network.
    Url,
}

/// One `i` tag, in the order it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    pub data: String,
    pub kind: InputKind,
    /// Where an event or job may be found.
    pub relay: Option<String>,
    /// What the buyer calls this input.
    pub marker: Option<String>,
}

/// Sampling options a buyer named. An option left out is the backend's to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// Tokens the answer may have at most.
    pub max_tokens: Option<u32>,
    pub temperature: Option<f64>,
    pub top_k: Option<u32>,
    pub top_p: Option<f64>,
    pub frequency_penalty: Option<f64>,
    pub seed: Option<i64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
}

/// Whether the request names us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// No `p` tag: any provider may answer.
    Open,
    /// A `p` tag with our key stands in it.
    Targeted,
}

/// A NIP-90 job request: parsed, verified and, where it was encrypted, decrypted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRequest {
    pub id: JobId,
    pub buyer: Pubkey,
    /// The event's kind, 5000-5999.
    pub kind: u16,
    /// The buyer's clock, in whole seconds.
    pub created_at: UnixMs,
    pub inputs: Vec<Input>,
    pub sampling: Sampling,
    /// The model the buyer wants, if any.
    pub model: Option<String>,
    /// The MIME type the buyer expects.
    pub output: Option<String>,
    /// The most the buyer would pay.
    pub bid: Option<MilliSats>,
    /// Relays the buyer wants the answer on. Untrusted: filtered before use.
    pub relays: Vec<String>,
    pub address: Address,
    pub scheme: Scheme,
    /// When the request stops being one (NIP-40).
    pub expires_at: Option<UnixMs>,
}
