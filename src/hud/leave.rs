//! Leaving when somebody outside asks for it: Ctrl-C in the terminal, or a session that ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bevy::prelude::*;

use super::HudSystems;
use super::bridge::{self, HudWake};
use crate::node::wake::Wake as _;

/// Ends the program from any thread: the window closes, and with it the node, in order.
#[derive(Resource, Clone, Default)]
pub struct Exit {
    wanted: Arc<AtomicBool>,
    pub(super) wake: HudWake,
}

impl std::fmt::Debug for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exit").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

impl Exit {
    /// Asks for the end.
    pub fn ask(&self) {
        self.wanted.store(true, Ordering::Release);
        self.wake.wake();
    }
}

/// Ends the program in the frame after it was asked to.
pub fn plugin(app: &mut App) {
    // After the look at what was said, which is where each wake counts again: whoever asks in between wakes the next frame.
    app.add_systems(PreUpdate, leave.in_set(HudSystems::Receive).after(bridge::receive));
}

fn leave(exit: Res<'_, Exit>, mut leaving: MessageWriter<'_, AppExit>) {
    if exit.wanted.load(Ordering::Acquire) {
        leaving.write(AppExit::Success);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hud::testing::Hud;

    #[test]
    fn whoever_asks_before_wakes_count_again_is_heard_in_the_same_frame() {
        let mut hud = Hud::new();
        let exit = hud.app.world().resource::<Exit>().clone();
        let ask = move || exit.ask();
        hud.app.add_systems(PreUpdate, ask.in_set(HudSystems::Receive).before(bridge::receive));
        hud.frame();
        assert_eq!(hud.app.should_exit(), Some(AppExit::Success));
    }
}
