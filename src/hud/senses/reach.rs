//! What can be pressed: it has a name for whoever does not see it, and it is large enough for whoever does.

use bevy::prelude::*;
use bevy_egui::egui::accesskit::{Action, Node, NodeId, Role};
use bevy_egui::{EguiContext, EguiFullOutput, EguiPostUpdateSet};

use super::each_state;
use crate::hud::HudSystems;
use crate::hud::prefs::{Preferences, Read};
use crate::hud::testing::Hud;
use crate::hud::theme::tokens;

/// The tree of the last frame, as a screen reader gets it.
#[derive(Resource, Default)]
struct Tree(Vec<(NodeId, Node)>);

fn keep(outputs: Query<'_, '_, &EguiFullOutput>, mut tree: ResMut<'_, Tree>) {
    let update = outputs.iter().filter_map(|output| output.0.as_ref()).find_map(|output| output.platform_output.accesskit_update.as_ref());
    tree.0 = update.map(|update| update.nodes.clone()).unwrap_or_default();
}

fn listening(mut hud: Hud) -> Hud {
    hud.app.init_resource::<Tree>();
    hud.app
        .add_systems(PostUpdate, keep.after(EguiPostUpdateSet::EndPass).before(EguiPostUpdateSet::ProcessOutput).before(HudSystems::Act));
    let mut contexts = hud.app.world_mut().query::<&mut EguiContext>();
    for mut context in contexts.iter_mut(hud.app.world_mut()) {
        context.get_mut().enable_accesskit();
    }
    hud.settle();
    hud
}

pub(super) fn window() -> Hud {
    listening(Hud::new())
}

/// A kiosk at 100 %, where fingers need the most points.
fn kiosk() -> Hud {
    let mut preferences = Preferences::default();
    preferences.kiosk.scale = 100;
    listening(Hud::kiosk_with(Read { preferences, ..Read::default() }))
}

/// What a screen reader stops at.
fn controls(hud: &Hud) -> Vec<&Node> {
    let nodes = hud.app.world().resource::<Tree>().0.iter().map(|(_, node)| node);
    nodes.filter(|node| node.supports_action(Action::Focus)).collect()
}

/// What a screen reader can say.
pub(super) fn said(hud: &Hud) -> Vec<String> {
    let nodes = hud.app.world().resource::<Tree>().0.iter();
    nodes.flat_map(|(_, node)| [node.label(), node.value()]).flatten().map(str::to_owned).collect()
}

fn name(node: &Node) -> Option<&str> {
    node.label().or(node.value()).filter(|name| !name.trim().is_empty())
}

#[test]
fn whatever_can_be_pressed_or_typed_into_has_a_name_and_says_what_it_is() {
    let mut seen = 0;
    each_state(window, |state, hud| {
        let nodes = controls(hud);
        assert!(!nodes.is_empty(), "a screen reader gets nothing of {state:?}");
        seen += nodes.len();
        for node in nodes {
            assert!(name(node).is_some(), "{:?} at {:?} has no name in {state:?}", node.role(), node.bounds());
            assert!(!matches!(node.role(), Role::Unknown | Role::GenericContainer), "{:?} is nothing in {state:?}", name(node));
        }
    });
    assert!(seen > 200, "{seen} controls were looked at");
}

/// What is too small in any state, once each.
fn too_small(make: impl Fn() -> Hud, least: f64) -> Vec<String> {
    let mut found = Vec::new();
    each_state(make, |state, hud| {
        for node in controls(hud) {
            let bounds = node.bounds().unwrap();
            if bounds.width() < least - 0.5 || bounds.height() < least - 0.5 {
                found.push(format!("{:?} is {:.0} x {:.0} in {state:?}", name(node), bounds.width(), bounds.height()));
            }
        }
    });
    found
}

#[test]
fn whatever_can_be_pressed_is_32_points_high_and_wide() {
    let found = too_small(window, f64::from(tokens::ROW));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn in_a_kiosk_it_is_44_pixels_for_fingers() {
    let found = too_small(kiosk, f64::from(tokens::ROW_KIOSK));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_is_typed_as_a_pin_is_not_read_aloud() {
    let mut hud = window();
    hud.app.world_mut().write_message(crate::hud::action::UserAction::AskPin(crate::hud::pin::PinWish::Set));
    hud.settle();
    hud.type_text("271828");
    let said = said(&hud);
    assert!(said.iter().any(|text| text == "PIN, 6 digits typed"), "{said:?}");
    assert!(!said.iter().any(|text| text.contains("271828")));
}
