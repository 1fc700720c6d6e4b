//! What is kept until the next start: written when something has come to rest in another place, and at the end; never
//! while it is dragged.

use bevy::prelude::*;

use crate::hud::action::UserAction;
use crate::hud::pane::spawn::Asleep;
use crate::hud::prefs::{self, Preferences, PreferencesFile};
use crate::hud::saved::Layout;
use crate::hud::state::{Notices, Now, Tone};

/// Whether something was done that may have changed what is kept.
pub fn is_due(mut actions: MessageReader<'_, '_, UserAction>) -> bool {
    // All of them are read, so that none counts twice.
    actions.read().fold(false, |due, action| due | changes_layout(action))
}

const fn changes_layout(action: &UserAction) -> bool {
    matches!(
        action,
        UserAction::Toggle(_)
            | UserAction::PressSlot(_)
            | UserAction::Close(_)
            | UserAction::CloseActive
            | UserAction::Drop(_)
            | UserAction::Tile(_)
            | UserAction::Maximise
            | UserAction::Tidy
            | UserAction::Cascade
            | UserAction::ResetHud
            | UserAction::EndArranging(_)
            | UserAction::OpenJob(_)
            | UserAction::SwapSlots(..)
            | UserAction::MoveSlot(_)
            | UserAction::AssignSlot(..)
            | UserAction::ChooseAgain
    )
}

/// Takes down how everything stands, and saves it if that is new.
pub fn remember(world: &mut World) {
    // Those that were open are still to be opened: closing the window now must not forget them.
    if world.resource::<Asleep>().kept.is_some() {
        return;
    }
    let layout = Layout::of(world);
    if world.resource::<Preferences>().layout == layout {
        return;
    }
    world.resource_mut::<Preferences>().layout = layout;
    save(world);
}

fn save(world: &mut World) {
    let Some(path) = world.resource::<PreferencesFile>().0.clone() else { return };
    if let Err(error) = prefs::write(&path, world.resource::<Preferences>()) {
        let now = world.resource::<Now>().0;
        let what = format!("{} could not be written: {error}. It holds until the window closes.", path.display());
        world.resource_mut::<Notices>().tell(now, Tone::Warning, "The arrangement is not saved.", what);
    }
}

/// Whether the program ends with this frame.
pub fn is_leaving(mut leaving: MessageReader<'_, '_, AppExit>) -> bool {
    leaving.read().count() > 0
}
