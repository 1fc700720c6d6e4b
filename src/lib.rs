//! Pylon HUD: sell and buy compute over Nostr, paid in bitcoin.
//!
//! Two programs share this library. `pylon` is the node without a window; `pylon-hud` is the window with the node
//! inside. Whoever drives the node sends [`node::NodeCommand`] and hears [`node::NodeEvent`].
//!
//! The rooms, in reading order: what a job is ([`domain`]), how it looks on the wire ([`nip90`]), who we are
//! ([`identity`]), how events come and go ([`relay`]), who does the work ([`inference`]), what is remembered
//! ([`store`]), what the operator wants ([`config`]), and the node that holds them together ([`node`]). [`practice`] is
//! a whole market on one machine. Small things everybody needs: what time it is ([`clock`]), the [`logging`], TLS and HTTP
//! ([`net`]), and Ctrl-C ([`signals`]). `hud` is the window and the only room that knows Bevy.
//!
//! What is absent matters: `domain` knows no clock, file or socket; only `store` knows SQL; only `config::paths` reads
//! the environment. `tests/house_rules.rs` holds us to it.

pub mod domain;
pub mod nip90;

pub mod identity;
pub mod inference;
pub mod relay;
pub mod store;
pub mod wallet;

pub mod config;
pub mod node;
pub mod practice;

pub mod clock;
pub mod logging;
pub mod net;
pub mod signals;

#[cfg(feature = "hud")]
pub mod hud;
