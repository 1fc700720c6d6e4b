//! The control socket: the same commands and events as in-process, one JSON object a line.
//!
//! Only processes of the same user get in: the directory is 0700, the socket 0600, and the peer's uid is checked with
//! SO_PEERCRED on every connection, because a socket handed over through a shared directory would pass the first two.
//! Mnemonics and keys never cross it.
//!
//! A program may begin with `hello` and the version it speaks; one the node does not speak is told so and hung up on. Every
//! line is bounded, and so is what waits for a reader: one who asks and does not read is hung up on.
//! docs/control-socket.md shows one example of each command, and a test says them to a socket.

mod client;
#[cfg(test)]
mod examples;
mod lines;
mod server;
mod wire;

pub use client::{ControlClient, ControlError};
pub use server::{Asked, hello, serve};
pub use wire::{Heard, Wire};

/// The form of commands and events. What is added keeps it; what is renamed or removed raises it.
pub const VERSION: u32 = 1;
/// Bytes a line may have. A prompt for a self-test fits; a file does not.
const MAX_LINE: usize = 1024 * 1024;
