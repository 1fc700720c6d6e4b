//! What the window knows: resources filled from [`FromNode`] by plain functions.
//!
//! All of it is a cache. The ledger and the node are the truth; entering a market empties these and asks again.

mod activity;
mod ages;
mod asking;
mod countdowns;
mod details;
mod doctor;
mod history;
mod jobs;
mod lock;
mod models;
mod money;
mod notices;
mod purse;
mod relays;
mod roll;
mod session;
mod trial;
mod unseen;

use bevy::ecs::component::Mutable;
use bevy::prelude::*;

pub use activity::{Activity, Entry, Level};
pub use details::{Detail, Details};
pub use doctor::Doctor;
pub use history::History;
pub use jobs::{Flight, Jobs, Progress};
pub use lock::Lock;
pub use models::Models;
pub use money::Money;
pub use notices::{Notice, Notices, Tone, look_at_wallet};
pub use purse::Purse;
pub use relays::Relays;
pub use session::Session;
pub use trial::Trial;
pub use unseen::Unseen;

use super::HudSystems;
use super::bridge::FromNode;
use crate::clock::Clock;
use crate::domain::time::UnixMs;

/// The time of this frame, for ages and stamps.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now(pub UnixMs);

/// Where [`Now`] comes from.
#[derive(Resource, Debug, Clone, Default)]
pub struct WallClock(pub Clock);

/// State that changes when the node says something.
pub trait Reduce: Resource + Component<Mutability = Mutable> + Default {
    /// Takes in one thing said.
    fn reduce(&mut self, said: &FromNode, now: UnixMs);
}

/// Another market was entered, or none: what was known is of no use any more.
#[derive(Event, Debug, Clone, Copy)]
pub struct MarketChanged;

fn read_clock(clock: Res<'_, WallClock>, mut now: ResMut<'_, Now>) {
    now.0 = clock.0.now();
}

/// All state, kept up to date.
pub fn plugin(app: &mut App) {
    app.init_resource::<WallClock>().init_resource::<Now>();
    // Also before anything is begun: what is said at the start is said now.
    app.add_systems(PreStartup, read_clock).add_systems(First, read_clock);
    listen::<Session>(app);
    keep::<Jobs>(app);
    keep::<History>(app);
    keep::<Models>(app);
    keep::<Relays>(app);
    keep::<Trial>(app);
    keep::<Doctor>(app);
    keep::<Money>(app);
    keep::<Lock>(app);
    keep::<Details>(app);
    keep::<Unseen>(app);
    // What happened, happened, whatever market is entered next.
    listen::<Activity>(app);
    listen::<Notices>(app);
    app.add_plugins((session::plugin, asking::plugin, ages::plugin, countdowns::plugin, notices::plugin));
    app.add_plugins((activity::plugin, details::plugin, unseen::plugin, roll::plugin));
}

/// Listens, and forgets when the market changes.
fn keep<R: Reduce>(app: &mut App) {
    listen::<R>(app);
    app.add_observer(|_: On<'_, '_, MarketChanged>, mut state: ResMut<'_, R>| *state = R::default());
}

fn listen<R: Reduce>(app: &mut App) {
    app.init_resource::<R>();
    app.add_systems(Update, reduce::<R>.in_set(HudSystems::Reduce));
}

fn reduce<R: Reduce>(mut said: PopulatedMessageReader<'_, '_, FromNode>, now: Res<'_, Now>, mut state: ResMut<'_, R>) {
    for said in said.read() {
        state.reduce(said, now.0);
    }
}
