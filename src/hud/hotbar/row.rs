//! Which pane is in which slot, as a row to be rearranged.

use bevy::prelude::*;

use crate::hud::pane::{Berth, PANES, PaneKind, SLOTS};
use crate::hud::saved::Layout;

/// The panes in the slots, from left to right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row(pub [Option<Entity>; SLOTS]);

impl Row {
    /// As at the first start.
    pub fn at_first(pane: impl Fn(PaneKind) -> Option<Entity>) -> Self {
        Self::kept(&Layout::default(), pane)
    }

    /// As it was kept. A pane that the file does not know is new: it gets its own slot, or another that is free. What the
    /// file says twice, or of slots that do not exist, counts once and not at all.
    pub fn kept(layout: &Layout, pane: impl Fn(PaneKind) -> Option<Entity>) -> Self {
        let mut row = Self::default();
        for saved in &layout.slots {
            let pane = pane(saved.pane).filter(|_| matches!(saved.pane.spec().berth, Berth::Slot(_)));
            if let (Some(place), Some(pane)) = (usize::from(saved.slot).checked_sub(1).and_then(|index| row.free(index)), pane)
                && !row.0.contains(&Some(pane))
                && let Some(slot) = row.0.get_mut(place)
            {
                *slot = Some(pane);
            }
        }
        for spec in &PANES {
            let is_known = layout.panes.iter().any(|saved| saved.kind == spec.kind);
            if let (Berth::Slot(index), false, Some(pane)) = (spec.berth, is_known, pane(spec.kind))
                && !row.0.contains(&Some(pane))
            {
                row.take_in(index, pane);
            }
        }
        row
    }

    /// Two slots change places.
    pub fn swap(&mut self, one: usize, other: usize) {
        if one < SLOTS && other < SLOTS {
            self.0.swap(one, other);
        }
    }

    /// Puts a pane, or none, into a slot. What was in it goes where the pane came from; if it came from nowhere, into a free
    /// slot, so that it can still be reached.
    pub fn assign(&mut self, index: usize, pane: Option<Entity>) {
        let from = pane.and_then(|pane| self.0.iter().position(|held| *held == Some(pane)));
        match (from, self.0.get_mut(index)) {
            (Some(from), Some(_)) => self.swap(from, index),
            (None, Some(slot)) => {
                let before = std::mem::replace(slot, pane);
                if let (Some(before), Some(_)) = (before, pane) {
                    self.take_in(index, before);
                }
            }
            (_, None) => {}
        }
    }

    /// This slot if it is there and free.
    fn free(&self, index: usize) -> Option<usize> {
        self.0.get(index)?.is_none().then_some(index)
    }

    /// Into this slot if it is free, otherwise into the first that is.
    fn take_in(&mut self, index: usize, pane: Entity) {
        let place = self.free(index).or_else(|| self.0.iter().position(Option::is_none));
        if let Some(slot) = place.and_then(|place| self.0.get_mut(place)) {
            *slot = Some(pane);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;
    use crate::hud::pane::form::Kept;
    use crate::hud::saved::{SavedPane, SavedSlot, Standing};

    fn entity(number: u32) -> Entity {
        Entity::from_raw_u32(number).unwrap()
    }

    /// The entities of the panes in a test: by their row in the registry.
    fn pane(kind: PaneKind) -> Option<Entity> {
        let at = PANES.iter().position(|spec| spec.kind == kind)?;
        Some(entity(u32::try_from(at).unwrap() + 1))
    }

    fn slot(slot: u8, pane: PaneKind) -> SavedSlot {
        SavedSlot { slot, pane }
    }

    fn known(kind: PaneKind) -> SavedPane {
        SavedPane { kind, standing: Standing::Closed, place: None, clear: false, tile: None, scroll: 0, job: None, form: Kept::new() }
    }

    #[test]
    fn at_first_each_pane_is_in_its_own_slot() {
        let row = Row::at_first(pane);
        for spec in &PANES {
            match spec.berth {
                Berth::Slot(index) => assert_eq!(row.0[index], pane(spec.kind)),
                Berth::From(_) => assert!(!row.0.contains(&pane(spec.kind))),
            }
        }
    }

    #[test]
    fn a_kept_row_comes_back_and_a_pane_that_is_new_finds_a_slot() {
        let slots = vec![slot(1, PaneKind::Wallet), slot(9, PaneKind::SellCompute)];
        let panes = PANES.iter().map(|spec| spec.kind).filter(|kind| *kind != PaneKind::Settings).map(known).collect();
        let row = Row::kept(&Layout { slots, panes, ..Layout::default() }, pane);
        assert_eq!((row.0[0], row.0[8]), (pane(PaneKind::Wallet), pane(PaneKind::SellCompute)));
        assert_eq!(row.0[1], pane(PaneKind::Settings), "its own is taken");
        assert_eq!(row.0.iter().flatten().count(), 3, "what was in no slot stays in none");
    }

    #[test]
    fn an_absurd_row_is_taken_as_far_as_it_makes_sense() {
        let slots = vec![
            slot(0, PaneKind::Wallet),
            slot(200, PaneKind::Wallet),
            slot(3, PaneKind::Wallet),
            slot(3, PaneKind::Pylon),
            slot(4, PaneKind::Wallet),
            slot(5, PaneKind::JobDetail),
        ];
        let panes = PANES.iter().map(|spec| known(spec.kind)).collect();
        let row = Row::kept(&Layout { slots, panes, ..Layout::default() }, pane);
        assert_eq!(row.0.iter().flatten().count(), 1);
        assert_eq!(row.0[2], pane(PaneKind::Wallet));
    }

    #[test]
    fn a_pane_is_in_one_slot_at_most_and_what_it_replaces_is_not_lost() {
        let mut row = Row::at_first(pane);
        let before = row;
        row.assign(0, before.0[1]);
        assert_eq!((row.0[0], row.0[1]), (before.0[1], before.0[0]));
        row.assign(0, None);
        assert_eq!(row.0[0], None);
        row.assign(1, before.0[1]);
        assert_eq!(row.0[1], before.0[1], "from nowhere");
        assert_eq!(row.0[0], before.0[0], "into a free slot");
        row.assign(99, before.0[1]);
        row.swap(0, 99);
        assert_eq!(row.0[1], before.0[1]);
    }
}
