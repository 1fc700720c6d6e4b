//! Relays: each with its state, its pace, and its own words when it refuses.

use bevy::prelude::*;
use bevy_egui::egui::{Label, Margin, Ui};

use crate::domain::relay::{RelayHealth, RelayState};
use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::state::{Now, Relays, Session};
use crate::hud::theme::{Text, tokens};
use crate::hud::widgets::field::Heard;
use crate::hud::widgets::{Age, Ink, Signal, card, field, lamp, words};
use crate::node::NodeCommand;

/// Marks the pane.
#[derive(Component, Debug, Clone, Copy, Default)]
pub struct RelaysPane;

pub fn draw(mut pane: PaneUi<'_, '_, RelaysPane>, relays: Res<'_, Relays>, session: Res<'_, Session>, now: Res<'_, Now>) -> Result {
    pane.show(Body::Scrolls, |ui, _, _| view(ui, &relays, &session, *now))
}

/// Draws the content.
pub fn view(ui: &mut Ui, relays: &Relays, session: &Session, now: Now) {
    if relays.relays.is_empty() {
        return none(ui, relays, session);
    }
    if !session.link.is_up() {
        ui.label(Ink::of(ui).signal(Signal::Warning, Text::Table, "The node is out of reach: this is from before."));
    } else if !session.status.running {
        ui.label(Ink::of(ui).low(Text::Table, "The node is stopped: no relay is connected."));
    }
    for relay in &relays.relays {
        let (signal, word) = sign(relay.state);
        // What is not heard is not known.
        let sign = if session.link.is_up() { (signal, word.to_owned()) } else { (Signal::Quiet, format!("unknown; was: {word}")) };
        one(ui, relay, sign, now);
    }
}

/// None is configured, or nobody has said yet which are.
fn none(ui: &mut Ui, relays: &Relays, session: &Session) {
    let is_asked = session.awaits(&NodeCommand::Preflight) || session.awaits(&NodeCommand::Relays);
    if let Some(why) = relays.trouble.as_deref().filter(|_| !relays.is_known && !is_asked) {
        let words = format!("Which relays are configured is not known. {why}");
        ui.add(Label::new(Ink::of(ui).signal(Signal::Bad, Text::Table, words)).wrap());
        return;
    }
    field::none(ui, Heard::of(relays.is_known, is_asked), "No relays are configured. Set relays.urls in the config.");
}

const fn sign(state: RelayState) -> (Signal, &'static str) {
    match state {
        RelayState::Off => (Signal::Quiet, "off"),
        RelayState::Connecting => (Signal::Info, "connecting"),
        RelayState::Connected => (Signal::Good, "connected"),
        RelayState::Retrying => (Signal::Warning, "retrying"),
    }
}

fn one(ui: &mut Ui, relay: &RelayHealth, (signal, word): (Signal, String), now: Now) {
    let ink = Ink::of(ui);
    card::frame(ink).inner_margin(Margin::symmetric(tokens::ROW_PADDING as i8, tokens::GAP as i8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.spacing_mut().interact_size.y = tokens::PAIR;
        ui.horizontal(|ui| {
            lamp::lamp(ui, signal);
            ui.add(Label::new(ink.high(Text::Table, &relay.url)).truncate()).on_hover_text(about(relay));
        });
        ui.horizontal_wrapped(|ui| {
            ui.label(ink.signal(signal, Text::Table, word));
            if let Some(ms) = relay.latency_ms.filter(|_| relay.state == RelayState::Connected) {
                ui.label(ink.mid(Text::Table, format!("· {ms} ms"))).on_hover_text("The last round trip to it.");
            }
        });
        ui.add(Label::new(ink.mid(Text::Table, traffic(relay))).wrap());
        if let Some(at) = relay.last_event_at {
            ui.add(Label::new(ink.low(Text::Table, format!("last heard {}", Age::of(now.0.since(at)).ago()))).truncate());
        }
        if let Some(error) = relay.last_error.as_deref().filter(|_| relay.state != RelayState::Connected || relay.refused > 0) {
            ui.add(Label::new(ink.signal(Signal::Warning, Text::Table, words::beginning(error, 300))).wrap());
        }
    });
}

fn traffic(relay: &RelayHealth) -> String {
    let dropped = relay.dropped.malformed + relay.dropped.oversized + relay.dropped.unverified;
    let parts = [
        Some(format!("in {}", words::count(relay.received))),
        Some(format!("out {}", words::count(relay.accepted))),
        (relay.refused > 0).then(|| format!("{} refused", words::count(relay.refused))),
        (dropped > 0).then(|| format!("{} dropped", words::count(dropped))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// What the relay says about itself.
fn about(relay: &RelayHealth) -> String {
    let mut lines = vec![relay.url.clone()];
    lines.extend(relay.name.iter().map(|name| format!("Name: {}", words::beginning(name, 80))));
    lines.extend(relay.software.iter().map(|software| format!("Software: {}", words::beginning(software, 80))));
    if let Some(limits) = &relay.limits {
        lines.extend(limits.max_message_bytes.map(|bytes| format!("Longest message: {} bytes", words::count(bytes))));
        lines.extend(limits.min_pow_bits.filter(|bits| *bits > 0).map(|bits| format!("Proof of work: {bits} bits")));
        lines.extend(limits.payment_required.then(|| "It wants to be paid.".to_owned()));
        lines.extend(limits.auth_required.then(|| "It asks who we are.".to_owned()));
    }
    lines.join("\n")
}
