//! What an event has to pass before anybody looks at its meaning.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use nostr::Event;

/// Events remembered, per generation; two generations are kept. A duplicate older than that is caught by the ledger.
const GENERATION: usize = 32_768;
/// What a frame weighs beside its event: the word EVENT, the subscription's name, brackets.
const FRAME: usize = 256;

/// Why an event is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Not JSON, not an event, or for a subscription we do not have.
    Malformed,
    Oversized,
    /// The id is not the event's hash, or the signature is not its author's.
    Unverified,
    Duplicate,
}

/// What a text frame is.
#[derive(Debug)]
pub enum Verdict {
    /// An event nobody has given us before, verified.
    New(Box<Event>),
    Dropped(Cause),
    /// Another message of the protocol.
    NotAnEvent,
}

/// An event together with its signature. The id alone would not do: whoever repeats a known id with another signature
/// must be checked himself.
type Print = [u8; 96];

/// Shared by every socket, so that an event is given once however many relays have it.
#[derive(Debug)]
pub struct Screen {
    max_event_bytes: AtomicUsize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    young: HashSet<Print>,
    old: HashSet<Print>,
}

impl Seen {
    fn knows(&self, print: &Print) -> bool {
        self.young.contains(print) || self.old.contains(print)
    }

    /// True when it is new.
    fn note(&mut self, print: Print) -> bool {
        if self.knows(&print) {
            return false;
        }
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(print)
    }

    fn forget(&mut self, print: &Print) {
        self.young.remove(print);
        self.old.remove(print);
    }
}

impl Screen {
    /// A screen that has seen nothing.
    pub fn new(max_event_bytes: usize) -> Self {
        Self { max_event_bytes: AtomicUsize::new(max_event_bytes), seen: Mutex::default() }
    }

    /// Changes the size limit, from the next frame on.
    pub fn set_max_event_bytes(&self, max_event_bytes: usize) {
        self.max_event_bytes.store(max_event_bytes, Ordering::Relaxed);
    }

    /// Judges a frame; `wanted` says whether an event was asked for under a subscription's name. Cheapest check first;
    /// the signature, which costs most, last and once. Nothing is noted as seen that is not given: a relay could hide an
    /// event from us by sending it under a wrong name first.
    pub fn screen_frame(&self, frame: &str, wanted: impl Fn(&str, &Event) -> bool) -> Verdict {
        if !Self::is_event(frame) {
            return Verdict::NotAnEvent;
        }
        if frame.len() > self.max_event_bytes.load(Ordering::Relaxed).saturating_add(FRAME) {
            return Verdict::Dropped(Cause::Oversized);
        }
        let Ok((_, subscription, event)) = serde_json::from_str::<(String, String, Event)>(frame) else {
            return Verdict::Dropped(Cause::Malformed);
        };
        if !wanted(&subscription, &event) {
            return Verdict::Dropped(Cause::Malformed);
        }
        let print = print(&event);
        if self.lock().knows(&print) {
            return Verdict::Dropped(Cause::Duplicate);
        }
        // Without the lock: checking takes long. Two sockets may check the same event; one of them is first to note it.
        if event.verify().is_err() {
            return Verdict::Dropped(Cause::Unverified);
        }
        if !self.lock().note(print) {
            return Verdict::Dropped(Cause::Duplicate);
        }
        Verdict::New(Box::new(event))
    }

    /// Gives this event again when it comes again: whoever was given it could not use it yet.
    pub fn forget(&self, event: &Event) {
        self.lock().forget(&print(event));
    }

