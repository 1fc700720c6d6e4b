//! What concerns preferences: obeyed, saved, and put into force.

use bevy::prelude::*;
use bevy::winit::{UpdateMode, WinitSettings};

use crate::domain::time::UnixMs;
use crate::hud::action::{UserAction, Zoom};
use crate::hud::power;
use crate::hud::prefs::{self, Drawing, Home, Preferences, PreferencesFile, SCALE_STEP};
use crate::hud::state::{Notices, Now, Session, Tone};
use crate::hud::theme::{Palette, Theme};

/// Obeys what preferences have to do with, and saves them if they are different afterwards.
pub fn obey(
    mut actions: PopulatedMessageReader<'_, '_, UserAction>,
    mut preferences: ResMut<'_, Preferences>,
    file: Res<'_, PreferencesFile>,
    session: Res<'_, Session>,
    now: Res<'_, Now>,
    mut notices: ResMut<'_, Notices>,
) {
    let mut changed = None;
    for action in actions.read() {
        let changed = &mut changed;
        match action {
            UserAction::SetLook(look) => wanted(changed, &preferences).look = *look,
            UserAction::SetScale(scale) => wanted(changed, &preferences).choose_scale(*scale),
            UserAction::SetMotions(motions) => wanted(changed, &preferences).motions = *motions,
            UserAction::SetDrawing(drawing) => wanted(changed, &preferences).drawing = *drawing,
            UserAction::SetAmbient(ambient) => wanted(changed, &preferences).ambient = *ambient,
            UserAction::Zoom(zoom) => {
                let mine = wanted(changed, &preferences);
                mine.choose_scale(zoomed(mine.chosen_scale(), *zoom));
            }
            UserAction::Choose(market) => wanted(changed, &preferences).market = Some(Home::from(*market)),
            UserAction::ChooseAgain if session.may_leave() => wanted(changed, &preferences).market = None,
            _ => {}
        }
    }
    if let Some(wanted) = changed.filter(|wanted| *wanted != *preferences) {
        *preferences = wanted;
        save(&preferences, &file, now.0, &mut notices);
    }
}

/// What is wanted instead of the preferences; at first the same.
pub(super) fn wanted<'a>(changed: &'a mut Option<Preferences>, now: &Preferences) -> &'a mut Preferences {
    changed.get_or_insert_with(|| now.clone())
}

/// Writes the preferences down, and says if that is not possible.
pub(super) fn save(preferences: &Preferences, file: &PreferencesFile, now: UnixMs, notices: &mut Notices) {
    if let Some(path) = &file.0
        && let Err(error) = prefs::write(path, preferences)
    {
        let what = format!("{} could not be written: {error}. They hold until the window closes.", path.display());
        notices.tell(now, Tone::Warning, "The preferences are not saved.", what);
    }
}

fn zoomed(scale: u16, zoom: Zoom) -> u16 {
    match zoom {
        Zoom::In => scale.saturating_add(SCALE_STEP),
        Zoom::Out => scale.saturating_sub(SCALE_STEP),
        Zoom::Reset => 100,
    }
}

/// Puts changed preferences into force, and the money of another market.
pub fn follow(
    preferences: Res<'_, Preferences>,
    session: Res<'_, Session>,
    mut theme: ResMut<'_, Theme>,
    mut ground: ResMut<'_, ClearColor>,
    mut settings: ResMut<'_, WinitSettings>,
) {
    let coin = session.coin();
    if !preferences.is_changed() && theme.palette.coin == coin {
        return;
    }
    let palette = Palette { coin, ..preferences.look.palette() };
    if theme.palette != palette {
        theme.palette = palette;
    }
    ground.0 = Color::srgb_u8(palette.ground.r(), palette.ground.g(), palette.ground.b());
    let mode = match preferences.drawing {
        Drawing::OnChange => power::ASLEEP,
        Drawing::Always => UpdateMode::Continuous,
    };
    (settings.focused_mode, settings.unfocused_mode) = (mode, mode);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_goes_by_steps_and_stays_within_its_bounds() {
        let mut preferences = Preferences::default();
        let mut zoom = |from, zoom| {
            preferences.choose_scale(zoomed(from, zoom));
            preferences.scale
        };
        assert_eq!(zoom(100, Zoom::In), 125);
        assert_eq!(zoom(200, Zoom::In), 200);
        assert_eq!(zoom(75, Zoom::Out), 75);
        assert_eq!(zoom(175, Zoom::Reset), 100);
    }
}
