//! From devices to intent. Mouse and touch need nothing here: egui reads them itself.
//!
//! Keys ([`keyboard`]) and pads ([`gamepad`]) become actions by the same [`Bindings`]; which of them were used last is
//! known to [`device`]; who has the keys is known to [`owner`], and [`walk`] leads from one control to the next.

#[cfg(test)]
mod binding;
mod bindings;
mod capture;
mod device;
mod gamepad;
#[cfg(test)]
mod journey;
mod keyboard;
mod naming;
#[cfg(test)]
mod over;
mod owner;
#[cfg(test)]
mod player;
mod reveal;
mod ring;
#[cfg(test)]
mod tests;
mod walk;

use bevy::prelude::*;
use bevy_egui::EguiPrimaryContextPass;

pub use bindings::{BindError, Bindings, Overrides};
pub use capture::Listening;
pub use device::{Device, Hint, LastDevice, keep_field, shows_focus};
pub use naming::{NameError, button_name};
pub use owner::{Area, Claims, Focus, Owner, claim};
pub use reveal::{take as take_scroll_wish, wish_by};
pub use ring::{draw as ring, drawn as ring_drawn};
pub use walk::{Stop, is_field, step};

use super::HudSystems;
pub use super::osk::Tap;
use super::prefs::Preferences;
use super::state::{Notices, Now, Tone};

/// Reads the devices and keeps the focus.
pub fn plugin(app: &mut App) {
    app.init_resource::<Bindings>().init_resource::<Listening>().init_resource::<LastDevice>().init_resource::<Focus>();
    app.init_resource::<gamepad::Held>().add_observer(owner::forget);
    app.add_systems(Startup, bind);
    let read = (device::note, device::print, keyboard::read, gamepad::press, gamepad::tilt, gamepad::repeat, gamepad::scroll);
    app.add_systems(PreUpdate, read.chain().in_set(HudSystems::Input));
    app.add_systems(EguiPrimaryContextPass, owner::unclaim.before(super::pane::measure).in_set(HudSystems::DrawBehind));
    app.add_systems(PostUpdate, (capture::forget, super::osk::follow, owner::settle).chain().in_set(HudSystems::Settle));
}

/// Takes in what the preferences bind otherwise, and says what of it is not possible.
fn bind(preferences: Res<'_, Preferences>, now: Res<'_, Now>, mut bindings: ResMut<'_, Bindings>, mut notices: ResMut<'_, Notices>) {
    let (mine, complaints) = Bindings::with(&preferences.keys, &preferences.pad);
    *bindings = mine;
    for complaint in complaints {
        let text = format!("{complaint} What it was at first holds instead. Mend it in hud.toml or in Settings.");
        notices.tell(now.0, Tone::Warning, "A key or button in hud.toml is not used.", text);
    }
}
