//! The chips in the corners: how the node is, what money there is, and which keys do what.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, Align2, Area, Context, Frame, Id, Label, Margin, Order, Rect, Stroke, Ui, Vec2, vec2};

use super::action::{ActionKind, UserAction};
use super::input::Hint;
use super::kiosk;
use super::pane::PaneKind;
use super::pane::Stage;
use super::pane::layout;
use super::state::{History, Now, Purse, Session};
use super::theme::{self, Text, Theme, Weight, tokens};
use super::widgets::{Age, Ink, Signal, Wishes, button, cap, ink, lamp, words};
use crate::domain::money::Sats;
use crate::node::{Link, NodeState, NodeStatus};
use crate::wallet::SyncState;

/// Draws the chips over the panes.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    stage: Res<'_, Stage>,
    session: Res<'_, Session>,
    history: Res<'_, History>,
    now: Res<'_, Now>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    if session.market.is_none() {
        return Ok(());
    }
    let context = contexts.ctx_mut()?.clone();
    let ink = Ink(theme.palette);
    let mut wishes = Wishes::default();
    let edge = Vec2::splat(tokens::EDGE);
    let room = Room::in_window(stage.window);
    corner(&context, "node chip", Align2::LEFT_TOP, edge, |ui| {
        let said = format!("Node {}. Opens Pylon.", sign(&session).1);
        if chip(ui, ink, &said, |ui| node(ui, ink, &session, &history, *now, room)) {
            wishes.wish(UserAction::Toggle(PaneKind::Pylon));
        }
    });
    corner(&context, "money chip", Align2::RIGHT_TOP, vec2(-edge.x, edge.y), |ui| {
        if chip(ui, ink, &balance_in_words(&session), |ui| money(ui, ink, &session, *now, room)) {
            wishes.wish(UserAction::Toggle(PaneKind::Wallet));
        }
    });
    let beside = layout::hotbar(stage.window).left() - stage.window.left() - 2.0 * edge.x;
    if beside > tokens::HINTS_LEAST {
        let place = vec2(beside - tokens::ROW, layout::hotbar(stage.window).height());
        corner(&context, "key hints", Align2::LEFT_BOTTOM, vec2(edge.x, -edge.y), |ui| hints(ui, ink, place));
    }
    actions.write_batch(wishes.take());
    Ok(())
}

/// How much the chips may say so that they do not cover each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    /// The state and the amount.
    Scarce,
    /// What matters as well.
    Some,
    /// Everything.
    Plenty,
}

impl Room {
    fn in_window(window: Rect) -> Self {
        match window.width() {
            width if width >= tokens::CHIPS_LEAST => Self::Plenty,
            width if width >= tokens::CHIPS_SCARCE => Self::Some,
            _ => Self::Scarce,
        }
    }
}

fn corner(context: &Context, name: &'static str, align: Align2, offset: Vec2, add: impl FnOnce(&mut Ui)) {
    let area = Area::new(Id::new(name)).order(Order::Foreground).anchor(align, offset).movable(false).fade_in(false);
    area.show(context, add);
}

/// What a screen reader calls the money chip.
fn balance_in_words(session: &Session) -> String {
    let unit = session.coin().unit();
    match session.purse() {
        Purse::Closed | Purse::Missing => "No wallet. Opens Wallet.".to_owned(),
        Purse::Read(wallet) => format!("{} {unit}. Opens Wallet.", wallet.snapshot.balance.0 / 1000),
        purse @ (Purse::Hidden(_) | Purse::Unread(..)) => format!("Wallet: {}. Opens Wallet.", purse.word()),
    }
}

