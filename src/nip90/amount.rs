//! The `amount` tag: what a provider asks, and the invoice that pays it.

use nostr::Tag;
use serde::{Deserialize, Serialize};

use super::wire::{self, Row};
use crate::domain::money::MilliSats;

/// An `amount` tag. The number is the provider's claim; only the decoded invoice says what paying it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub msats: MilliSats,
    /// The BOLT11 text as it stood, unchecked.
    pub invoice: Option<String>,
}

impl Amount {
    pub(super) fn tag(&self) -> Tag {
        wire::tag("amount", std::iter::once(self.msats.0.to_string()).chain(self.invoice.clone()))
    }

    /// The `amount` that has an invoice, else the first legible one: some providers repeat the tag without it.
    pub(super) fn read(rows: &[Row<'_>]) -> Option<Self> {
        let mut amounts = wire::named(rows, "amount").filter_map(Self::read_row);
        let first = amounts.next()?;
        if first.invoice.is_some() {
            return Some(first);
        }
        Some(amounts.find(|amount| amount.invoice.is_some()).unwrap_or(first))
    }

    fn read_row(row: Row<'_>) -> Option<Self> {
        let msats = MilliSats(wire::field(row, 1)?.parse().ok()?);
        let invoice = wire::field(row, 2).map(|text| text.strip_prefix("lightning:").unwrap_or(text).to_owned());
        Some(Self { msats, invoice })
    }
}
