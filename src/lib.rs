//! Pylon HUD: sell and buy compute over Nostr, paid in bitcoin.

pub mod config;
pub mod domain;
#[cfg(feature = "hud")]
pub mod hud;
pub mod identity;
pub mod inference;
pub mod net;
pub mod nip90;
pub mod relay;
pub mod store;
