//! Notices: what the user should know now. Errors stay until they are taken away; others go by themselves, and are in
//! Activity afterwards.

use std::time::{Duration, Instant};

use bevy::prelude::*;
use bevy::time::Real;
use bevy::window::RequestRedraw;

use super::{Activity, Level, Now, Reduce};
use crate::domain::time::UnixMs;
use crate::hud::HudSystems;
use crate::hud::bridge::{Alarm, FromNode};
use crate::hud::pane::Closed;
use crate::hud::panes::wallet;
use crate::hud::theme::tokens;
use crate::logging::redact;
use crate::node::{FailureKind, Link, NodeCommand, NodeEvent, Scope, Whose};
use crate::wallet::bolt11;

/// Notices kept; older ones are in Activity.
const KEPT: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Warning,
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub id: u64,
    pub tone: Tone,
    /// What happened.
    pub title: String,
    /// Why, and what to do.
    pub text: String,
    /// How often it was said.
    pub times: u32,
    pub since: UnixMs,
}

impl Notice {
    /// When it goes by itself; `None`: it stays.
    fn ends(&self) -> Option<UnixMs> {
        let stays = match self.tone {
            Tone::Good => tokens::NOTICE_STAYS,
            Tone::Warning => tokens::WARNING_STAYS,
            Tone::Error => return None,
        };
        Some(self.since.plus_ms(u64::try_from(stays.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// The stack, oldest first.
#[derive(Resource, Debug, Clone, Default)]
pub struct Notices {
    pub stack: Vec<Notice>,
    next: u64,
    /// Told by the window itself, and not in Activity yet.
    unwritten: Vec<(UnixMs, Tone, String)>,
    /// The invoice in the field before the user's eyes: beside it stands why it was not paid.
    sending: String,
}

impl Notices {
    /// Adds one of the window's own, which Activity is to have as well.
    pub fn tell(&mut self, now: UnixMs, tone: Tone, title: impl Into<String>, text: impl Into<String>) {
        let (title, text) = (title.into(), text.into());
        self.unwritten.push((now, tone, format!("{title} {text}").trim_end().to_owned()));
        self.show(now, tone, title, text);
    }

    /// Adds one of which Activity hears otherwise. The same words again are counted, not stacked, and are the newest.
    fn show(&mut self, now: UnixMs, tone: Tone, title: impl Into<String>, text: impl Into<String>) {
        let (title, text) = (redact(&title.into()), redact(&text.into()));
        if let Some(at) = self.stack.iter().position(|known| known.title == title && known.text == text && known.tone == tone) {
            let known = self.stack.remove(at);
            self.stack.push(Notice { times: known.times.saturating_add(1), since: now, ..known });
            return;
        }
        self.next += 1;
        self.stack.push(Notice { id: self.next, tone, title, text, times: 1, since: now });
        if self.stack.len() > KEPT {
            // An error stays as long as anything else can go.
            let oldest = self.stack.iter().position(|notice| notice.tone != Tone::Error).unwrap_or(0);
            self.stack.remove(oldest);
        }
    }

    /// Whether why this invoice was not paid stands where it was pressed.
    fn is_sending(&self, bolt11: &str) -> bool {
        bolt11::decode(&self.sending).is_ok_and(|invoice| invoice.bolt11 == bolt11)
    }

    pub fn dismiss(&mut self, id: u64) {
        self.stack.retain(|notice| notice.id != id);
    }

    /// Takes away the one that came last.
    pub fn dismiss_newest(&mut self) {
        self.stack.pop();
    }

    pub fn dismiss_all(&mut self) {
        self.stack.clear();
    }
}

impl Reduce for Notices {
    fn reduce(&mut self, said: &FromNode, now: UnixMs) {
        match (&said.answers, &said.event) {
            (_, NodeEvent::Fault { fault }) => self.show(now, tone(fault.scope), &fault.message, &fault.hint),
            // Shown where it was asked for.
            (
                Some(NodeCommand::TestJob { .. } | NodeCommand::Jobs { .. } | NodeCommand::Job { .. } | NodeCommand::Stats),
                NodeEvent::Failed { .. },
            ) => {}
            (Some(NodeCommand::Payments { .. } | NodeCommand::Receive { .. }), NodeEvent::Failed { .. }) => {}
            (Some(NodeCommand::Pay { bolt11, .. }), NodeEvent::Failed { .. }) if self.is_sending(bolt11) => {}
            // The window asks for the PIN, and says there what was wrong with it.
            (Some(_), NodeEvent::Failed { failure }) if failure.kind == FailureKind::Pin => {}
            (
                Some(NodeCommand::CheckPin { .. } | NodeCommand::SetPin { .. } | NodeCommand::UnlockSpending { .. }),
                NodeEvent::Failed { .. },
            ) => {}
            (Some(NodeCommand::SetPin { new: Some(_), .. }), NodeEvent::Spending { .. }) => {
                self.tell(now, Tone::Good, "The spending PIN is set.", "Payments above limits.pin_above_sats ask for it.");
            }
            (Some(NodeCommand::SetPin { new: None, .. }), NodeEvent::Spending { .. }) => {
                self.tell(now, Tone::Good, "There is no spending PIN any more.", "The limits alone decide what goes out.");
            }
            (Some(NodeCommand::LockSpending), NodeEvent::Spending { .. }) => {
                self.tell(now, Tone::Good, "Spending is locked.", "Nothing is paid until the PIN unlocks it. Earning goes on.");
            }
            (Some(NodeCommand::UnlockSpending { .. }), NodeEvent::Spending { .. }) => {
                self.tell(now, Tone::Good, "Spending is unlocked.", "Payments go out within the limits.");
            }
            // The window asks for it.
            (Some(command), NodeEvent::Failed { failure }) if command.is_start() && failure.kind == FailureKind::Locked => {}
            (_, NodeEvent::Failed { failure }) => self.show(now, Tone::Error, &failure.message, failure.hints.join(" ")),
            (Some(NodeCommand::SetSetting { key, value }), NodeEvent::Done) => {
                self.show(now, Tone::Good, format!("{key} is now {value}."), "Written to the config file.");
            }
            (_, NodeEvent::Link { link: Link::Outside { pid, whose: Whose::Found } }) => {
                let title = format!("Attached to the node in process {pid}.");
                self.show(now, Tone::Good, title, "It runs already, and goes on when this window closes.");
            }
            (Some(NodeCommand::PullModel { model }), NodeEvent::Done) => {
                self.tell(now, Tone::Good, format!("{model} is here."), "Jobs can ask for it.");
            }
            _ => {}
        }
    }
}

/// What concerns money, the ledger or a bug stays until somebody has seen it.
const fn tone(scope: Scope) -> Tone {
    match scope {
        Scope::Ledger | Scope::Wallet | Scope::Internal => Tone::Error,
        Scope::Config | Scope::Relays | Scope::Inference | Scope::Provider | Scope::Control => Tone::Warning,
    }
}

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, look_at_wallet.before(super::reduce::<Notices>).in_set(HudSystems::Reduce));
    app.add_systems(Update, expire.in_set(HudSystems::Move));
    app.add_systems(PostUpdate, write_down.in_set(HudSystems::Settle));
}

/// Sees which invoice stands in the field that is open.
pub fn look_at_wallet(forms: Query<'_, '_, &wallet::Form, Without<Closed>>, mut notices: ResMut<'_, Notices>) {
    let sending = forms.iter().find(|form| form.part == wallet::Part::Send).map_or("", |form| form.invoice.as_str());
    if notices.sending != sending {
        notices.sending = sending.to_owned();
    }
}

/// Activity has what was told, when the notice is gone.
fn write_down(mut notices: ResMut<'_, Notices>, mut activity: ResMut<'_, Activity>, mut redraw: MessageWriter<'_, RequestRedraw>) {
    if notices.unwritten.is_empty() {
        return;
    }
    for (at, tone, text) in std::mem::take(&mut notices.unwritten) {
        let level = match tone {
            Tone::Good => Level::Info,
            Tone::Warning => Level::Warning,
            Tone::Error => Level::Error,
        };
        activity.add(at, level, &text);
    }
    redraw.write(RequestRedraw);
}

/// Takes away what has stood long enough, and wakes the window when the next one has.
fn expire(now: Res<'_, Now>, real: Res<'_, Time<Real>>, mut alarm: ResMut<'_, Alarm>, mut notices: ResMut<'_, Notices>) {
    let over = |notice: &Notice| notice.ends().is_some_and(|end| end <= now.0);
    if notices.stack.iter().any(over) {
        notices.stack.retain(|notice| !over(notice));
    }
    let next = notices.stack.iter().filter_map(Notice::ends).min();
    if let (Some(next), Some(frame)) = (next, real.last_update()) {
        alarm.at(later(frame, next.since(now.0)));
    }
}

fn later(from: Instant, ms: u64) -> Instant {
    from + Duration::from_millis(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_outlasts_any_number_of_other_notices() {
        let mut notices = Notices::default();
        notices.tell(UnixMs(0), Tone::Error, "It burns.", "");
        for number in 0..200 {
            notices.tell(UnixMs(number), Tone::Good, format!("Number {number}."), "");
        }
        assert_eq!((notices.stack.len(), notices.stack[0].title.as_str()), (KEPT, "It burns."));
        for number in 0..200 {
            notices.tell(UnixMs(number), Tone::Error, format!("Error {number}."), "");
        }
        notices.tell(UnixMs(200), Tone::Error, "Error 180.", "");
        let newest = notices.stack.pop().map(|notice| (notice.title, notice.times));
        assert_eq!(newest, Some(("Error 180.".to_owned(), 2)), "what is said again is the newest");
        notices.tell(UnixMs(201), Tone::Error, "Error 199.", "");
        notices.tell(UnixMs(202), Tone::Error, "Error 200.", "");
        notices.tell(UnixMs(203), Tone::Error, "Error 199.", "");
        assert_eq!((notices.stack.len(), notices.stack[KEPT - 1].title.as_str()), (KEPT, "Error 199."));
    }
}
