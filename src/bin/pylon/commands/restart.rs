//! `pylon restart`.

use pylon_hud::identity::Identity;
use pylon_hud::node::control::ControlError;
use pylon_hud::node::{Failure, Housing, Leaving, Market, NodeState, NodeStatus, identity_refused};
use secrecy::SecretString;

use super::{daemon, serve, session};
use crate::args::{Restart, RobotName, Start, Unlock};
use crate::passphrase;
use crate::talk::{self, PATIENT, Place};

/// The same node in a new process, online if it was. A node that is not running is started.
pub fn run(place: &Place, restart: &Restart) -> Result<(), Failure> {
    let mut again = Start { online: restart.online, robot: Vec::new(), unlock: restart.unlock, output: restart.output };
    let status = match session::hello(place) {
        Ok((status, _)) => status,
        // Nobody is there, or somebody who does not answer: starting finds out.
        Err(ControlError::NotRunning) => return daemon::start(place, &again),
        Err(error) => return Err(talk::failure(error)),
    };
    refuse(&status)?;
    let passphrase = can_start(place, &restart.unlock)?;
    again.online |= matches!(status.state, NodeState::Connecting | NodeState::Online | NodeState::Degraded);
    again.robot.extend(status.robot_buyer.then_some(RobotName::Buyer));
    again.robot.extend(status.robot_seller.then_some(RobotName::Seller));
    let how = if restart.now { Leaving::Now } else { Leaving::Finish };
    session::end(place, how, PATIENT).map_err(|ending| ending.failure(place))?;
    daemon::begin(place, &again, passphrase.as_ref())
}

/// Makes sure, before the node is stopped, that it will start again as far as that can be known. Gives the passphrase.
fn can_start(place: &Place, unlock: &Unlock) -> Result<Option<SecretString>, Failure> {
    serve::config(place)?;
    let passphrase = passphrase::to_start(place, unlock)?;
    if place.market == Market::Real {
        Identity::unlock(&place.paths, passphrase.as_ref()).map_err(|error| identity_refused(&error))?;
    }
    Ok(passphrase)
}

/// What is not in the background was started by somebody who has to start it again.
fn refuse(status: &NodeStatus) -> Result<(), Failure> {
    let pid = status.pid.unwrap_or_default();
    match status.housing {
        Housing::Daemon => Ok(()),
        Housing::Errand => {
            Err(Failure::user(format!("Process {pid} runs a node for one command, and was left alone.")).hint("Try again when it is done."))
        }
        Housing::Foreground => Err(Failure::user(format!("Process {pid} runs in the foreground and was left alone."))
            .hint("Restart it where it was started; as a service, with `systemctl --user restart pylon`.")),
        Housing::Inside => Err(Failure::user(format!("The node runs inside process {pid}, a window, and was left alone."))
            .hint("Restart it there, or with `pylon stop` and then `pylon start`.")),
    }
}
