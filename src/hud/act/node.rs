//! What concerns the node: markets and commands.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;

use crate::config::Mode;
use crate::hud::action::UserAction;
use crate::hud::bridge::{Bridge, SendError};
use crate::hud::kiosk::Kiosk;
use crate::hud::pin::{PinDesk, unlock_secs};
use crate::hud::prefs::Preferences;
use crate::hud::state::{Lock, MarketChanged, Notices, Now, Session, Tone};
use crate::node::{Failure, Fate, Leaving, Link, Market, NodeCommand, NodeState, Secret};

/// What it takes to speak to the node.
#[derive(SystemParam)]
pub struct Line<'w, 's> {
    commands: Commands<'w, 's>,
    bridge: ResMut<'w, Bridge>,
    notices: ResMut<'w, Notices>,
    lock: ResMut<'w, Lock>,
    session: Res<'w, Session>,
    now: Res<'w, Now>,
}

/// Obeys what the node has to do with.
pub fn obey(
    mut actions: PopulatedMessageReader<'_, '_, UserAction>,
    mut line: Line<'_, '_>,
    mut desk: ResMut<'_, PinDesk>,
    kiosk: Res<'_, Kiosk>,
    preferences: Res<'_, Preferences>,
) {
    for action in actions.read() {
        match action {
            UserAction::Enter(market) | UserAction::Choose(market) => line.enter(*market),
            UserAction::ChooseAgain => line.leave(),
            UserAction::Ask(command) => drop(line.send(command.clone())),
            UserAction::ToggleOnline => {
                match (online_wish(&line.session), out_of_reach(&line.session.link)) {
                    (Some(command), _) => drop(line.send(command)),
                    (None, Some(words)) => line.complain(&Failure::user(words)),
                    // It is on its way already.
                    (None, None) => {}
                }
            }
            // Locked already, it comes here no more: the gate asks for the PIN.
            UserAction::ToggleSpending => drop(line.send(NodeCommand::LockSpending)),
            UserAction::EnterPin(typed) => {
                if let Some(command) = desk.enter(typed, unlock_secs(&kiosk, &preferences))
                    && !line.send(command)
                {
                    desk.give_up();
                }
            }
            UserAction::LeavePin => desk.give_up(),
            UserAction::Unlock(passphrase) => line.unlock(passphrase),
            UserAction::StayLocked => line.lock.give_up(),
            _ => {}
        }
    }
}

/// What "online or offline" means now; `None`: the node is on its way already, or nobody knows where it is.
pub const fn online_wish(session: &Session) -> Option<NodeCommand> {
    match session.link {
        _ if out_of_reach(&session.link).is_some() => None,
        // It is dead: the next one may begin.
        Link::Lost { .. } => Some(NodeCommand::GoOnline),
        Link::Inside | Link::Nobody { .. } | Link::Outside { .. } => wish_in(session.status.state),
    }
}

/// Why no node can be started or asked from here, with what would help; `None`: one can.
pub const fn out_of_reach(link: &Link) -> Option<&'static str> {
    match link {
        Link::Lost { fate: Fate::Silent, .. } => Some("The node does not answer. It is asked again by itself."),
        Link::Lost { fate: Fate::Gone, mode: Mode::Attached, .. } => {
            Some("The node has ended, and this window starts none. `pylon start` does; it is found by itself.")
        }
        Link::Nobody { mode: Mode::Attached } => {
            Some("No node runs, and this window starts none. `pylon start` does; it is found by itself.")
        }
        Link::Lost { fate: Fate::Gone, .. } | Link::Inside | Link::Nobody { .. } | Link::Outside { .. } => None,
    }
}

const fn wish_in(state: NodeState) -> Option<NodeCommand> {
    match state {
        NodeState::Stopped | NodeState::Offline => Some(NodeCommand::GoOnline),
        NodeState::Connecting | NodeState::Online | NodeState::Degraded => Some(NodeCommand::GoOffline { how: Leaving::Finish }),
        // Pressed again: do not wait for the jobs either.
        NodeState::Draining => Some(NodeCommand::GoOffline { how: Leaving::Now }),
        NodeState::Starting | NodeState::Stopping => None,
    }
}

impl Line<'_, '_> {
    fn enter(&mut self, market: Market) {
        if let Err(failure) = self.bridge.enter(market) {
            self.complain(&failure);
        }
        self.commands.trigger(MarketChanged);
    }

    fn leave(&mut self) {
        if !self.session.may_leave() {
            self.complain(&Failure::user("The node is running, so the market cannot be left.").hint("Stop the node first."));
            return;
        }
        self.bridge.leave();
        self.commands.trigger(MarketChanged);
    }

    /// False: it did not go out, and why is told.
    fn send(&mut self, command: NodeCommand) -> bool {
        let failure = match self.bridge.send(command) {
            Ok(()) => return true,
            Err(SendError::Busy) => Failure::user("The node is busy.").hint("It has 64 commands to carry out; try again in a moment."),
            Err(SendError::NoMarket) => Failure::user("There is no node yet.").hint("Choose practice or real first."),
            Err(SendError::Launch(failure)) => failure,
        };
        self.complain(&failure);
        false
    }

    fn unlock(&mut self, passphrase: &Secret) {
        // Cancelled in the same frame: there is nothing to start any more.
        if let Some(start) = self.lock.attempt() {
            self.send(NodeCommand::Unlock { passphrase: passphrase.clone() });
            self.send(start);
        }
    }

    fn complain(&mut self, failure: &Failure) {
        self.notices.tell(self.now.0, Tone::Error, &failure.message, failure.hints.join(" "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_goes_both_ways_and_a_second_press_does_not_wait() {
        assert_eq!(wish_in(NodeState::Stopped), Some(NodeCommand::GoOnline));
        assert_eq!(wish_in(NodeState::Degraded), Some(NodeCommand::GoOffline { how: Leaving::Finish }));
        assert_eq!(wish_in(NodeState::Draining), Some(NodeCommand::GoOffline { how: Leaving::Now }));
        assert_eq!(wish_in(NodeState::Starting), None);
    }
}
