//! What is kept until the next start: written when something has come to rest in another place, and at the end; never
//! while it is dragged.

use bevy::prelude::*;

use crate::hud::action::UserAction;
use crate::hud::pane::ActivePane;
use crate::hud::pane::spawn::Asleep;
use crate::hud::panes::job_history;
use crate::hud::prefs::{self, Preferences, PreferencesFile};
use crate::hud::saved::Layout;
use crate::hud::state::{Notices, Now, Session, Tone};

/// Whether something was done that may have changed what is kept.
pub fn is_due(mut actions: MessageReader<'_, '_, UserAction>, active: Res<'_, ActivePane>, mut last: Local<'_, Option<Entity>>) -> bool {
    let is_another = std::mem::replace(&mut *last, active.0) != active.0;
    // Every press on a pane focuses it, also the one that begins a drag.
    let counts = |action: &UserAction| changes_layout(action) && (is_another || !matches!(action, UserAction::Focus(_)));
    // All of them are read, so that none counts twice.
    actions.read().fold(false, |due, action| due | counts(action))
}

/// Whether panes or slots may stand otherwise afterwards, and have come to rest there.
const fn changes_layout(action: &UserAction) -> bool {
    use UserAction as A;
    match action {
        A::Toggle(_) | A::PressSlot(_) | A::Show(_) | A::EnterSlot(_) | A::OpenJob(_) | A::ShowJob(_) => true,
        A::Focus(_) | A::RaiseNext | A::RaisePrevious | A::Close(_) | A::CloseActive | A::CloseAll => true,
        A::Drop(_) | A::Tile(_) | A::Maximise | A::Tidy | A::Cascade | A::ResetHud | A::EndArranging(_) => true,
        A::SwapSlots(..) | A::MoveSlot(_) | A::AssignSlot(..) => true,
        // On their way: what ends them is told as well.
        A::Grasp(_) | A::Drag { .. } | A::Pull { .. } | A::Arrange(_) | A::Nudge(_) => false,
        // Fitted into another window, panes belong where they were.
        A::Resized(_) | A::KeepClear(_) => false,
        // Kept before the panes close, see `fall_asleep`; those that wake stand as they were kept.
        A::ChooseAgain | A::Enter(_) | A::Choose(_) => false,
        A::Ask(_) | A::ToggleOnline | A::ToggleSpending | A::Unlock(_) | A::StayLocked | A::Copy(_) => false,
        A::PointAtSlot(_) | A::Steer(_) | A::Scroll(_) | A::Tap(_) | A::Zoom(_) | A::ToggleFullScreen | A::LeaveKiosk => false,
        A::SetLook(_) | A::SetScale(_) | A::SetMotions(_) | A::SetDrawing(_) | A::SetAmbient(_) => false,
        A::TogglePalette | A::ToggleHelp | A::ToggleKeyboard | A::Listen(_) => false,
        A::BindKey(..) | A::BindButton(..) | A::Unbind(_) => false,
        A::Nothing | A::Sure(_) | A::Question(_) | A::Answer(_) | A::AskPin(_) | A::EnterPin(_) | A::LeavePin => false,
        // The end saves by itself.
        A::Dismiss(_) | A::DismissNewest | A::DismissAll | A::Quit => false,
    }
}

/// Whether the market is left for the question which.
pub fn is_choosing_again(mut actions: MessageReader<'_, '_, UserAction>, session: Res<'_, Session>) -> bool {
    let asked = actions.read().filter(|action| **action == UserAction::ChooseAgain).count() > 0;
    asked && session.market.is_some() && session.may_leave()
}

/// Notes which panes are open before they close for the question: whoever answers it finds them again.
pub fn fall_asleep(world: &mut World) {
    // A job belongs to its market.
    for mut form in world.query::<&mut job_history::Form>().iter_mut(world) {
        form.job = None;
    }
    remember(world);
    let layout = Layout::of(world);
    world.resource_mut::<Asleep>().kept.get_or_insert(layout);
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
