//! The window: Bevy for the loop, egui for every pixel.
//!
//! Decisions:
//! - Nothing is drawn while nothing happens. The loop reacts to events only, and [`power`] keeps egui from waking it.
//! - egui paints the backdrop too. A shader would draw it as well, at the price of a second pipeline for 60 lines of mesh.
//! - `main.rs`, not [`HudPlugin`], adds Bevy's own plugins, so that a test can pick a base without a window or a GPU.
//!
//! A frame: what the node said comes in ([`bridge`]), keys become intent ([`input`]), state takes in what was said
//! ([`state`]), things move ([`pane::motion`]), views draw ([`panes`], [`hotbar`], [`chips`], [`notices`]) and say what
//! the user wants ([`action`]), what needs a question or the PIN is held back ([`gate`]), and the rest is obeyed before the
//! frame ends ([`act`]).

pub mod act;
pub mod action;
pub mod backdrop;
pub mod banner;
pub mod bridge;
pub mod chips;
#[cfg(feature = "dev")]
pub mod dev;
pub mod failure;
pub mod gate;
pub mod help;
pub mod hotbar;
pub mod icons;
pub mod input;
pub mod kiosk;
pub mod leave;
pub mod modal;
pub mod notices;
#[cfg(test)]
mod order_tests;
pub mod osk;
pub mod palette;
pub mod pane;
pub mod panes;
pub mod pin;
pub mod power;
pub mod prefs;
pub mod question;
pub mod robot;
pub mod saved;
#[cfg(test)]
mod senses;
pub mod state;
pub mod stripes;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod unlock;
pub mod welcome;
pub mod widgets;
pub mod window;

use std::path::PathBuf;

use bevy::prelude::*;
use bevy_egui::{EguiPostUpdateSet, EguiPreUpdateSet, EguiPrimaryContextPass};

use crate::node::Market;

/// The order of the window's own systems within a frame.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HudSystems {
    /// In `PreUpdate`: what the node said becomes messages.
    Receive,
    /// In `PreUpdate`, when egui has read the devices and not yet begun its pass: what it has read is corrected.
    Correct,
    /// In `PreUpdate`, then: input is turned into intent.
    Input,
    /// In `Update`: what may not be obeyed now is held back.
    Hold,
    /// In `Update`: state takes in what was said.
    Reduce,
    /// In `Update`: what is missing is asked for.
    Ask,
    /// In `Update`: how long the frame is, and what follows from it.
    Begin,
    /// In `Update`: what is on its way moves on.
    Move,
    /// In `Update`: what has come to rest is saved, and the window told whether to go on.
    Rest,
    /// In `EguiPrimaryContextPass`: what lies behind the panes is drawn.
    DrawBehind,
    /// In `EguiPrimaryContextPass`: the panes are drawn.
    DrawPanes,
    /// In `EguiPrimaryContextPass`: what lies over the panes is drawn.
    DrawOver,
    /// In `PostUpdate`, when all is drawn: what the user wants is done, in the frame in which it was wanted.
    Act,
    /// In `PostUpdate`, at last: the focus is on something that is there.
    Settle,
}

/// Everything inside the window. Needs `EguiPlugin` and, for a real window, `DefaultPlugins`.
#[derive(Debug)]
pub struct HudPlugin {
    pub placement: window::Placement,
    pub link: bridge::Link,
    /// Entered at once; `None`: as the preferences say, and if they say nothing, the user is asked.
    pub market: Option<Market>,
    pub preferences: prefs::Read,
    /// Where preferences are saved; `None`: nowhere.
    pub preferences_file: Option<PathBuf>,
    /// How somebody outside ends it.
    pub exit: leave::Exit,
}

impl Plugin for HudPlugin {
    fn build(&self, app: &mut App) {
        order(app);
        let wake = self.exit.wake.clone();
        app.insert_resource(self.exit.clone());
        app.insert_resource(bridge::Alarm::new(wake.clone()));
        app.insert_resource(bridge::Bridge::new(self.link.clone(), wake));
        let is_kiosk = self.placement == window::Placement::Kiosk;
        app.insert_resource(kiosk::Kiosk { is_on: is_kiosk, ..default() });
        app.insert_resource(bridge::screen_saver::ScreenSaver::new(self.exit.wake.clone()));
        app.insert_resource(prefs::Preferences { is_kiosk, ..self.preferences.preferences.clone() });
        app.insert_resource(prefs::PreferencesFile(self.preferences_file.clone().filter(|_| !self.preferences.is_stuck)));
        app.add_plugins((bridge::plugin, leave::plugin, theme::plugin, window::plugin, power::plugin, state::plugin, input::plugin));
        app.init_resource::<banner::Clearing>();
        app.init_resource::<unlock::Form>().init_resource::<osk::Osk>().init_resource::<palette::Palette>().init_resource::<help::Help>();
        app.add_plugins((backdrop::plugin, pane::plugin, panes::plugin, hotbar::plugin, act::plugin));
        app.add_plugins((gate::plugin, kiosk::plugin, pin::plugin, bridge::screen_saver::plugin));
        let over = (welcome::draw, hotbar::draw, pane::arranging::draw, chips::draw, banner::draw, notices::draw, stripes::draw);
        let front = (palette::draw, help::draw, unlock::draw, question::draw, pin::draw, osk::draw, input::ring);
        app.add_systems(EguiPrimaryContextPass, (over.chain(), front.chain()).chain().in_set(HudSystems::DrawOver));
        app.insert_resource(act::Opening {
            market: self.market.or(self.preferences.preferences.market.map(Market::from)),
            notice: self.preferences.notice.clone(),
        });
        #[cfg(feature = "dev")]
        app.add_plugins(dev::plugin);
    }
}

/// Puts the sets in order.
fn order(app: &mut App) {
    let devices =
        (HudSystems::Correct, HudSystems::Input).chain().after(EguiPreUpdateSet::ProcessInput).before(EguiPreUpdateSet::BeginPass);
    app.configure_sets(PreUpdate, (HudSystems::Receive, devices).chain());
    let state = (HudSystems::Hold, HudSystems::Reduce, HudSystems::Ask).chain();
    let motion = (HudSystems::Begin, HudSystems::Move, HudSystems::Rest).chain();
    app.configure_sets(Update, (state, motion).chain());
    app.configure_sets(EguiPrimaryContextPass, (HudSystems::DrawBehind, HudSystems::DrawPanes, HudSystems::DrawOver).chain());
    app.configure_sets(PostUpdate, (HudSystems::Act, HudSystems::Settle).chain().after(EguiPostUpdateSet::PostProcessOutput));
}
