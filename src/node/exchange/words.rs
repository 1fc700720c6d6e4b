//! Why a command was not carried out, when the reason is the way to the node.

use crate::node::event::Failure;

/// Asked while there is nobody to ask.
pub fn lost() -> Failure {
    Failure::network("The link to the node is lost, so nothing was asked.")
        .hint("It is tried again by itself. What is shown is from before.")
}

/// Asked before the link was lost.
pub fn unanswered() -> Failure {
    Failure::network("The link to the node was lost before it answered.")
        .hint("It may have been done all the same: when the node is back, look before you ask again.")
}

/// Asked of a node that has been stopped since.
pub fn stopped() -> Failure {
    Failure::user("The node was stopped before it answered.").hint("Start it, look how far it got, and ask again if need be.")
}

/// A start in a window that starts none.
pub fn only_attaches() -> Failure {
    Failure::user("No node runs, and this window starts none: its mode is \"attached\".")
        .hint("Start one with `pylon start`; the window finds it by itself.")
        .hint("To let the window start it: `pylon config set node.mode daemon`, and open the window without --attach.")
}

pub fn busy() -> Failure {
    Failure::user("The node is busy.").hint("It has 64 commands to carry out; try again in a moment.")
}
