//! The control socket: the same commands and events as in-process, one JSON object a line.
//!
//! Only processes of the same user get in: the directory is 0700, the socket 0600, and the peer's uid is checked with
//! SO_PEERCRED on every connection, because a socket handed over through a shared directory would pass the first two.
//! Mnemonics and keys never cross it.

mod client;
mod server;
mod wire;

pub use client::{ControlClient, ControlError};
pub use server::{Asked, serve};
pub use wire::{Heard, Wire};

/// Bytes a line may have. A prompt for a self-test fits; a file does not.
const MAX_LINE: usize = 1024 * 1024;