    /// Whether the frame is a JSON array whose first element is the word EVENT.
    pub fn is_event(frame: &str) -> bool {
        let inside = frame.trim_start().strip_prefix('[').map(str::trim_start);
        inside.is_some_and(|inside| inside.starts_with("\"EVENT\""))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn print(event: &Event) -> Print {
    let mut print = [0; 96];
    let (id, signature) = print.split_at_mut(32);
    id.copy_from_slice(event.id.as_bytes());
    signature.copy_from_slice(event.sig.as_ref());
    print
}

#[cfg(test)]
mod tests {
    use nostr::{EventBuilder, JsonUtil as _, Keys, Kind};
    use proptest::prelude::*;

    use super::*;

    fn event(content: &str) -> Event {
        EventBuilder::new(Kind::from(5050), content).sign_with_keys(&Keys::generate()).expect("signed")
    }

    fn any(_: &str, _: &Event) -> bool {
        true
    }

    fn frame(event: &Event) -> String {
        format!(r#"["EVENT","s",{}]"#, event.as_json())
    }

    fn cause(verdict: Verdict) -> Option<Cause> {
        match verdict {
            Verdict::Dropped(cause) => Some(cause),
            Verdict::New(_) => None,
            Verdict::NotAnEvent => panic!("not an event"),
        }
    }

    #[test]
    fn an_event_is_given_once() {
        let screen = Screen::new(4096);
        let frame = frame(&event("x"));
        assert_eq!(cause(screen.screen_frame(&frame, any)), None);
        assert_eq!(cause(screen.screen_frame(&frame, any)), Some(Cause::Duplicate));
    }

    #[test]
    fn an_event_that_was_of_no_use_yet_is_given_again() {
        let screen = Screen::new(4096);
        let event = event("x");
        assert_eq!(cause(screen.screen_frame(&frame(&event), any)), None);
        screen.forget(&event);
        assert_eq!(cause(screen.screen_frame(&frame(&event), any)), None);
        assert_eq!(cause(screen.screen_frame(&frame(&event), any)), Some(Cause::Duplicate));
    }

    #[test]
    fn an_event_under_a_wrong_name_does_not_hide_the_right_one() {
        let screen = Screen::new(4096);
        let good = event("x");
        let wrong = format!(r#"["EVENT","bogus",{}]"#, good.as_json());
        let wanted = |name: &str, _: &Event| name == "s";
        assert_eq!(cause(screen.screen_frame(&wrong, wanted)), Some(Cause::Malformed));
        assert_eq!(cause(screen.screen_frame(&frame(&good), wanted)), None);
    }

    #[test]
    fn one_of_many_sockets_gives_it() {
        let screen = Screen::new(4096);
        let frame = frame(&event("x"));
        let given = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    if cause(screen.screen_frame(&frame, any)).is_none() {
                        given.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(given.into_inner(), 1);
    }

    #[test]
    fn a_known_id_with_another_signature_is_checked_for_itself() {
        let screen = Screen::new(4096);
        let good = event("x");
        let mut forged = good.clone();
        forged.sig = event("y").sig;
        // Before and after the good one, the forgery fails and spoils nothing.
        assert_eq!(cause(screen.screen_frame(&frame(&forged), any)), Some(Cause::Unverified));
        assert_eq!(cause(screen.screen_frame(&frame(&good), any)), None);
        assert_eq!(cause(screen.screen_frame(&frame(&forged), any)), Some(Cause::Unverified));
    }

    #[test]
    fn an_id_that_is_not_the_hash_is_no_event() {
        let screen = Screen::new(4096);
        let mut altered = event("x");
        altered.content = "another".into();
        assert_eq!(cause(screen.screen_frame(&frame(&altered), any)), Some(Cause::Unverified));
    }

    #[test]
    fn size_and_shape_come_first() {
        let screen = Screen::new(1024);
        assert_eq!(cause(screen.screen_frame(&frame(&event(&"x".repeat(2048))), any)), Some(Cause::Oversized));
        for broken in [r#"["EVENT"]"#, r#"["EVENT","s",{}]"#, r#"["EVENT","s",{"id":1}]"#, r#"[ "EVENT" "#] {
            assert_eq!(cause(screen.screen_frame(broken, any)), Some(Cause::Malformed), "{broken}");
        }
        for other in [r#"["EOSE","s"]"#, "", "x", r#"{"EVENT":1}"#, r#"["OK","EVENT"]"#] {
            assert!(matches!(screen.screen_frame(other, any), Verdict::NotAnEvent), "{other}");
        }
    }

    proptest! {
        /// Whatever a relay sends, nothing panics and nothing unsigned gets through.
        #[test]
        fn nothing_broken_gets_through(at in 0..600usize, byte: u8, text in ".{0,80}") {
            let screen = Screen::new(4096);
            screen.screen_frame(&text, any);
            screen.screen_frame(&format!("[\"EVENT\"{text}"), any);
            let good = event("content");
            let mut bytes = frame(&good).into_bytes();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            if let Ok(mutated) = String::from_utf8(bytes)
                && let Verdict::New(event) = screen.screen_frame(&mutated, any)
            {
                // Only the subscription's name or white space may differ.
                prop_assert_eq!(*event, good);
            }
        }
    }
}
