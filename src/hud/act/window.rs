//! What concerns the window itself, the clipboard and notices.

use bevy::prelude::*;
use bevy::window::{MonitorSelection, PrimaryWindow, WindowMode};
use bevy_egui::EguiClipboard;

use crate::hud::action::UserAction;
use crate::hud::kiosk::Kiosk;
use crate::hud::prefs::Preferences;
use crate::hud::state::{Notices, Now, Tone};
use crate::hud::theme::tokens;

/// Obeys what is left.
pub fn obey(
    mut actions: PopulatedMessageReader<'_, '_, UserAction>,
    mut windows: Query<'_, '_, &mut Window, With<PrimaryWindow>>,
    mut clipboard: ResMut<'_, EguiClipboard>,
    mut notices: ResMut<'_, Notices>,
    mut kiosk: ResMut<'_, Kiosk>,
    mut preferences: ResMut<'_, Preferences>,
    mut leaving: MessageWriter<'_, AppExit>,
    now: Res<'_, Now>,
) {
    for action in actions.read() {
        match action {
            UserAction::Copy(text) => {
                clipboard.set_text(text);
                notices.tell(now.0, Tone::Good, "Copied.", shortened(text));
            }
            UserAction::Dismiss(id) => notices.dismiss(*id),
            UserAction::DismissNewest => notices.dismiss_newest(),
            UserAction::DismissAll => notices.dismiss_all(),
            UserAction::ToggleFullScreen => {
                for mut window in &mut windows {
                    window.mode = match window.mode {
                        WindowMode::Windowed => WindowMode::BorderlessFullscreen(MonitorSelection::Current),
                        _ => WindowMode::Windowed,
                    };
                }
            }
            UserAction::LeaveKiosk => {
                kiosk.is_on = false;
                preferences.is_kiosk = false;
                for mut window in &mut windows {
                    let (width, height) = preferences.window.size.unwrap_or(tokens::WINDOW_SIZE);
                    window.mode = WindowMode::Windowed;
                    window.decorations = true;
                    window.resolution.set(width as f32, height as f32);
                }
            }
            UserAction::Quit => {
                leaving.write(AppExit::Success);
            }
            _ => {}
        }
    }
}

/// What was copied, as far as a notice has room for it.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
