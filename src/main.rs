//! `pylon-hud`: the window.

use bevy::app::TerminalCtrlCHandlerPlugin;
use bevy::prelude::*;
use bevy_egui::EguiPlugin;
use clap::Parser;
use pylon_hud::hud::window::{self, Placement};
use pylon_hud::hud::{HudPlugin, failure};

/// A cockpit to sell and buy compute over Nostr, paid in bitcoin.
///
/// Opening it starts nothing: the node runs when you start it. The same node without a window is `pylon`.
#[derive(Parser)]
#[command(name = "pylon-hud", version)]
struct Args {
    /// Open in a window. This is the default.
    #[arg(long, conflicts_with = "kiosk")]
    windowed: bool,
    /// Cover the whole screen.
    #[arg(long)]
    kiosk: bool,
}

fn main() -> AppExit {
    let args = Args::parse();
    failure::explain_panics();
    let placement = if args.kiosk { Placement::Kiosk } else { Placement::Windowed };
    App::new()
        // Ctrl-C ends the program at once; Bevy's own handler would wait for the next frame, which may never come.
        .add_plugins(
            DefaultPlugins
                .set(WindowPlugin { primary_window: Some(window::primary(placement)), ..default() })
                .disable::<TerminalCtrlCHandlerPlugin>(),
        )
        .add_plugins((EguiPlugin::default(), HudPlugin { placement }))
        .run()
}
