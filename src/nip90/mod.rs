//! NIP-90 on the wire: Nostr events in, domain values out, and back. No sockets, no files, no clock.
//!
//! The wire types are ours. NIP-90 is marked unrecommended upstream, the Rust SDK has dropped its types for it, and
//! what clients really send is wider than any one library reads: two spellings of half the parameters, tags of two to
//! five elements, three ways to hide a message. So this room **reads tolerantly and writes strictly**: a reader takes
//! every dialect seen in the field (each one is a file in `tests/fixtures/nip90`), a writer produces the plainest form
//! that all of them understand.
//!
//! The seam for a successor protocol is this module's boundary. The rest of the program knows [`JobRequest`],
//! [`Feedback`](feedback::Feedback), [`JobResult`](result::JobResult) and [`Ad`](ad::Ad), never a tag; a second dialect
//! is a room beside this one that fills the same values. There is no trait until there are two of them.
//!
//! Nothing here checks a signature: what arrives was verified by the relay room, before it is decrypted here.
//!
//! [`JobRequest`]: crate::domain::request::JobRequest

use std::ops::RangeInclusive;

pub mod ad;
pub mod amount;
pub mod cancel;
pub mod draft;
pub mod envelope;
pub mod feedback;
pub mod request;
pub mod result;
pub mod text;
mod wire;

#[cfg(test)]
mod tests;

pub use wire::{about, job_id, pubkey, public_key, read_key};

/// Kinds reserved for job requests.
pub const REQUESTS: RangeInclusive<u16> = 5000..=5999;
/// Kinds reserved for job results.
pub const RESULTS: RangeInclusive<u16> = 6000..=6999;
/// Job feedback: an offer, progress, a part of the answer, a refusal.
pub const FEEDBACK: u16 = 7000;
/// A handler's advertisement (NIP-89).
pub const AD: u16 = 31990;
/// A deletion (NIP-09): how a buyer cancels and how an ad is taken back.
pub const DELETION: u16 = 5;

/// A kind of job this program can do with a text model.
#[derive(Debug, Clone, Copy)]
pub struct KindSpec {
    pub kind: u16,
    /// What people call it.
    pub name: &'static str,
    /// Instructions put before the buyer's text; `None` hands the text over as it is.
    pub system: Option<&'static str>,
}

/// Every kind of job we can serve. Another text kind is another row; images (5100) are never answered with text.
pub const KINDS: &[KindSpec] = &[KindSpec { kind: 5050, name: "text generation", system: None }];

/// The row of `kind`, if we can serve it.
pub fn kind_spec(kind: u16) -> Option<&'static KindSpec> {
    KINDS.iter().find(|spec| spec.kind == kind)
}

/// The kind of the answer to a request of `kind`.
pub const fn result_kind(kind: u16) -> u16 {
    kind.saturating_add(1000)
}
