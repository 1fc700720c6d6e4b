//! Asking for the spending PIN: what for, how far that is, and what it leads to.
//!
//! What is typed is held by [`view::Form`] until it is entered, and by the desk only between a new PIN and its repetition.
//! Both are overwritten when they are given up; neither is in any preferences, log or Debug text.

mod section;
mod view;

use bevy::prelude::*;

use super::HudSystems;
use super::action::UserAction;
use super::bridge::FromNode;
use super::kiosk::Kiosk;
use super::prefs::Preferences;
use super::state::{MarketChanged, Session};
use crate::domain::spend_lock::Spending;
use crate::node::{FailureKind, NodeCommand, NodeEvent, Secret};

pub use section::section;
pub use view::{Form, draw};

/// What the PIN is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum PinWish {
    /// To do this: what a kiosk does for nobody else.
    Then(Box<UserAction>),
    /// To unlock spending, and then do this.
    Unlock { then: Option<Box<UserAction>> },
    /// To carry this command out.
    Command(NodeCommand),
    /// To set the first one, or another.
    Set,
    /// To have none any more.
    Remove,
}

/// How far the asking is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The PIN there is.
    Show,
    /// A new one.
    New,
    /// The new one once more.
    Again,
}

/// The question for a PIN.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub wish: PinWish,
    pub step: Step,
    /// What was wrong with the last try.
    pub trouble: Option<String>,
    /// The node is at it.
    pub is_trying: bool,
    old: Option<Secret>,
    new: Option<Secret>,
}

/// Where the PIN is asked for.
#[derive(Resource, Debug, Clone, Default, PartialEq)]
pub struct PinDesk {
    asked: Option<Asked>,
}

impl PinDesk {
    pub const fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    pub const fn asked(&self) -> Option<&Asked> {
        self.asked.as_ref()
    }

    /// Asks. Where there is no PIN yet, one is set first.
    pub fn ask(&mut self, wish: PinWish, session: &Session) {
        let has_pin = session.spending.is_none_or(|spending| spending.has_pin);
        let step = if has_pin { Step::Show } else { Step::New };
        self.asked = Some(Asked { wish, step, trouble: None, is_trying: false, old: None, new: None });
    }

    pub fn give_up(&mut self) {
        self.asked = None;
    }

    /// Takes what was typed; gives the command that tries it. Spending is unlocked for so long.
    pub fn enter(&mut self, typed: &Secret, secs: Option<u32>) -> Option<NodeCommand> {
        let asked = self.asked.as_mut()?;
        asked.trouble = None;
        let pin = typed.clone();
        let command = match (asked.step, &asked.wish) {
            (Step::Show, PinWish::Set) => {
                (asked.old, asked.step) = (Some(pin), Step::New);
                return None;
            }
            (Step::Show, PinWish::Remove) => NodeCommand::SetPin { old: Some(pin), new: None },
            (Step::Show, PinWish::Then(_)) => NodeCommand::CheckPin { pin },
            (Step::Show, PinWish::Unlock { .. }) => NodeCommand::UnlockSpending { pin, secs },
            (Step::Show, PinWish::Command(command)) => NodeCommand::WithPin { pin, command: Box::new(command.clone()) },
            (Step::New, _) => {
                (asked.new, asked.step) = (Some(pin), Step::Again);
                return None;
            }
            (Step::Again, _) if asked.new.as_ref() == Some(typed) => NodeCommand::SetPin { old: asked.old.clone(), new: asked.new.clone() },
            (Step::Again, _) => {
                (asked.new, asked.step) = (None, Step::New);
                asked.trouble = Some("The two are different. Begin again with the new one.".into());
                return None;
            }
        };
        asked.is_trying = true;
        Some(command)
    }

