//! The conversation with a relay that is tried out: what to say next, given what it said.

use nostr::event::builder::Error;
use nostr::{ClientMessage, Event, EventBuilder, EventId, Filter, Keys, Kind, RelayMessage, RelayUrl, SubscriptionId};

use super::{Answer, Login};
use crate::relay::health::clean;

/// An ephemeral kind that no protocol uses.
const KIND: Kind = Kind::Custom(25_050);
const NAME: &str = "test";
/// Notices kept.
const MAX_NOTICES: usize = 5;

/// What has been said so far.
pub struct Talk {
    keys: Keys,
    relay: RelayUrl,
    event: Event,
    asked_ms: u64,
    sent_ms: u64,
    was_sent: bool,
    login: Option<EventId>,
    told: Told,
}

/// What came of it.
pub struct Told {
    pub login: Login,
    pub reading: Answer,
    pub writing: Answer,
    pub notices: Vec<String>,
}

impl Talk {
    /// Under these keys, which are used for nothing else.
    pub fn new(keys: Keys, relay: RelayUrl) -> Result<Self, Error> {
        let event = EventBuilder::new(KIND, "A test whether this relay takes events.").sign_with_keys(&keys)?;
        let told = Told { login: Login::NotAsked, reading: Answer::Silence, writing: Answer::Silence, notices: Vec::new() };
        Ok(Self { keys, relay, event, asked_ms: 0, sent_ms: 0, was_sent: false, login: None, told })
    }

    /// The first words: a question for our own event.
    pub fn begin(&self) -> Vec<ClientMessage<'static>> {
        let filter = Filter::new().kind(KIND).author(self.keys.public_key()).since(self.event.created_at);
        vec![ClientMessage::req(SubscriptionId::new(NAME), vec![filter])]
    }

    /// Whether everything is answered. A login under way, or one that is about to be asked for, may still change it.
    pub fn is_over(&self) -> bool {
        let open = |answer: &Answer| match answer {
            Answer::Silence => true,
            Answer::Refused { words } => wants_login(words) && !matches!(self.told.login, Login::Accepted | Login::Refused { .. }),
            Answer::Taken { .. } => false,
        };
        self.told.login != Login::Unanswered && !open(&self.told.reading) && !open(&self.told.writing)
    }

    pub fn end(self) -> Told {
        self.told
    }

    /// Takes in what the relay says at `ms` after the beginning, and returns what to say to it.
    pub fn hear(&mut self, message: RelayMessage<'_>, ms: u64) -> Vec<ClientMessage<'static>> {
        match message {
            RelayMessage::EndOfStoredEvents(_) => {
                self.told.reading = Answer::Taken { ms: ms.saturating_sub(self.asked_ms) };
                self.send_event(ms)
            }
            RelayMessage::Closed { message, .. } => {
                self.told.reading = Answer::Refused { words: clean(&message) };
                self.send_event(ms)
            }
            RelayMessage::Event { event, .. } => {
                if event.id == self.event.id {
                    self.taken(ms);
                }
                Vec::new()
            }
            RelayMessage::Ok { event_id, status, message } if event_id == self.event.id => {
                if status {
                    self.taken(ms);
                } else {
                    self.told.writing = Answer::Refused { words: clean(&message) };
                }
                Vec::new()
            }
            RelayMessage::Ok { event_id, status, message } if Some(event_id) == self.login => self.logged_in(status, &message, ms),
            RelayMessage::Auth { challenge } => self.log_in(&challenge),
            RelayMessage::Notice(words) => {
                if self.told.notices.len() < MAX_NOTICES {
                    self.told.notices.push(clean(&words));
                }
                Vec::new()
            }
            RelayMessage::Ok { .. } | RelayMessage::Count { .. } | RelayMessage::NegMsg { .. } | RelayMessage::NegErr { .. } => Vec::new(),
        }
    }

    fn taken(&mut self, ms: u64) {
        if !matches!(self.told.writing, Answer::Taken { .. }) {
            self.told.writing = Answer::Taken { ms: ms.saturating_sub(self.sent_ms) };
        }
    }

    /// Once: when the relay has answered the question, so that it is listening for us.
    fn send_event(&mut self, ms: u64) -> Vec<ClientMessage<'static>> {
        if self.was_sent {
            return Vec::new();
        }
        self.was_sent = true;
        self.sent_ms = ms;
        vec![ClientMessage::event(self.event.clone())]
    }

    fn log_in(&mut self, challenge: &str) -> Vec<ClientMessage<'static>> {
        match EventBuilder::auth(challenge, self.relay.clone()).sign_with_keys(&self.keys) {
            Ok(event) => {
                self.login = Some(event.id);
                self.told.login = Login::Unanswered;
                vec![ClientMessage::auth(event)]
            }
            Err(error) => {
                tracing::debug!("A login could not be written: {error}.");
                Vec::new()
            }
        }
    }

    /// What was refused for want of a login is asked again.
    fn logged_in(&mut self, accepted: bool, words: &str, ms: u64) -> Vec<ClientMessage<'static>> {
        if !accepted {
            self.told.login = Login::Refused { words: clean(words) };
            return Vec::new();
        }
        self.told.login = Login::Accepted;
        let again = |answer: &Answer| matches!(answer, Answer::Refused { words } if wants_login(words));
        if again(&self.told.writing) {
            self.was_sent = false;
            self.told.writing = Answer::Silence;
        }
        if again(&self.told.reading) {
            self.told.reading = Answer::Silence;
            self.was_sent = self.was_sent && matches!(self.told.writing, Answer::Taken { .. });
            self.asked_ms = ms;
            return self.begin();
        }
        if matches!(self.told.reading, Answer::Taken { .. }) { self.send_event(ms) } else { Vec::new() }
    }
}

