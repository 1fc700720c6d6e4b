//! Tags as rows of strings, which is all they are on the wire.

use nostr::{Event, EventBuilder, Kind, PublicKey, Tag, TagKind, Timestamp};

use crate::domain::ids::{JobId, Pubkey};
use crate::domain::time::UnixMs;

/// One tag.
pub(super) type Row<'a> = &'a [String];

/// An event's id as the job it starts.
pub fn job_id(event: &Event) -> JobId {
    JobId(event.id.to_bytes())
}

/// The crate's key as ours.
pub fn pubkey(key: &PublicKey) -> Pubkey {
    Pubkey(key.to_bytes())
}

/// A public key as people write it: npub (NIP-19) or hexadecimal.
pub fn read_key(text: &str) -> Option<Pubkey> {
    PublicKey::parse(text.trim()).ok().map(|key| pubkey(&key))
}

/// Our key as the crate's. Whether it is a point on the curve shows when it is used.
pub fn public_key(key: &Pubkey) -> PublicKey {
    PublicKey::from_byte_array(key.0)
}

pub(super) fn created_at(event: &Event) -> UnixMs {
    UnixMs::from_secs(event.created_at.as_secs())
}

pub(super) fn rows(event: &Event) -> Vec<Row<'_>> {
    event.tags.iter().map(Tag::as_slice).collect()
}

/// The rows that start with `name`, in order.
pub(super) fn named<'r, 'a: 'r>(rows: &'r [Row<'a>], name: &'static str) -> impl Iterator<Item = Row<'a>> + 'r {
    rows.iter().copied().filter(move |row| row.first().is_some_and(|first| first == name))
}

/// Element `index` of a row without the space around it; `None` when missing or blank.
pub(super) fn field(row: Row<'_>, index: usize) -> Option<&str> {
    row.get(index).map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// The second element of the first row named so that has one.
pub(super) fn first<'a>(rows: &[Row<'a>], name: &'static str) -> Option<&'a str> {
    named(rows, name).find_map(|row| field(row, 1))
}

/// The job an answer is about: the `e` tag marked `job` (NDK), else the first one that is an id.
pub(super) fn answered_job(rows: &[Row<'_>]) -> Option<JobId> {
    let id = |row| field(row, 1).and_then(|text| text.parse().ok());
    named(rows, "e").filter(|row| field(row, 3) == Some("job")).find_map(id).or_else(|| named(rows, "e").find_map(id))
}

/// The job an answer or feedback is about, by its tags in the clear.
pub fn about(event: &Event) -> Option<JobId> {
    answered_job(&rows(event))
}

/// When the event ends (NIP-40); `None` when it says nothing legible.
pub(super) fn expires_at(rows: &[Row<'_>]) -> Option<UnixMs> {
    first(rows, "expiration")?.parse().ok().map(UnixMs::from_secs)
}

pub(super) fn tag<V: Into<String>>(name: &'static str, values: impl IntoIterator<Item = V>) -> Tag {
    Tag::custom(TagKind::custom(name), values)
}

pub(super) fn expiration(at: UnixMs) -> Tag {
    tag("expiration", [at.as_secs().to_string()])
}

/// An `e` tag, with the relay the event is known to be on.
pub(super) fn e_tag(id: &JobId, relay: Option<&str>) -> Tag {
    tag("e", std::iter::once(id.to_string()).chain(relay.map(str::to_owned)))
}

/// An event to sign. A node's test job is addressed to itself, so self-tagging is allowed.
pub(super) fn builder(kind: u16, content: impl Into<String>, tags: Vec<Tag>, created_at: UnixMs) -> EventBuilder {
    EventBuilder::new(Kind::from_u16(kind), content)
        .tags(tags)
        .custom_created_at(Timestamp::from_secs(created_at.as_secs()))
        .allow_self_tagging()
}
