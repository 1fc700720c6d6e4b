//! What the practice relay keeps: the last events, with those that answer another one found by that one's id. The library's
//! own memory looks through everything it holds for each such question, and every buyer asks one for every job.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use nostr::filter::MatchEventOptions;
use nostr::util::BoxedFuture;
use nostr::{Alphabet, Event, EventId, Filter, SingleLetterTag};
use nostr_relay_builder::prelude::{
    Backend, DatabaseError, DatabaseEventStatus, Events, MemoryDatabase, MemoryDatabaseOptions, NostrDatabase, SaveEventStatus,
};

/// Events kept: those of some thousand jobs.
const KEPT: usize = 20_000;
/// The tag of the event that is answered.
const E: SingleLetterTag = SingleLetterTag::lowercase(Alphabet::E);

/// Events in memory, the oldest forgotten first.
#[derive(Debug)]
pub struct Shelf {
    events: MemoryDatabase,
    answers: Mutex<Answers>,
}

/// Which events answer which.
#[derive(Debug, Default)]
struct Answers {
    to: HashMap<EventId, Vec<EventId>>,
    /// What was noted, oldest first.
    order: VecDeque<EventId>,
}

impl Default for Shelf {
    fn default() -> Self {
        let options = MemoryDatabaseOptions { events: true, max_events: Some(KEPT) };
        Self { events: MemoryDatabase::with_opts(options), answers: Mutex::default() }
    }
}

impl Answers {
    fn note(&mut self, event: &Event) {
        for to in event.tags.event_ids() {
            self.to.entry(*to).or_default().push(event.id);
            self.order.push_back(*to);
        }
        while self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            let is_empty = self.to.get_mut(&oldest).is_none_or(|ids| {
                ids.drain(..ids.len().min(1));
                ids.is_empty()
            });
            if is_empty {
                self.to.remove(&oldest);
            }
        }
    }

    /// Events that may match; `None`: the filter does not ask for answers.
    fn candidates(&self, filter: &Filter) -> Option<Vec<EventId>> {
        let asked = filter.generic_tags.get(&E)?;
        let ids = asked.iter().filter_map(|id| EventId::from_hex(id).ok());
        Some(ids.filter_map(|id| self.to.get(&id)).flatten().copied().collect())
    }
}

impl Shelf {
    fn candidates(&self, filter: &Filter) -> Option<Vec<EventId>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).candidates(filter)
    }
}

impl NostrDatabase for Shelf {
    fn backend(&self) -> Backend {
        Backend::Memory
    }

    fn save_event<'a>(&'a self, event: &'a Event) -> BoxedFuture<'a, Result<SaveEventStatus, DatabaseError>> {
        Box::pin(async move {
            let status = self.events.save_event(event).await?;
            if status.is_success() {
                self.answers.lock().unwrap_or_else(PoisonError::into_inner).note(event);
            }
            Ok(status)
        })
    }

    fn check_id<'a>(&'a self, id: &'a EventId) -> BoxedFuture<'a, Result<DatabaseEventStatus, DatabaseError>> {
        self.events.check_id(id)
    }

    fn event_by_id<'a>(&'a self, id: &'a EventId) -> BoxedFuture<'a, Result<Option<Event>, DatabaseError>> {
        self.events.event_by_id(id)
    }

    fn count(&self, filter: Filter) -> BoxedFuture<'_, Result<usize, DatabaseError>> {
        Box::pin(async move { Ok(self.query(filter).await?.len()) })
    }

    fn query(&self, filter: Filter) -> BoxedFuture<'_, Result<Events, DatabaseError>> {
        Box::pin(async move {
            let Some(ids) = self.candidates(&filter) else { return self.events.query(filter).await };
            let mut found = Events::new(&filter);
            for id in ids {
                // One that is forgotten or deleted meanwhile is none.
                if let Some(event) = self.events.event_by_id(&id).await?
                    && filter.match_event(&event, MatchEventOptions::new())
                {
                    found.insert(event);
                }
            }
            Ok(found)
        })
    }

    fn delete(&self, filter: Filter) -> BoxedFuture<'_, Result<(), DatabaseError>> {
        self.events.delete(filter)
    }

    fn wipe(&self) -> BoxedFuture<'_, Result<(), DatabaseError>> {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = Answers::default();
        self.events.wipe()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use nostr::{EventBuilder, Keys, Kind, Tag, Timestamp};

    use super::*;

    fn event(keys: &Keys, kind: u16, to: Option<EventId>, at: u64) -> Event {
        let builder = EventBuilder::new(Kind::from(kind), "x").tags(to.map(Tag::event)).custom_created_at(Timestamp::from(at));
        builder.sign_with_keys(keys).unwrap()
    }

    #[tokio::test]
    async fn answers_are_found_as_the_library_would_find_them() {
        let (keys, shelf) = (Keys::generate(), Shelf::default());
        let asked: Vec<_> = (0..3).map(|at| event(&keys, 5050, None, 100 + at)).collect();
        for (number, request) in asked.iter().enumerate() {
            shelf.save_event(request).await.unwrap();
            for kind in [7000, 6050] {
                shelf.save_event(&event(&keys, kind, Some(request.id), 200 + number as u64)).await.unwrap();
            }
        }
        let about = |ids: &[Event]| Filter::new().events(ids.iter().map(|event| event.id));
        let (all, two, one) = (&asked[..], &asked[..2], &asked[..1]);
        let filters =
            [about(two), about(all).kind(Kind::from(7000)), about(all).since(Timestamp::from(202)), about(one).limit(1), Filter::new()];
        for filter in filters {
            let found = shelf.query(filter.clone()).await.unwrap();
            assert_eq!(found.to_vec(), shelf.events.query(filter.clone()).await.unwrap().to_vec(), "{filter:?}");
        }
        assert_eq!(shelf.query(about(two)).await.unwrap().len(), 4);
    }

    #[tokio::test]
    async fn what_is_noted_is_forgotten_with_the_oldest_events() {
        let mut answers = Answers::default();
        let keys = Keys::generate();
        let first = event(&keys, 7000, Some(EventId::from_byte_array([7; 32])), 1);
        answers.note(&first);
        let later = event(&keys, 7000, Some(EventId::from_byte_array([8; 32])), 2);
        for _ in 0..KEPT {
            answers.note(&later);
        }
        assert_eq!((answers.to.len(), answers.order.len()), (1, KEPT));
        assert!(!answers.to.contains_key(&EventId::from_byte_array([7; 32])));
    }
}
