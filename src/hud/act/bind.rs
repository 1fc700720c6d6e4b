//! What concerns keys and buttons: bound as wished if nobody else has them, and saved.

use bevy::prelude::*;

use super::taste;
use crate::hud::action::{ActionKind, UserAction};
use crate::hud::input::{BindError, Bindings, Listening, button_name};
use crate::hud::prefs::{Preferences, PreferencesFile};
use crate::hud::state::{Notices, Now, Tone};

/// Obeys what bindings have to do with.
pub fn obey(
    mut actions: PopulatedMessageReader<'_, '_, UserAction>,
    mut bindings: ResMut<'_, Bindings>,
    mut listening: ResMut<'_, Listening>,
    mut preferences: ResMut<'_, Preferences>,
    file: Res<'_, PreferencesFile>,
    now: Res<'_, Now>,
    mut notices: ResMut<'_, Notices>,
) {
    let mut changed = None;
    for action in actions.read() {
        let (kind, bound) = match action {
            UserAction::Listen(what) => {
                listening.0 = *what;
                continue;
            }
            UserAction::Unbind(kind) => {
                let wanted = taste::wanted(&mut changed, &preferences);
                forget(wanted, *kind);
                *bindings = Bindings::with(&wanted.keys, &wanted.pad).0;
                continue;
            }
            UserAction::BindKey(kind, chord) => {
                let bound = bindings.bind_key(*kind, *chord);
                if bound.is_ok() {
                    taste::wanted(&mut changed, &preferences).keys.0.insert(kind.id(), chord.to_string());
                }
                (*kind, bound)
            }
            UserAction::BindButton(kind, button) => {
                let bound = bindings.bind_button(*kind, *button);
                if bound.is_ok() {
                    taste::wanted(&mut changed, &preferences).pad.0.insert(kind.id(), button_name(*button));
                }
                (*kind, bound)
            }
            _ => continue,
        };
        listening.0 = None;
        if let Err(why) = bound {
            refuse(kind, &why, now.0, &mut notices);
        }
    }
    if let Some(wanted) = changed.filter(|wanted| *wanted != *preferences) {
        *preferences = wanted;
        taste::save(&preferences, &file, now.0, &mut notices);
    }
}

fn forget(wanted: &mut Preferences, kind: Option<ActionKind>) {
    match kind {
        Some(kind) => {
            wanted.keys.0.remove(&kind.id());
            wanted.pad.0.remove(&kind.id());
        }
        None => {
            wanted.keys.0.clear();
            wanted.pad.0.clear();
        }
    }
}

fn refuse(kind: ActionKind, why: &BindError, now: crate::domain::time::UnixMs, notices: &mut Notices) {
    let label = kind.binding().map_or("", |row| row.label);
    let text = match why {
        BindError::Taken { .. } => format!("{why}. Choose another, or give that one something else first."),
        BindError::Nameless(_) => format!("{why}. Choose another."),
    };
    notices.tell(now, Tone::Warning, format!("\"{label}\" stays as it is."), text);
}
