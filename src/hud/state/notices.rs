//! Notices: what the user should know now. Errors stay until they are taken away; others go by themselves, and are in
//! Activity afterwards.

use std::time::{Duration, Instant};

use bevy::prelude::*;
use bevy::time::Real;

use super::{Now, Reduce};
use crate::domain::time::UnixMs;
use crate::hud::HudSystems;
use crate::hud::bridge::{Alarm, FromNode};
use crate::hud::theme::tokens;
use crate::logging::redact;
use crate::node::{FailureKind, Link, NodeCommand, NodeEvent, Whose};

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
}

impl Notices {
    /// Adds one. The same words again are counted, not stacked.
    pub fn tell(&mut self, now: UnixMs, tone: Tone, title: impl Into<String>, text: impl Into<String>) {
        let (title, text) = (redact(&title.into()), redact(&text.into()));
        if let Some(known) = self.stack.iter_mut().find(|known| known.title == title && known.text == text && known.tone == tone) {
            known.times += 1;
            known.since = now;
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
            (_, NodeEvent::Fault { fault }) => self.tell(now, Tone::Warning, &fault.message, &fault.hint),
            // Shown where it was asked for.
            (
                Some(NodeCommand::TestJob { .. } | NodeCommand::Jobs { .. } | NodeCommand::Job { .. } | NodeCommand::Stats),
                NodeEvent::Failed { .. },
            ) => {}
            (Some(NodeCommand::Payments { .. } | NodeCommand::Receive { .. } | NodeCommand::Pay { .. }), NodeEvent::Failed { .. }) => {}
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
            (_, NodeEvent::Failed { failure }) => self.tell(now, Tone::Error, &failure.message, failure.hints.join(" ")),
            (Some(NodeCommand::SetSetting { key, value }), NodeEvent::Done) => {
                self.tell(now, Tone::Good, format!("{key} is now {value}."), "Written to the config file.");
            }
            (_, NodeEvent::Link { link: Link::Outside { pid, whose: Whose::Found } }) => {
                let title = format!("Attached to the node in process {pid}.");
                self.tell(now, Tone::Good, title, "It runs already, and goes on when this window closes.");
            }
            (Some(NodeCommand::PullModel { model }), NodeEvent::Done) => {
                self.tell(now, Tone::Good, format!("{model} is here."), "Jobs can ask for it.");
            }
            _ => {}
        }
    }
}

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, expire.in_set(HudSystems::Move));
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
        assert_eq!((notices.stack.len(), notices.stack[KEPT - 1].title.as_str()), (KEPT, "Error 199."));
    }
}
