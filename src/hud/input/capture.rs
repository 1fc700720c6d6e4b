//! Waiting for the key or the button that somebody wants to bind.

use bevy::prelude::*;

use super::device::Device;
use crate::hud::action::ActionKind;
use crate::hud::pane::motion::Goal;
use crate::hud::pane::{Pane, PaneKind, PaneMotion};

/// The next key or button of this device is for this action, whatever it means now.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listening(pub Option<(ActionKind, Device)>);

/// Nothing is waited for any more when Settings, where that is said, is closed.
pub fn forget(panes: Query<'_, '_, (&Pane, &PaneMotion), Changed<PaneMotion>>, mut listening: ResMut<'_, Listening>) {
    let is_closed = |(pane, motion): (&Pane, &PaneMotion)| pane.0 == PaneKind::Settings && motion.goal == Goal::Shut;
    if listening.0.is_some() && panes.iter().any(is_closed) {
        listening.0 = None;
    }
}