/// Whether a refusal is only for want of a login (NIP-42).
fn wants_login(words: &str) -> bool {
    words.starts_with("auth-required")
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn talk() -> Talk {
        Talk::new(Keys::generate(), RelayUrl::parse("wss://relay.example").expect("url")).expect("talk")
    }

    fn end_of_stored() -> RelayMessage<'static> {
        RelayMessage::EndOfStoredEvents(Cow::Owned(SubscriptionId::new(NAME)))
    }

    fn ok(event_id: EventId, status: bool, words: &str) -> RelayMessage<'static> {
        RelayMessage::Ok { event_id, status, message: Cow::Owned(words.to_owned()) }
    }

    fn closed(words: &str) -> RelayMessage<'static> {
        RelayMessage::Closed { subscription_id: Cow::Owned(SubscriptionId::new(NAME)), message: Cow::Owned(words.to_owned()) }
    }

    #[test]
    fn a_relay_that_answers_nothing_to_an_event_and_gives_it_back_has_taken_it() {
        let mut talk = talk();
        let id = talk.event.id;
        assert!(matches!(talk.hear(end_of_stored(), 5).as_slice(), [ClientMessage::Event(_)]));
        assert!(!talk.is_over());
        let back = RelayMessage::Event { subscription_id: Cow::Owned(SubscriptionId::new(NAME)), event: Cow::Owned(talk.event.clone()) };
        talk.hear(back, 25);
        assert!(talk.is_over());
        talk.hear(ok(id, true, ""), 90);
        let told = talk.end();
        assert_eq!((told.reading, told.writing), (Answer::Taken { ms: 5 }, Answer::Taken { ms: 20 }));
    }

    #[test]
    fn a_refusal_is_kept_in_the_relays_words() {
        let mut talk = talk();
        talk.hear(end_of_stored(), 5);
        talk.hear(ok(talk.event.id, false, "blocked: kind not allowed\n"), 9);
        assert!(talk.is_over());
        assert_eq!(talk.end().writing, Answer::Refused { words: "blocked: kind not allowed".into() });
    }

    #[test]
    fn what_is_refused_for_want_of_a_login_is_asked_again_after_it() {
        let mut talk = talk();
        let event = talk.event.id;
        assert_eq!(talk.hear(closed("auth-required: who are you?"), 1).len(), 1);
        talk.hear(ok(event, false, "auth-required: who are you?"), 2);
        assert!(!talk.is_over());
        let login = match talk.hear(RelayMessage::Auth { challenge: Cow::Borrowed("abc") }, 3).as_slice() {
            [ClientMessage::Auth(event)] => event.id,
            other => panic!("{other:?}"),
        };
        assert!(matches!(talk.hear(ok(login, true, ""), 4).as_slice(), [ClientMessage::Req { .. }]));
        assert!(matches!(talk.hear(end_of_stored(), 5).as_slice(), [ClientMessage::Event(_)]));
        talk.hear(ok(event, true, ""), 7);
        assert!(talk.is_over());
        let told = talk.end();
        assert_eq!((told.login, told.reading, told.writing), (Login::Accepted, Answer::Taken { ms: 1 }, Answer::Taken { ms: 2 }));
    }

    #[test]
    fn a_login_that_is_refused_ends_it() {
        let mut talk = talk();
        talk.hear(closed("auth-required: members"), 1);
        talk.hear(ok(talk.event.id, false, "auth-required: members"), 2);
        talk.hear(RelayMessage::Auth { challenge: Cow::Borrowed("abc") }, 3);
        assert!(!talk.is_over());
        let login = talk.login.expect("asked");
        talk.hear(ok(login, false, "restricted: not a member"), 4);
        assert!(talk.is_over());
        assert_eq!(talk.end().login, Login::Refused { words: "restricted: not a member".into() });
    }

    #[test]
    fn a_login_nobody_needs_is_waited_for_and_changes_nothing() {
        let mut talk = talk();
        talk.hear(RelayMessage::Auth { challenge: Cow::Borrowed("abc") }, 0);
        talk.hear(end_of_stored(), 1);
        talk.hear(ok(talk.event.id, true, ""), 2);
        assert!(!talk.is_over());
        let login = talk.login.expect("asked");
        assert!(talk.hear(ok(login, true, ""), 3).is_empty());
        assert!(talk.is_over());
    }
}
