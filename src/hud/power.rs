//! Nothing moves, nothing is drawn: the loop sleeps until something happens.
//!
//! Three things wake it: the window's own input, a `RequestRedraw` from a system that is moving something, and
//! `WinitUserEvent::WakeUp` from another thread. There is no timer.
//!
//! Decision: the pointer's raw motion does not wake it. Winit reports that for the whole screen, so a mouse moved over
//! another program would redraw ours; motion over the window arrives as a window event all the same.

use std::time::Duration;

use bevy::platform::collections::HashMap;
use bevy::prelude::*;
use bevy::winit::{UpdateMode, WinitSettings};
use bevy_egui::EguiInput;
use bevy_egui::egui::{Event, Modifiers};

use super::HudSystems;

/// How the loop waits.
pub const ASLEEP: UpdateMode =
    UpdateMode::Reactive { wait: Duration::MAX, react_to_device_events: false, react_to_user_events: true, react_to_window_events: true };

/// Makes the loop reactive and keeps egui from waking it for nothing.
pub fn plugin(app: &mut App) {
    app.insert_resource(WinitSettings { focused_mode: ASLEEP, unfocused_mode: ASLEEP });
    app.add_systems(PreUpdate, drop_repeated_modifiers.in_set(HudSystems::Correct));
}

/// Removes `ModifiersChanged` events that change nothing.
///
/// bevy_egui 0.42 sends one every frame. egui answers any event by asking for another frame, so the window would draw
/// for ever: 20 frames a second and 168 % of a core on a machine without a GPU, against 0 frames with this system.
pub fn drop_repeated_modifiers(mut inputs: Query<'_, '_, (Entity, &mut EguiInput)>, mut last: Local<'_, HashMap<Entity, Modifiers>>) {
    for (context, mut input) in &mut inputs {
        let known = last.entry(context).or_default();
        input.events.retain(|event| match event {
            Event::ModifiersChanged(now) => std::mem::replace(known, *now) != *now,
            _ => true,
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use bevy::input::keyboard::Key;

    use super::*;
    use crate::hud::testing::Hud;

    #[test]
    fn a_modifier_key_still_reaches_egui() {
        let mut hud = Hud::new();
        let window = hud.app.world_mut().query_filtered::<Entity, With<bevy::window::PrimaryWindow>>().single(hud.app.world()).unwrap();
        hud.app.world_mut().write_message(bevy::input::keyboard::KeyboardInput {
            key_code: KeyCode::ShiftLeft,
            logical_key: Key::Shift,
            state: bevy::input::ButtonState::Pressed,
            text: None,
            repeat: false,
            window,
        });
        hud.frame();
        let mut contexts = hud.app.world_mut().query::<&mut bevy_egui::EguiContext>();
        let mut context = contexts.single_mut(hud.app.world_mut()).unwrap();
        assert!(context.get_mut().input(|input| input.modifiers.shift));
    }
}
