//! Who is on the line.

use std::time::{Duration, Instant};

use super::Pace;
use crate::config::Mode;
use crate::domain::ids::RequestId;
use crate::domain::time::UnixMs;
use crate::node::command::NodeCommand;
use crate::node::control::{ControlError, Wire};
use crate::node::status::NodeStatus;

/// How long a node that is called may take to answer, on a machine that is busy.
const ANSWER: Duration = Duration::from_secs(5);

/// Numbers of our own questions; the window's begin at one.
pub const WATCH: RequestId = RequestId(u64::MAX - 8);
pub const PING: RequestId = RequestId(u64::MAX - 9);
pub const HAND_OVER: RequestId = RequestId(u64::MAX - 10);

/// Where commands go.
pub enum Line {
    /// To the node in this process, which runs or answers for a stopped one.
    Here,
    /// To a process of its own.
    There(Box<There>),
    /// Nowhere: it has gone.
    Lost(Loss),
}

/// A node that does not answer any more.
#[derive(Clone, Copy)]
pub struct Loss {
    pub pid: u32,
    /// When it last said something.
    pub since: UnixMs,
    /// As the config was then.
    pub mode: Mode,
}

/// A call that has not been answered.
pub struct Call {
    pub wire: Wire,
    pub until: Instant,
}

impl Call {
    /// Calls whoever listens there and asks for everything from now on.
    pub fn begin(socket: &std::path::Path) -> Result<Self, ControlError> {
        let wire = Wire::connect(socket)?;
        wire.ask(WATCH, NodeCommand::Watch)?;
        Ok(Self { wire, until: Instant::now() + ANSWER })
    }
}

/// A node that answers from outside.
pub struct There {
    pub wire: Wire,
    pub pid: u32,
    /// As last told.
    pub status: NodeStatus,
    /// When it last said something, by both clocks.
    heard: Instant,
    pub heard_at: UnixMs,
    /// It has been asked how it is, since then.
    pinged: Option<Instant>,
    /// It says things this version does not understand, and the user knows.
    pub is_foreign: bool,
}

impl There {
    pub fn new(wire: Wire, pid: u32, status: NodeStatus, now: UnixMs) -> Self {
        Self { wire, pid, status, heard: Instant::now(), heard_at: now, pinged: None, is_foreign: false }
    }

    /// It has said something: it lives.
    pub fn lives(&mut self, now: UnixMs) {
        (self.heard, self.heard_at, self.pinged) = (Instant::now(), now, None);
    }

    /// When it has been quiet, or silent, for too long.
    pub fn deadline(&self, pace: &Pace) -> Instant {
        match self.pinged {
            Some(pinged) => pinged + pace.silence,
            None => self.heard + pace.quiet,
        }
    }

    /// The deadline has passed: asks how it is, or gives up.
    pub fn ping(&mut self) -> Result<(), ControlError> {
        match self.pinged {
            Some(pinged) => Err(ControlError::Silent(pinged.elapsed().as_secs())),
            None => {
                self.pinged = Some(Instant::now());
                self.wire.ask(PING, NodeCommand::Status)
            }
        }
    }
}
