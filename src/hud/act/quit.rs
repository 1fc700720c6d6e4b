//! What concerns the end of the program.

use bevy::prelude::*;

use crate::hud::action::UserAction;
use crate::hud::quit::Quitting;
use crate::hud::state::{Notices, Now, Session, Tone};
use crate::hud::window::Placement;

/// Obeys what the end has to do with.
pub fn obey(
    mut actions: PopulatedMessageReader<'_, '_, UserAction>,
    session: Res<'_, Session>,
    now: Res<'_, Now>,
    mut quitting: ResMut<'_, Quitting>,
    mut notices: ResMut<'_, Notices>,
    mut exit: MessageWriter<'_, AppExit>,
) {
    for action in actions.read() {
        match action {
            UserAction::Quit if quitting.placement == Placement::Kiosk => {
                notices.tell(now.0, Tone::Warning, "A kiosk is not left this way.", "It ends with the program that started it.");
            }
            UserAction::Quit if !session.may_leave() => quitting.is_asked = true,
            UserAction::Quit | UserAction::QuitNow => {
                exit.write(AppExit::Success);
            }
            UserAction::Stay => quitting.is_asked = false,
            _ => {}
        }
    }
}
