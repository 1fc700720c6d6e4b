//! Server-sent events, as far as model servers use them: `data`, `event`, comments, and llama.cpp's own `error` field.
//!
//! Pure, and fed by [`super::lines`]. A `\r` alone does not end a line here: no model server sends one.

use super::lines::{LineError, MAX_LINE};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) kind: EventKind,
    /// The `data` lines, joined by `\n`.
    pub(super) data: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum EventKind {
    #[default]
    Message,
    /// Named `error`, or written in a field called `error`.
    Error,
}

/// Gathers lines until an event is whole.
#[derive(Debug, Default)]
pub(super) struct Events {
    kind: EventKind,
    data: Option<String>,
}

impl Events {
    /// Takes one line; an empty one ends an event.
    pub(super) fn line(&mut self, line: &str) -> Result<Option<Event>, LineError> {
        if line.is_empty() {
            return Ok(self.finish());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => self.add(value)?,
            "error" => {
                self.kind = EventKind::Error;
                self.add(value)?;
            }
            "event" => self.kind = if value == "error" { EventKind::Error } else { EventKind::Message },
            // A comment has no field name; `id` and `retry` are for clients that reconnect, which cannot resume an answer.
            _ => {}
        }
        Ok(None)
    }

    /// The event begun so far: a server that closes without the last empty line has still said it.
    pub(super) fn finish(&mut self) -> Option<Event> {
        let Self { kind, data } = std::mem::take(self);
        data.map(|data| Event { kind, data })
    }

    fn add(&mut self, value: &str) -> Result<(), LineError> {
        match &mut self.data {
            None => self.data = Some(value.to_owned()),
            Some(data) if data.len() + value.len() >= MAX_LINE => return Err(LineError::TooLong),
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::tests::{cut, lines_of, noise};
    use super::*;
    use proptest::prelude::*;

    fn events_of<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
        let (mut events, mut out) = (Events::default(), Vec::new());
        for line in lines_of(chunks).into_iter().map_while(Result::ok) {
            out.extend(events.line(&line).expect("short"));
        }
        out.extend(events.finish());
        out
    }

    fn data(text: &str) -> Vec<String> {
        events_of([text.as_bytes()]).into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn comments_unknown_fields_and_both_line_ends_are_understood() {
        assert_eq!(data(": ping\r\n\r\ndata: one\r\n\r\nid: 7\ndata:two\n\n:\n\ndata: [DONE]\n\n"), ["one", "two", "[DONE]"]);
    }

    #[test]
    fn several_data_lines_make_one_event() {
        assert_eq!(data("data: {\"a\":\ndata: 1}\n\n"), ["{\"a\":\n1}"]);
        assert_eq!(data("data\ndata\n\n"), ["\n"]);
    }

    #[test]
    fn only_the_first_space_after_the_colon_is_not_data() {
        assert_eq!(data("data:  two: colons\n\n"), [" two: colons"]);
    }

    #[test]
    fn an_error_is_told_apart_however_it_is_written() {
        for text in ["event: error\ndata: no\n\n", "error: no\n\n", "error: no"] {
            assert_eq!(events_of([text.as_bytes()]), [Event { kind: EventKind::Error, data: "no".to_owned() }], "{text}");
        }
        assert_eq!(events_of([b"event: error\n\ndata: yes\n\n".as_slice()])[0].kind, EventKind::Message);
    }

    #[test]
    fn an_event_larger_than_a_line_may_be_is_refused() {
        let mut events = Events::default();
        let half = format!("data: {}", "x".repeat(MAX_LINE / 2));
        assert_eq!(events.line(&half), Ok(None));
        assert_eq!(events.line(&half), Err(LineError::TooLong));
    }

    proptest! {
        #[test]
        fn the_cuts_between_chunks_change_no_event(bytes in noise(), lengths in prop::collection::vec(0..9usize, 0..60)) {
            let whole = events_of([bytes.as_slice()]);
            prop_assert_eq!(&events_of(cut(&bytes, &lengths)), &whole);
            prop_assert_eq!(&events_of(bytes.chunks(1)), &whole);
        }
    }
}