/// A chip. True when it was pressed.
fn chip(ui: &mut Ui, ink: Ink, said: &str, add: impl FnOnce(&mut Ui)) -> bool {
    let frame = Frame::new().fill(ink.0.surface_0).stroke(Stroke::new(tokens::HAIRLINE, ink.0.border_quiet));
    let shown = frame.inner_margin(Margin::symmetric(tokens::ROW_PADDING as i8, 0)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_height(tokens::CHIP.max(theme::hit(ui.ctx())) - 2.0 * tokens::HAIRLINE);
            add(ui);
        });
    });
    let response = shown.response.interact(egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, said));
    button::ring(ui, &response);
    response.clicked()
}

/// A state as a lamp and a word.
pub const fn state_sign(state: NodeState) -> (Signal, &'static str) {
    match state {
        NodeState::Stopped => (Signal::Quiet, "stopped"),
        NodeState::Starting => (Signal::Info, "starting"),
        NodeState::Offline => (Signal::Quiet, "offline"),
        NodeState::Connecting => (Signal::Info, "connecting"),
        NodeState::Online => (Signal::Good, "online"),
        NodeState::Degraded => (Signal::Warning, "degraded"),
        NodeState::Draining => (Signal::Info, "finishing jobs"),
        NodeState::Stopping => (Signal::Info, "stopping"),
    }
}

/// How the node is, as far as that is known.
pub const fn sign(session: &Session) -> (Signal, &'static str) {
    if session.link.is_up() { state_sign(session.status.state) } else { (Signal::Bad, "link lost") }
}

/// Since when the node is in the state the chip names; `None`: nobody counts that.
pub fn since(status: &NodeStatus) -> Option<crate::domain::time::UnixMs> {
    status.online_since.or(status.started_at)
}

fn node(ui: &mut Ui, ink: Ink, session: &Session, history: &History, now: Now, room: Room) {
    let is_wide = room == Room::Plenty;
    let status = &session.status;
    let (signal, word) = sign(session);
    lamp::lamp(ui, signal);
    let title = ui.label(ink::title(word, Text::Table, ink.0.text_high));
    // What a node does that is not heard is not known.
    let status = if session.link.is_up() { status } else { &NodeStatus::default() };
    if !status.blockers.is_empty() {
        title.on_hover_text(status.blockers.iter().map(|blocker| blocker.message.as_str()).collect::<Vec<_>>().join("\n"));
        // One reason in a word; all of them in a sentence under the pointer.
        if room != Room::Scarce {
            ui.label(ink.signal(signal, Text::Table, reasons(status)));
        }
    }
    if room == Room::Scarce {
        return;
    }
    if let Some(since) = since(status) {
        ui.label(ink.mid(Text::Table, Age::of(now.0.since(since)).length())).on_hover_text(format!("Since {} UTC.", words::date(since)));
    }
    if status.running && is_wide {
        separator(ui, ink);
        ui.label(ink.mid(Text::Table, format!("{} running · {} queued", status.in_flight, status.queued)));
    }
    if let Some(stats) = &history.stats {
        separator(ui, ink);
        ui.label(ink.mid(Text::Table, "today"));
        ui.label(ink.bold(Text::Table, words::count(stats.today.done)));
        ui.label(ink.low(Text::Table, if stats.today.done == 1 { "job" } else { "jobs" }));
        if stats.today.earned.0 > 0 && is_wide {
            ui.label(ink.sats(Text::Table, Sats(stats.today.earned.0 / 1000)));
        }
    }
}

/// What is in the way, in as few words as there are.
fn reasons(status: &NodeStatus) -> String {
    status.blockers.iter().map(|blocker| blocker.code.replace('-', " ")).collect::<Vec<_>>().join(" · ")
}

fn separator(ui: &mut Ui, ink: Ink) {
    ui.label(ink.low(Text::Table, "|"));
}