    /// Hears what the node says to what was tried; gives what is to be done then.
    fn hear(&mut self, said: &FromNode, spending: Option<Spending>, secs: Option<u32>) -> Option<UserAction> {
        let answers = said.answers.as_ref()?;
        if let NodeEvent::Failed { failure } = &said.event
            && failure.kind == FailureKind::Pin
            && !self.is_asking()
            && !is_about_pin(answers)
        {
            // A command that turned out to need the PIN.
            self.asked = Some(Asked {
                wish: PinWish::Command(answers.clone()),
                step: Step::Show,
                trouble: None,
                is_trying: false,
                old: None,
                new: None,
            });
            return None;
        }
        let asked = self.asked.as_mut().filter(|asked| asked.is_trying && asked.waits_for(answers))?;
        match &said.event {
            NodeEvent::Failed { failure } if is_about_pin(answers) || failure.kind == FailureKind::Pin => {
                asked.miss(&failure.message, spending);
                None
            }
            // With the PIN it failed for another reason, which is told where the command came from.
            NodeEvent::Failed { .. } => self.close(),
            _ => self.succeed(secs),
        }
    }

    /// What was tried is done.
    fn succeed(&mut self, secs: Option<u32>) -> Option<UserAction> {
        let asked = self.asked.take()?;
        let was_set = asked.step == Step::Again;
        match asked.wish {
            PinWish::Then(action) => Some(UserAction::Sure(action)),
            PinWish::Unlock { then } if was_set => {
                let pin = asked.new.clone()?;
                self.asked = Some(Asked { wish: PinWish::Unlock { then }, step: Step::Show, ..asked });
                Some(UserAction::Sure(Box::new(UserAction::Ask(NodeCommand::UnlockSpending { pin, secs }))))
            }
            PinWish::Unlock { then } => then.map(|then| *then),
            PinWish::Command(_) | PinWish::Set | PinWish::Remove => None,
        }
    }

    fn close(&mut self) -> Option<UserAction> {
        self.asked = None;
        None
    }
}

impl Asked {
    /// Whether this is the command that is being tried.
    fn waits_for(&self, command: &NodeCommand) -> bool {
        match &self.wish {
            PinWish::Command(wanted) => wanted == command,
            _ => is_about_pin(command),
        }
    }

    /// It was not taken.
    fn miss(&mut self, why: &str, spending: Option<Spending>) {
        let has_pin = spending.is_none_or(|spending| spending.has_pin);
        self.is_trying = false;
        self.trouble = Some(why.to_owned());
        self.step = if has_pin { Step::Show } else { Step::New };
        (self.old, self.new) = (None, None);
    }
}

const fn is_about_pin(command: &NodeCommand) -> bool {
    matches!(command, NodeCommand::CheckPin { .. } | NodeCommand::SetPin { .. } | NodeCommand::UnlockSpending { .. })
}

/// For how long spending is unlocked: in a kiosk for a while.
pub fn unlock_secs(kiosk: &Kiosk, preferences: &Preferences) -> Option<u32> {
    kiosk.is_on.then(|| u32::from(preferences.kiosk.unlock_minutes.max(1)).saturating_mul(60))
}

pub fn plugin(app: &mut App) {
    app.init_resource::<PinDesk>().init_resource::<Form>();
    app.add_systems(Update, listen.in_set(HudSystems::Ask));
    app.add_observer(|_: On<'_, '_, MarketChanged>, mut desk: ResMut<'_, PinDesk>| desk.give_up());
}

/// After state has taken in what was said: whether there is a PIN is known by then.
pub(super) fn listen(
    mut said: PopulatedMessageReader<'_, '_, FromNode>,
    session: Res<'_, Session>,
    kiosk: Res<'_, Kiosk>,
    preferences: Res<'_, Preferences>,
    mut desk: ResMut<'_, PinDesk>,
    mut actions: MessageWriter<'_, UserAction>,
) {
    for said in said.read() {
        if let Some(action) = desk.hear(said, session.spending, unlock_secs(&kiosk, &preferences)) {
            actions.write(action);
        }
    }
}

#[cfg(test)]
mod tests;
