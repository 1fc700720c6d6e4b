//! The newest part of the ledger, live.

use std::cmp::Reverse;
use std::collections::VecDeque;

use bevy::prelude::*;

use super::Reduce;
use crate::domain::ids::JobId;
use crate::domain::time::UnixMs;
use crate::hud::bridge::FromNode;
use crate::node::{NodeCommand, NodeEvent};
use crate::store::{JobRow, PageKey, Stats};

/// Rows kept. Older ones are in the ledger, one page away.
pub const KEPT: usize = 2000;

/// The ledger's newest rows and its totals.
#[derive(Resource, Debug, Clone, Default)]
pub struct History {
    /// Newest first.
    pub rows: VecDeque<JobRow>,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<PageKey>,
    pub stats: Option<Stats>,
    /// The totals are older than the rows.
    stats_stale: bool,
    /// The day they are of, in UTC.
    stats_day: Option<UnixMs>,
    /// The ledger has told its newest jobs.
    pub is_known: bool,
    /// Why the jobs could not be read, and why the totals could not: each until it goes well.
    rows_trouble: Option<String>,
    stats_trouble: Option<String>,
}

type Key = Reverse<(UnixMs, JobId)>;

fn key(row: &JobRow) -> Key {
    Reverse((row.seen_at, row.id))
}

impl History {
    /// Why the ledger could not be read.
    pub fn trouble(&self) -> Option<&str> {
        self.rows_trouble.as_deref().or(self.stats_trouble.as_deref())
    }

    /// Whether the totals are older than the rows, or their "today" is over.
    pub fn is_stale(&self, now: UnixMs) -> bool {
        self.stats_stale || self.stats_day.is_some_and(|day| day != now.day_start())
    }

    fn put(&mut self, row: &JobRow) {
        match self.rows.binary_search_by_key(&key(row), key) {
            Ok(at) => {
                if let Some(known) = self.rows.get_mut(at) {
                    *known = row.clone();
                }
            }
            // Behind the last row: it belongs to a page that is not here, unless this is the whole ledger.
            Err(at) if at == self.rows.len() && self.next.is_some() => {}
            Err(at) => self.rows.insert(at, row.clone()),
        }
        self.cut();
    }

    /// Keeps the newest; the rest is a page away again.
    fn cut(&mut self) {
        if self.rows.len() > KEPT {
            self.rows.truncate(KEPT);
            self.next = self.rows.back().map(|row| (row.seen_at, row.id));
        }
    }

    fn page(&mut self, rows: &[JobRow], next: Option<PageKey>, continues: bool) {
        if !continues {
            // What came live after the page was read stays.
            let newest = rows.first().map(key);
            self.rows.retain(|row| newest.is_none_or(|newest| key(row) < newest));
        }
        for row in rows {
            if self.rows.back().is_none_or(|last| key(last) < key(row)) {
                self.rows.push_back(row.clone());
            }
        }
        self.next = next;
        (self.is_known, self.rows_trouble) = (true, None);
    }
}

impl Reduce for History {
    fn reduce(&mut self, said: &FromNode, now: UnixMs) {
        match (&said.answers, &said.event) {
            (_, NodeEvent::JobChanged { job }) => {
                self.put(job);
                self.stats_stale = true;
            }
            (_, NodeEvent::Refused { .. }) => self.stats_stale = true,
            (Some(NodeCommand::Jobs { query }), NodeEvent::Jobs { page }) => self.page(&page.rows, page.next, query.before.is_some()),
            (_, NodeEvent::Stats { stats }) => {
                self.stats = Some(stats.as_ref().clone());
                self.stats_day = Some(now.day_start());
                self.stats_stale = false;
                self.stats_trouble = None;
            }
            (Some(NodeCommand::Jobs { .. }), NodeEvent::Failed { failure }) => self.rows_trouble = Some(failure.message.clone()),
            (Some(NodeCommand::Stats), NodeEvent::Failed { failure }) => {
                self.stats_trouble = Some(failure.message.clone());
                // Asking again at once would ask for ever; the next change of a job does, or the next day.
                self.stats_stale = false;
                self.stats_day = Some(now.day_start());
            }
            _ => {}
        }
    }
}
