//! The gate every action passes before it is obeyed: some are asked about first, and in a kiosk some need the PIN.
//!
//! An action that is held back becomes [`UserAction::Nothing`] where it stands, so that whoever obeys has nothing to know
//! about questions, PINs or kiosks. What passes after a question or a PIN is [`UserAction::Sure`].

use bevy::ecs::message::MessageMutator;
use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy::window::WindowCloseRequested;

use super::HudSystems;
use super::act::Overlays;
use super::action::UserAction;
use super::input::Listening;
use super::kiosk::Kiosk;
use super::pin::{PinDesk, PinWish};
use super::question::{Choice, Question, Questions};
use super::state::{Lock, MarketChanged, Now, Session};
use crate::domain::money::Sats;
use crate::node::{Leaving, NodeCommand};
use crate::wallet::bolt11;

/// The gate stands between devices and drawing, and again before whoever obeys.
pub fn plugin(app: &mut App) {
    app.init_resource::<Questions>();
    app.add_systems(PreUpdate, close.in_set(HudSystems::Input));
    app.add_systems(Update, (hold_back, clear_the_way).chain().in_set(HudSystems::Hold));
    app.add_observer(|_: On<'_, '_, MarketChanged>, mut questions: ResMut<'_, Questions>| *questions = Questions::default());
}

/// What is asked now. Only the uppermost is drawn and has the keys; the others wait.
#[derive(SystemParam)]
pub struct Asking<'w> {
    questions: Res<'w, Questions>,
    desk: Res<'w, PinDesk>,
    lock: Res<'w, Lock>,
}

/// A dialog over everything, the uppermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialog {
    Pin,
    Question,
    Passphrase,
}

impl Asking<'_> {
    pub fn uppermost(&self) -> Option<Dialog> {
        if self.desk.is_asking() {
            Some(Dialog::Pin)
        } else if self.questions.now().is_some() {
            Some(Dialog::Question)
        } else {
            self.lock.is_asking().then_some(Dialog::Passphrase)
        }
    }
}

/// While something is asked, devices answer that and nothing else: what keys and buttons wished meanwhile is held back.
/// Runs between reading the devices and drawing.
pub fn hold_back(asking: Asking<'_>, mut actions: MessageMutator<'_, '_, UserAction>) {
    let is_asking = asking.uppermost().is_some();
    for action in actions.read() {
        if is_asking && !is_for_the_question(action) {
            *action = UserAction::Nothing;
        }
    }
}

/// What lay over the window when something is asked makes way, and nobody waits for a key to bind meanwhile.
fn clear_the_way(
    asking: Asking<'_>,
    mut before: Local<'_, Option<Dialog>>,
    mut overlays: Overlays<'_>,
    mut listening: ResMut<'_, Listening>,
) {
    let now = asking.uppermost();
    if std::mem::replace(&mut *before, now) == now || now.is_none() {
        return;
    }
    overlays.close();
    listening.0 = None;
}

/// What moves the focus and types goes to the question, which has the keys.
const fn is_for_the_question(action: &UserAction) -> bool {
    use UserAction::{Quit, Scroll, Steer, Sure, Tap, ToggleKeyboard, Zoom};
    matches!(action, Zoom(_) | Quit | Sure(_) | Steer(_) | Scroll(_) | Tap(_) | ToggleKeyboard)
}

/// Looks at what is wished, the last moment before it is obeyed.
pub fn look(
    kiosk: Res<'_, Kiosk>,
    session: Res<'_, Session>,
    now: Res<'_, Now>,
    mut questions: ResMut<'_, Questions>,
    mut desk: ResMut<'_, PinDesk>,
    mut actions: MessageMutator<'_, '_, UserAction>,
) {
    for action in actions.read() {
        if let UserAction::Answer(index) = *action {
            *action = questions.answer(index).unwrap_or(UserAction::Nothing);
        }
        if let UserAction::Question(question) = action {
            questions.ask(question.as_ref().clone());
            *action = UserAction::Nothing;
        }
        if let UserAction::Sure(sure) = action {
            *action = sure.as_ref().clone();
            continue;
        }
        match judge(action, &kiosk, &session, *now) {
            Verdict::Pass => continue,
            Verdict::Question(question) => {
                // Whoever wants to quit no longer wants what the PIN was for.
                if *action == UserAction::Quit {
                    desk.give_up();
                }
                questions.ask(question);
            }
            Verdict::Pin(_) if session.market.is_none() => questions.ask(no_market()),
            // Else whoever comes by would choose the PIN, and with it unlock what is not his.
            Verdict::Pin(_) if kiosk.is_on && session.spending.is_some_and(|spending| !spending.has_pin) => questions.ask(no_pin()),
            Verdict::Pin(wish) => desk.ask(wish, &session),
        }
        *action = UserAction::Nothing;
    }
}

/// What is to happen to an action.
#[derive(Debug, PartialEq)]
enum Verdict {
    Pass,
    Question(Question),
    Pin(PinWish),
}

