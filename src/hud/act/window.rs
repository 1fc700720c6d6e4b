//! What concerns the window itself, the clipboard and notices.

use bevy::prelude::*;
use bevy::window::{MonitorSelection, PrimaryWindow, WindowMode};
use bevy_egui::EguiClipboard;

use crate::hud::action::UserAction;
use crate::hud::state::{Notices, Now, Tone};

/// Obeys what is left.
pub fn obey(
    mut actions: PopulatedMessageReader<'_, '_, UserAction>,
    mut windows: Query<'_, '_, &mut Window, With<PrimaryWindow>>,
    mut clipboard: ResMut<'_, EguiClipboard>,
    mut notices: ResMut<'_, Notices>,
    now: Res<'_, Now>,
) {
    for action in actions.read() {
        match action {
            UserAction::Copy(text) => {
                clipboard.set_text(text);
                notices.tell(now.0, Tone::Good, "Copied.", shortened(text));
            }
            UserAction::Dismiss(id) => notices.dismiss(*id),
            UserAction::DismissNewest => {
                if let Some(newest) = notices.stack.last().map(|notice| notice.id) {
                    notices.dismiss(newest);
                }
            }
            UserAction::ToggleFullScreen => {
                for mut window in &mut windows {
                    window.mode = match window.mode {
                        WindowMode::Windowed => WindowMode::BorderlessFullscreen(MonitorSelection::Current),
                        _ => WindowMode::Windowed,
                    };
                }
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
