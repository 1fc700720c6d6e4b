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

/// Makes the loop reactive and keeps egui from waking it for nothing.
pub fn plugin(app: &mut App) {
    let asleep = UpdateMode::reactive_low_power(Duration::MAX);
    app.insert_resource(WinitSettings { focused_mode: asleep, unfocused_mode: asleep });
    app.add_systems(PreUpdate, drop_repeated_modifiers.in_set(HudSystems::Input));
}

/// Removes `ModifiersChanged` events that change nothing.
///
/// bevy_egui 0.42 sends one every frame. egui answers any event by asking for another frame, so the window would draw
/// for ever: 20 frames a second and 168 % of a core on a machine without a GPU, against 0 frames with this system.
fn drop_repeated_modifiers(mut inputs: Query<'_, '_, (Entity, &mut EguiInput)>, mut last: Local<'_, HashMap<Entity, Modifiers>>) {
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

    use bevy::a11y::AccessibilityPlugin;
    use bevy::asset::AssetPlugin;
    use bevy::input::{
        ButtonState, InputPlugin,
        keyboard::{Key, KeyboardInput},
    };
    use bevy::window::{PrimaryWindow, RequestRedraw, WindowPlugin};
    use bevy_egui::{EguiPlugin, PrimaryEguiContext, egui};

    use super::*;
    use crate::hud::HudPlugin;

    /// The HUD with neither window nor GPU.
    fn app() -> App {
        let mut app = App::new();
        app.add_plugins((MinimalPlugins, InputPlugin, WindowPlugin::default(), AccessibilityPlugin, AssetPlugin::default()));
        app.init_asset::<Shader>().init_asset::<Image>();
        app.add_plugins((EguiPlugin::default(), HudPlugin::default()));
        app.finish();
        app.cleanup();
        app
    }

    /// Draws one frame and says whether another was asked for.
    fn frame(app: &mut App) -> bool {
        app.world_mut().resource_mut::<Messages<RequestRedraw>>().clear();
        let mut contexts = app.world_mut().query_filtered::<&mut EguiInput, With<PrimaryEguiContext>>();
        for mut input in contexts.iter_mut(app.world_mut()) {
            input.screen_rect = Some(egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1280.0, 720.0)));
        }
        app.update();
        !app.world().resource::<Messages<RequestRedraw>>().is_empty()
    }

    fn press(app: &mut App, key_code: KeyCode, logical_key: Key, state: ButtonState) {
        let window = app.world_mut().query_filtered::<Entity, With<PrimaryWindow>>().single(app.world()).unwrap();
        app.world_mut().write_message(KeyboardInput { key_code, logical_key, state, text: None, repeat: false, window });
    }

    #[test]
    fn an_idle_window_asks_for_no_more_frames() {
        let mut app = app();
        let asked = (0..20).map(|_| frame(&mut app)).collect::<Vec<_>>();
        assert!(asked[10..].iter().all(|again| !again), "{asked:?}");
    }

    #[test]
    fn a_modifier_key_still_reaches_egui() {
        let mut app = app();
        for _ in 0..10 {
            frame(&mut app);
        }
        press(&mut app, KeyCode::ShiftLeft, Key::Shift, ButtonState::Pressed);
        frame(&mut app);
        let mut contexts = app.world_mut().query::<&mut bevy_egui::EguiContext>();
        let mut context = contexts.single_mut(app.world_mut()).unwrap();
        assert!(context.get_mut().input(|input| input.modifiers.shift));
    }
}