fn judge(action: &UserAction, kiosk: &Kiosk, session: &Session, now: Now) -> Verdict {
    if kiosk.is_on && leads_out(action, session) {
        return Verdict::Pin(PinWish::Then(Box::new(if *action == UserAction::ToggleFullScreen {
            UserAction::LeaveKiosk
        } else {
            action.clone()
        })));
    }
    match action {
        UserAction::ToggleSpending if session.is_spending_locked(now.0) => Verdict::Pin(PinWish::Unlock { then: None }),
        UserAction::AskPin(wish) => Verdict::Pin(wish.clone()),
        UserAction::Ask(NodeCommand::Pay { .. } | NodeCommand::Refund { .. } | NodeCommand::PayOffer { .. })
            if kiosk.is_spending_locked(session, now) =>
        {
            Verdict::Pin(PinWish::Unlock { then: Some(Box::new(action.clone())) })
        }
        UserAction::Ask(command) => about_command(command, session).map_or(Verdict::Pass, Verdict::Question),
        UserAction::Quit => about_quitting(session).map_or(Verdict::Pass, Verdict::Question),
        _ => Verdict::Pass,
    }
}

/// Where nobody has chosen a market there is no ledger, and the PIN is kept in the ledger.
fn no_market() -> Question {
    let text = "The PIN is kept with the market's ledger. Choose practice or real first; then the PIN leads on.";
    Question { title: "No market yet".into(), text: text.into(), answers: vec![Choice::none("Back")], first: 0 }
}

/// Only who starts a kiosk is asked for its first PIN: see [`super::kiosk`].
fn no_pin() -> Question {
    let text = "Only the PIN leads out of a kiosk and lets money out, and this one has none. Its owner sets one when the kiosk starts, or with `pylon wallet pin set` on this machine.";
    Question { title: "No PIN yet".into(), text: text.into(), answers: vec![Choice::none("Back")], first: 0 }
}

/// Whether this leads out of a kiosk.
fn leads_out(action: &UserAction, session: &Session) -> bool {
    match action {
        UserAction::Quit | UserAction::ToggleFullScreen | UserAction::ChooseAgain | UserAction::LeaveKiosk => true,
        UserAction::Choose(market) | UserAction::Enter(market) => session.market.is_some_and(|now| now != *market),
        _ => false,
    }
}

/// What is asked before a command goes out, if anything.
fn about_command(command: &NodeCommand, session: &Session) -> Option<Question> {
    let sure = || UserAction::Ask(command.clone());
    match command {
        NodeCommand::Pay { bolt11, sats } => Some(about_paying(bolt11, *sats, session, sure())),
        NodeCommand::Refund { .. } => Some(Question::careful(
            "Give the money back?",
            "The buyer gets what was paid for this job. What is sent cannot be taken back.",
            "Refund",
            sure(),
        )),
        NodeCommand::Stop { how: Leaving::Finish } => about_stopping(session),
        NodeCommand::SetSetting { key, value } if key == "wallet.network" && value == "mainnet" => Some(Question::careful(
            "Real money?",
            "On mainnet every sat is real. What is sent cannot be taken back, and what is lost is lost. The node has to be started again.",
            "Use mainnet",
            sure(),
        )),
        _ => None,
    }
}

fn about_paying(invoice: &str, sats: Sats, session: &Session, sure: UserAction) -> Question {
    let decoded = bolt11::decode(invoice).ok();
    let what = decoded.as_ref().map(|invoice| invoice.description.as_str()).filter(|text| !text.is_empty());
    let what = what.map_or_else(String::new, |what| format!("For: {}. ", super::widgets::words::beginning(what, 120)));
    let money = if session.is_practice() { "PRACTICE: it is play money. " } else { "" };
    let text = format!("{money}{what}The wallet may take a fee within the limits. What is sent cannot be taken back.");
    let unit = session.coin().unit();
    Question::careful(format!("Send {sats} {unit}?"), text, format!("Send {sats} {unit}"), sure)
}

/// Stopping a node that works: with its jobs or without.
fn about_stopping(session: &Session) -> Option<Question> {
    let jobs = jobs(session)?;
    let stop = |how| UserAction::Ask(NodeCommand::Stop { how });
    Some(Question {
        title: "Stop the node?".into(),
        text: format!("It has {jobs}. What is dropped stays in the ledger and is resumed at the next start."),
        answers: vec![
            Choice::new("Finish them, then stop", stop(Leaving::Finish)),
            Choice::new("Drop them and stop now", stop(Leaving::Now)),
            Choice::none("Cancel"),
        ],
        first: 0,
    })
}

/// Ending the program ends a node that lives in it.
fn about_quitting(session: &Session) -> Option<Question> {
    if session.link.outlives_us() {
        return None;
    }
    let jobs = jobs(session)?;
    Some(Question {
        title: "Quit?".into(),
        text: format!(
            "The node ends with this window, and it has {jobs}. What is not finished stays in the ledger and is resumed at the next start."
        ),
        answers: vec![Choice::new("Quit", UserAction::Quit), Choice::none("Stay")],
        first: 1,
    })
}

/// The jobs a running node has; `None`: it has none.
fn jobs(session: &Session) -> Option<String> {
    let status = &session.status;
    let count = u64::from(status.in_flight) + u64::from(status.queued);
    (status.running && count > 0).then(|| super::widgets::words::many(count, "job under way", "jobs under way"))
}

/// The window is to be closed. Whoever closes it while asked whether to, means it, unless it is a kiosk.
pub fn close(
    mut requests: MessageReader<'_, '_, WindowCloseRequested>,
    kiosk: Res<'_, Kiosk>,
    questions: Res<'_, Questions>,
    mut actions: MessageWriter<'_, UserAction>,
) {
    if requests.read().count() == 0 {
        return;
    }
    let quit = UserAction::Sure(Box::new(UserAction::Quit));
    let is_asked = questions.now().is_some_and(|question| question.answers.iter().any(|choice| choice.action == quit));
    actions.write(if is_asked && !kiosk.is_on { quit } else { UserAction::Quit });
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