fn money(ui: &mut Ui, ink: Ink, session: &Session, now: Now, room: Room) {
    if session.is_spending_locked(now.0) {
        let key = Hint::find(ui.ctx(), ActionKind::ToggleSpending).map_or_else(|| "The palette".to_owned(), |hint| hint.text);
        let (word, why) = if kiosk::is_receive_only(session) {
            ("receive only", format!("Spending is locked, and there is no PIN yet to unlock it. {key} sets one."))
        } else {
            ("spending locked", format!("Nothing is paid. {key} asks for the PIN that unlocks it. Earning goes on."))
        };
        ui.label(ink.signal(Signal::Warning, Text::Table, word)).on_hover_text(why);
        separator(ui, ink);
    }
    let purse = session.purse();
    let Purse::Read(wallet) = purse else { return unknown(ui, ink, session, purse, room) };
    let snapshot = &wallet.snapshot;
    if let Link::Lost { since, .. } = session.link {
        let stale = format!("₿ {} {} · {}", Sats(snapshot.balance.0 / 1000), ink.unit(), Age::of(now.0.since(since)).ago());
        ui.label(ink.signal(Signal::Warning, Text::Table, stale)).on_hover_text("From before the link to the node was lost.");
        return;
    }
    ui.label(ink.sats(Text::Body, session.balance().unwrap_or_default()));
    let words = match (room, &snapshot.sync) {
        (Room::Scarce | Room::Some, SyncState::Synced) => return,
        (Room::Scarce | Room::Some, _) => purse.word().to_owned(),
        (Room::Plenty, _) => format!("{} · {}", wallet.kind, purse.word()),
    };
    ui.label(ink.low(Text::Table, words)).on_hover_text(format!(
        "On {}, by the wallet itself, as of {} UTC.",
        snapshot.network.as_str(),
        words::date(snapshot.as_of)
    ));
}

/// A wallet of which no balance is known, or none.
fn unknown(ui: &mut Ui, ink: Ink, session: &Session, purse: Purse<'_>, room: Room) {
    if session.is_practice() {
        ui.label(ink.signal(Signal::Warning, Text::Table, "PRACTICE"));
        separator(ui, ink);
    }
    let words = match purse {
        Purse::Hidden(open) | Purse::Unread(open, _) if room != Room::Scarce => format!("{} · {}", open.kind, purse.word()),
        _ => purse.word().to_owned(),
    };
    let text = if purse.network().is_some() && !session.link.is_up() {
        ink.signal(Signal::Warning, Text::Table, "out of reach")
    } else {
        ink.mid(Text::Table, words)
    };
    ui.label(text).on_hover_text(purse.without_balance().unwrap_or_default());
}

/// Keys worth knowing, as many as there is room for beside the hotbar: what is higher lies over panes.
fn hints(ui: &mut Ui, ink: Ink, room: Vec2) {
    ui.set_max_width(room.x);
    ui.spacing_mut().interact_size.y = tokens::KEY_CAP;
    let mut rows_left = (room.y / (tokens::KEY_CAP + ui.spacing().item_spacing.y)) as usize;
    ui.horizontal_wrapped(|ui| {
        for (kind, words) in HINTS {
            let Some(hint) = Hint::find(ui.ctx(), kind) else { continue };
            let label = ui.painter().layout_no_wrap(words.to_owned(), Text::Hint.font(Weight::Regular), ink.0.text_low);
            // A key and its word stay together.
            let width = cap::size(ui.painter(), &hint, &ink.0).x + label.size().x + ui.spacing().item_spacing.x;
            if ui.available_size_before_wrap().x < width {
                rows_left = rows_left.saturating_sub(1);
                if rows_left == 0 {
                    return;
                }
                ui.end_row();
            }
            cap::cap(ui, &hint);
            ui.add(Label::new(ink.low(Text::Hint, words)).extend());
        }
    });
}

/// What is worth knowing; what a device has no key or button for is left out.
const HINTS: [(ActionKind, &str); 6] = [
    (ActionKind::Press, "open"),
    (ActionKind::ToggleOnline, "online"),
    (ActionKind::MainAction, "main"),
    (ActionKind::Leave, "back"),
    (ActionKind::Palette, "commands"),
    (ActionKind::Help, "help"),
];
