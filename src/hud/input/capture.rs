//! Waiting for the key or the button that somebody wants to bind.

use bevy::prelude::*;

use super::device::Device;
use crate::hud::action::ActionKind;

/// The next key or button of this device is for this action, whatever it means now.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listening(pub Option<(ActionKind, Device)>);
