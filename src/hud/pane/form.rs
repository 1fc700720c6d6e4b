//! What is typed and chosen in a pane, and how that is kept until the next start.
//!
//! A secret cannot get in: where one is asked for it is typed into a field that is skipped or cannot be serialised at all,
//! and where none is asked for, a text that the log would not print is left out.

use bevy::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::logging::redact;

/// A form as it is written down.
pub type Kept = Map<String, Value>;

/// How the form of this pane is written down.
#[derive(Component, Debug, Clone, Copy)]
pub struct Keeps(fn(EntityRef<'_>) -> Option<Kept>);

impl Keeps {
    /// What there is to keep of this pane's form.
    pub fn kept(self, pane: EntityRef<'_>) -> Kept {
        (self.0)(pane).unwrap_or_default()
    }
}

/// A form as it was kept, and how to keep it again. What is not understood is as at first.
pub fn restored<F: Component + Serialize + DeserializeOwned + Default>(kept: &Kept) -> (F, Keeps) {
    let form = serde_json::from_value(Value::Object(kept.clone())).unwrap_or_else(|error| {
        tracing::warn!("What was kept of a pane is not understood ({error}), so it is as at first.");
        F::default()
    });
    (form, Keeps(write_down::<F>))
}

fn write_down<F: Component + Serialize>(pane: EntityRef<'_>) -> Option<Kept> {
    match serde_json::to_value(pane.get::<F>()?) {
        Ok(value) => match harmless(value)? {
            Value::Object(form) => Some(form),
            _ => None,
        },
        Err(error) => {
            tracing::warn!("What is in a pane cannot be kept: {error}.");
            None
        }
    }
}

/// The value without what looks like a secret, and without what the file has no words for.
fn harmless(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (redact(&text) == text).then_some(Value::String(text)),
        Value::Array(values) => Some(Value::Array(values.into_iter().filter_map(harmless).collect())),
        Value::Object(fields) => {
            Some(Value::Object(fields.into_iter().filter_map(|(name, value)| Some((name, harmless(value)?))).collect()))
        }
        other @ (Value::Bool(_) | Value::Number(_)) => Some(other),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use serde::Deserialize;

    use super::*;

    #[derive(Component, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Form {
        prompt: String,
        page: u32,
        chosen: Option<String>,
        #[serde(skip)]
        seed: String,
    }

    fn kept(form: Form) -> Kept {
        let mut world = World::new();
        let pane = world.spawn((form, Keeps(write_down::<Form>))).id();
        let pane = world.entity(pane);
        pane.get::<Keeps>().unwrap().kept(pane)
    }

    #[test]
    fn what_was_typed_comes_back_and_what_is_skipped_does_not() {
        let typed = Form { prompt: "Say hello.".into(), page: 3, chosen: None, seed: "leader".into() };
        let kept = kept(typed.clone());
        assert!(!kept.contains_key("seed") && !kept.contains_key("chosen"), "{kept:?}");
        assert_eq!(restored::<Form>(&kept).0, Form { seed: String::new(), ..typed });
    }

    #[test]
    fn a_secret_in_a_field_for_something_else_is_not_kept() {
        let words = "leader monkey parrot ring guide accident before fence cannon height naive bean";
        for secret in [words, "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5", "nostr+walletconnect://ab?secret=cd"] {
            let kept = kept(Form { prompt: format!("oops: {secret}"), page: 3, ..Form::default() });
            let text = serde_json::to_string(&kept).unwrap();
            assert_eq!(text, r#"{"page":3}"#, "all of that field is left out");
        }
    }

    #[test]
    fn a_form_that_is_not_understood_is_as_at_first() {
        let odd = serde_json::from_str::<Kept>(r#"{"page":"three"}"#).unwrap();
        assert_eq!(restored::<Form>(&odd).0, Form::default());
        assert_eq!(restored::<Form>(&Kept::new()).0, Form::default());
    }
}
