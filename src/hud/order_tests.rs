//! Order is written, not hoped for: of any two systems of ours that touch the same thing one comes before the other.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use bevy::ecs::schedule::{InternedScheduleLabel, ScheduleLabel as _, Schedules, SystemKey, SystemSet as _};
use bevy::platform::collections::{HashMap, HashSet};
use bevy::prelude::*;
use bevy_egui::EguiPrimaryContextPass;

use super::HudSystems;
use super::testing::Hud;

const SETS: [HudSystems; 14] = [
    HudSystems::Receive,
    HudSystems::Correct,
    HudSystems::Input,
    HudSystems::Hold,
    HudSystems::Reduce,
    HudSystems::Ask,
    HudSystems::Begin,
    HudSystems::Move,
    HudSystems::Rest,
    HudSystems::DrawBehind,
    HudSystems::DrawPanes,
    HudSystems::DrawOver,
    HudSystems::Act,
    HudSystems::Settle,
];

/// What many only add to, and the sum is the same in any order: wishes, the earliest time to wake, whether to go on.
const SUMS: [&str; 4] = ["Messages<UserAction>", "Messages<RequestRedraw>", "Alarm", "Moving"];

/// The systems of a schedule by name, and which of them are in a set of ours.
fn systems(world: &World, label: InternedScheduleLabel) -> (HashMap<SystemKey, String>, HashSet<SystemKey>) {
    let schedule = world.resource::<Schedules>().get(label).unwrap();
    let names = schedule.systems().unwrap().map(|(key, system)| (key, system.name().to_string())).collect();
    let ours = SETS.iter().filter_map(|set| schedule.graph().systems_in_set(set.intern()).ok()).flatten().copied().collect();
    (names, ours)
}

/// Pairs of systems of which one writes what the other touches, with no order between them, at least one of them ours.
fn ambiguous(world: &World, label: InternedScheduleLabel) -> Vec<String> {
    let (names, ours) = systems(world, label);
    let schedule = world.resource::<Schedules>().get(label).unwrap();
    let touched = |ids: &[bevy::ecs::component::ComponentId]| -> Vec<String> {
        ids.iter().filter_map(|id| world.components().get_name(*id)).map(|name| name.shortname().to_string()).collect()
    };
    let found = schedule.graph().conflicting_systems().iter().filter(|(one, other, _)| ours.contains(one) || ours.contains(other));
    let matters = |touched: &[String]| touched.iter().any(|name| !SUMS.contains(&name.as_str()));
    // Who has the whole world to himself is told with an empty list. Between two of ours that counts; others' systems, which
    // are after nothing of ours, wait for him.
    let told = found.filter(|(one, other, ids)| matters(&touched(ids)) || ids.is_empty() && ours.contains(one) && ours.contains(other));
    told.map(|(one, other, ids)| format!("{} and {} over {:?}", names[one], names[other], touched(ids))).collect()
}

fn schedules() -> [InternedScheduleLabel; 4] {
    [PreUpdate.intern(), Update.intern(), PostUpdate.intern(), EguiPrimaryContextPass.intern()]
}

#[test]
fn every_system_of_the_window_is_in_a_set() {
    let mut hud = Hud::new();
    hud.settle();
    for label in schedules() {
        let (names, ours) = systems(hud.app.world(), label);
        let strays = names.iter().filter(|(key, name)| name.starts_with("pylon_hud::") && !name.contains("test") && !ours.contains(*key));
        assert_eq!(strays.map(|(_, name)| name.as_str()).collect::<Vec<_>>(), Vec::<&str>::new(), "{label:?}");
    }
}

#[test]
fn of_two_systems_that_touch_the_same_thing_one_comes_first() {
    let mut hud = Hud::new();
    hud.settle();
    let found: Vec<String> = schedules().into_iter().flat_map(|label| ambiguous(hud.app.world(), label)).collect();
    assert!(found.is_empty(), "{} pairs:\n{}", found.len(), found.join("\n"));
}
