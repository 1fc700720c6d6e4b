//! `pylon-hud`: the window.

use std::path::PathBuf;
use std::process::ExitCode;

use bevy::app::TerminalCtrlCHandlerPlugin;
use bevy::prelude::*;
use bevy_egui::EguiPlugin;
use clap::Parser;
use pylon_hud::config::{Environment, Paths};
use pylon_hud::hud::bridge::{Link, Place};
use pylon_hud::hud::leave::Exit;
use pylon_hud::hud::window::{self, Placement};
use pylon_hud::hud::{HudPlugin, failure, prefs};
use pylon_hud::node::Market;
use pylon_hud::signals;
use pylon_hud::wallet::spark::helper;

/// A cockpit to sell and buy compute over Nostr, paid in bitcoin.
///
/// Opening it starts nothing: the node runs when you start it. One that runs already is used and left running. The same
/// node without a window is `pylon`.
#[derive(Parser)]
#[command(name = "pylon-hud", version)]
struct Args {
    /// Open in a window. This is the default.
    #[arg(long, conflicts_with = "kiosk")]
    windowed: bool,
    /// Cover the whole screen, with no way out but the spending PIN; spending is locked until it unlocks it.
    #[arg(long)]
    kiosk: bool,
    /// The monitor a kiosk covers: its name, or its number counted from 1.
    #[arg(long, value_name = "NAME", requires = "kiosk")]
    monitor: Option<String>,
    /// Enter the practice market: a relay and a buyer inside this program, no internet, no money.
    #[arg(long)]
    practice: bool,
    /// Start no node: attach to the one that runs, now or later.
    #[arg(long)]
    attach: bool,
    /// Keep everything in this directory instead of ~/.openagents/pylon.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Developers: save a picture of the window here, then end.
    #[cfg(feature = "dev")]
    #[arg(long, value_name = "FILE")]
    shot: Option<PathBuf>,
    /// Developers: take the picture so many seconds after the start.
    #[cfg(feature = "dev")]
    #[arg(long, value_name = "SECS", default_value_t = 3.0)]
    after: f32,
}

fn main() -> AppExit {
    // Started by the node inside another one of this program: no window, no words of a person.
    if std::env::args_os().nth(1).is_some_and(|first| first == helper::ARGUMENT) {
        return if helper::run() == ExitCode::SUCCESS { AppExit::Success } else { AppExit::error() };
    }
    let args = Args::parse();
    failure::explain_panics();
    let environment = Environment::capture();
    let paths = match Paths::resolve(args.data_dir.as_deref(), &environment) {
        Ok(paths) => paths,
        Err(error) => {
            eprintln!("pylon-hud: {error}");
            return AppExit::from_code(2);
        }
    };
    // As if it stood in the config.
    let settings = [(args.attach, "node.mode=attached"), (args.kiosk, "limits.lock_at_start=true")];
    let overrides = settings.iter().filter(|(is_set, _)| *is_set).map(|(_, setting)| setting.parse().expect("a key and a value")).collect();
    let placement = if args.kiosk { Placement::Kiosk } else { Placement::Windowed };
    let exit = Exit::default();
    let asked = exit.clone();
    // The second one does not wait: the ledger is safe at any point.
    let caught = signals::on_interrupt(move |number| if number > 1 { std::process::exit(1) } else { asked.ask() });
    if let Err(error) = caught {
        eprintln!("pylon-hud: Ctrl-C cannot be caught ({error}), so it ends the program at once.");
    }
    let preferences = prefs::read(&paths.hud_toml);
    let window = window::primary(placement, preferences.preferences.window);
    let hud = HudPlugin {
        placement,
        exit,
        market: args.practice.then_some(Market::Practice),
        preferences,
        preferences_file: Some(paths.hud_toml.clone()),
        link: Link::At(Box::new(Place { paths, environment, overrides })),
    };
    let mut app = App::new();
    app.insert_resource(window::NamedMonitor(args.monitor));
    #[cfg(feature = "dev")]
    app.insert_resource(pylon_hud::hud::dev::Shot { file: args.shot, after: std::time::Duration::from_secs_f32(args.after.max(0.0)) });
    app
        // Ctrl-C is ours: Bevy's own handler would wait for the next frame, which may never come. So is the log.
        .add_plugins(
            DefaultPlugins
                // Closing is ours as well: some windows ask first, and a kiosk's has no way out.
                .set(WindowPlugin { primary_window: Some(window), close_when_requested: false, ..default() })
                .disable::<TerminalCtrlCHandlerPlugin>(),
        )
        .add_plugins((EguiPlugin::default(), hud))
        .run()
}
