//! How a window reaches its node.

use serde::{Deserialize, Serialize};

use crate::config::Mode;
use crate::domain::time::UnixMs;

/// Where the node is, seen from the window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Link {
    /// In the window's own process, running or stopped.
    #[default]
    Inside,
    /// It would be a process of its own, and none runs.
    Nobody { mode: Mode },
    /// It is a process of its own, and answers.
    Outside { pid: u32, whose: Whose },
    /// It was a process of its own, and does not answer any more. What is known of it is from before.
    Lost { pid: u32, since: UnixMs, fate: Fate, mode: Mode },
}

impl Link {
    /// The process outside, while it answers.
    pub const fn reached(&self) -> Option<u32> {
        if let Self::Outside { pid, .. } = self { Some(*pid) } else { None }
    }

    /// Whether whoever is asked can answer.
    pub const fn is_up(&self) -> bool {
        !matches!(self, Self::Lost { .. })
    }

    /// Whether the node goes on when the window leaves it.
    pub const fn outlives_us(&self) -> bool {
        matches!(self, Self::Outside { whose: Whose::Found, .. } | Self::Lost { .. })
    }
}

/// Who has started a node outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// This window: it stops it when it closes.
    Ours,
    /// Somebody else: it is left running.
    Found,
}

/// What has become of a process that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It has ended without a word.
    Gone,
    /// It still holds the data directory.
    Silent,
}
