//! The whole window without a mouse: one script, played once with keys and once with a pad.
//!
//! Each part is a function of its own that takes the player as the one before left it, so that a part can be added.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use bevy::prelude::*;

use super::Device;
use super::player::Player;
use crate::domain::ids::JobId;
use crate::domain::money::{MilliSats, Sats};
use crate::domain::payment::{Direction, Network, Payment, PaymentState};
use crate::hud::action::{ActionKind, UserAction};
use crate::hud::palette::Palette;
use crate::hud::pane::tile::Toward;
use crate::hud::pane::{Berth, Closed, PANES, Pane, PaneKind};
use crate::hud::panes::tests::invoice;
use crate::hud::prefs::{Motions, Preferences, Read};
use crate::hud::testing::{Hud, NOW, preflight, status};
use crate::node::status::WalletView;
use crate::node::{NodeCommand, NodeEvent, NodeState, NodeStatus, TestStep};
use crate::wallet::{Snapshot, SyncState};

#[test]
fn everything_can_be_done_with_keys_alone() {
    journey(Device::Keys);
}

#[test]
fn everything_can_be_done_with_a_pad_alone() {
    journey(Device::Pad);
}

fn journey(device: Device) {
    let mut player = Player::new(Hud::build(None, Read::default()), device);
    first_run(&mut player);
    each_pane(&mut player);
    go_online(&mut player);
    ask_oneself(&mut player);
    receive(&mut player);
    send(&mut player);
    change_a_setting(&mut player);
    tile_two(&mut player);
    close_all(&mut player);
    quit(&mut player);
}

fn first_run(player: &mut Player) {
    player.hud.assert_shows("Where do you want to begin?");
    player.does(ActionKind::MoveDown);
    player.does(ActionKind::MoveUp);
    player.does(ActionKind::Press);
    player.hud.assert_shows("SELL COMPUTE");
    player.hud.say(NodeEvent::Preflight { preflight: Box::new(preflight()) });
    player.hud.settle();
}

fn each_pane(player: &mut Player) {
    for spec in &PANES {
        // The others are opened from one of these.
        let Berth::Slot(slot) = spec.berth else { continue };
        player.opens(slot);
        player.hud.assert_shows(&spec.title.to_uppercase());
        let pane = player.hud.pane(spec.kind);
        assert!(player.hud.app.world().get::<Closed>(pane).is_none());
        assert!(player.ring().is_some(), "the ring is in {}", spec.title);
        // Back to the hotbar, and once more to close it.
        player.does(ActionKind::Leave);
        assert_eq!(player.focus().slot, slot);
        player.does(ActionKind::Leave);
        assert!(player.hud.app.world().get::<Closed>(pane).is_some(), "{}", spec.title);
    }
}

fn go_online(player: &mut Player) {
    player.opens(0);
    player.hud.take_asked();
    player.does(ActionKind::MainAction);
    assert!(player.hud.take_asked().contains(&NodeCommand::GoOnline));
    player.hud.say(NodeEvent::Status { status: Box::new(online()) });
    player.hud.settle();
    player.hud.assert_shows("GO OFFLINE");
}

pub(super) fn online() -> NodeStatus {
    let snapshot = Snapshot {
        balance: MilliSats(48_210_000),
        pending_in: MilliSats(0),
        pending_out: MilliSats(0),
        network: Network::Practice,
        source: "test".into(),
        as_of: NOW,
        sync: SyncState::Synced,
    };
    NodeStatus { wallet: Some(WalletView { kind: "practice".into(), snapshot }), ..status(NodeState::Online) }
}

fn ask_oneself(player: &mut Player) {
    player.reaches("Say hello in one sentence.");
    player.types(" Ok 2?");
    player.does(ActionKind::SecondAction);
    let prompt = "Say hello in one sentence. Ok 2?".to_owned();
    assert!(player.hud.take_asked().contains(&NodeCommand::TestJob { prompt }), "{:#?}", player.hud.texts());
    let step = TestStep::Answered { job: JobId([7; 32]), text: "Hello to whoever asks.".into(), took_ms: 12 };
    player.hud.say(NodeEvent::Testing { step });
    player.hud.settle();
    player.hud.assert_shows("Hello to whoever asks.");
}

fn receive(player: &mut Player) {
    player.opens(1);
    player.reaches("RECEIVE");
    player.does(ActionKind::Press);
    player.reaches("sats");
    player.types("5");
    player.does(ActionKind::MainAction);
    let asked = NodeCommand::Receive { sats: Sats(5), description: String::new() };
    assert!(player.hud.asked().contains(&asked), "{:?}", player.hud.asked());
    player.hud.answer(&asked, NodeEvent::Invoice { invoice: Box::new(invoice()) });
    player.hud.say(NodeEvent::Payment { payment: Box::new(payment(Direction::In)) });
    player.hud.settle();
    player.hud.assert_shows("✓ 5 PRACTICE sats received");
}

fn payment(direction: Direction) -> Payment {
    Payment {
        id: "1".into(),
        direction,
        state: PaymentState::Settled { at: NOW },
        amount: MilliSats(5_000),
        fee: MilliSats(0),
        hash: Some(invoice().hash),
        preimage: None,
        created_at: NOW,
        description: "a coffee".into(),
    }
}

fn send(player: &mut Player) {
    player.reaches("SEND");
    player.does(ActionKind::Press);
    player.reaches("a BOLT11 invoice");
    player.types(&invoice().bolt11);
    player.hud.assert_shows("a coffee");
    player.hud.take_asked();
    player.does(ActionKind::MainAction);
    player.hud.assert_shows("SEND 5 PRACTICE SATS?");
    assert!(player.hud.take_asked().is_empty(), "nothing is paid before the question is answered");
    player.reaches("SEND 5 PRACTICE SATS");
    player.does(ActionKind::Press);
    let asked = NodeCommand::Pay { bolt11: invoice().bolt11, sats: Sats(5) };
    assert!(player.hud.asked().contains(&asked), "{:?}", player.hud.asked());
    player.hud.answer(&asked, NodeEvent::Payment { payment: Box::new(payment(Direction::Out)) });
    player.hud.settle();
    player.hud.assert_shows("✓ 5 PRACTICE sats sent.");
}

fn change_a_setting(player: &mut Player) {
    player.opens(8);
    player.reaches("reduced");
    player.does(ActionKind::Press);
    assert_eq!(player.hud.app.world().resource::<Preferences>().motions, Motions::Reduced);
}

fn tile_two(player: &mut Player) {
    player.opens(0);
    tile(player, ActionKind::TileLeft, Toward::Left);
    player.opens(1);
    tile(player, ActionKind::TileRight, Toward::Right);
    let (left, right) = (player.hud.place(PaneKind::SellCompute), player.hud.place(PaneKind::Wallet));
    let middle = player.hud.window().center().x;
    assert!(left.max.x <= middle && right.min.x >= middle, "{left:?} {right:?}");
    assert!((left.width() - right.width()).abs() <= 1.0 && left.y_range() == right.y_range(), "{left:?} {right:?}");
}

/// By its keys; a pad has no button to spare for it, and goes by the palette.
fn tile(player: &mut Player, kind: ActionKind, toward: Toward) {
    match player.device {
        Device::Pad => runs(player, UserAction::Tile(toward)),
        Device::Keys | Device::Pointer => player.does(kind),
    }
}

fn close_all(player: &mut Player) {
    runs(player, UserAction::CloseAll);
    let world = player.hud.app.world_mut();
    assert_eq!(world.query_filtered::<&Pane, Without<Closed>>().iter(world).count(), 0);
    assert!(player.ring().is_some(), "the hotbar has the ring");
}

/// By the palette, walked to its line.
fn runs(player: &mut Player, wanted: UserAction) {
    player.does(ActionKind::Palette);
    for _ in 0..100 {
        if player.hud.app.world().resource::<Palette>().chosen(&[]) == Some(wanted.clone()) {
            return player.does(ActionKind::Press);
        }
        player.does(ActionKind::MoveDown);
    }
    panic!("{wanted:?} is not in the palette");
}

fn quit(player: &mut Player) {
    let busy = NodeStatus { in_flight: 1, ..status(NodeState::Online) };
    player.hud.say(NodeEvent::Status { status: Box::new(busy) });
    player.hud.settle();
    runs(player, UserAction::Quit);
    player.hud.assert_shows("it has 1 job under way");
    player.does(ActionKind::Leave);
    assert!(player.hud.app.should_exit().is_none(), "whoever goes back stays");
    runs(player, UserAction::Quit);
    player.reaches("QUIT");
    assert_eq!(player.leaves_by(ActionKind::Press), Some(AppExit::Success));
}
