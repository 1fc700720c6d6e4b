//! The node: everything that happens without a window.
//!
//! One contract for whoever drives it: [`NodeCommand`] in, [`NodeEvent`] out, over channels in this process or as JSON
//! lines over the control socket. The handle exists from launch in state *stopped*: nothing connected, no lock, nothing
//! bound; `Start` is a command. While stopped it still answers what the ledger knows, from a read-only open.
//!
//! ```text
//! NodeCommand ─▶ supervisor ─┬▶ services (lock, ledger, relays, backends, control socket)
//!                            ├▶ provider (intake, queue, runs, delivery, ad)
//!                            └▶ consumer (requests of our own, offers, answers)
//! NodeEvent   ◀─ outlet ◀────── everybody
//! ```

pub mod audit;
mod cashier;
mod command;
pub mod connection;
mod consumer;
#[cfg(unix)]
pub mod control;
#[cfg(unix)]
pub mod daemon;
mod directory;
pub mod doctor;
mod door;
pub mod event;
#[cfg(unix)]
pub mod exchange;
mod handle;
mod holder;
mod ledger_watch;
mod link;
mod lock;
mod options;
mod outlet;
mod pin_desk;
pub mod pin_reset;
mod preflight;
pub mod provider;
mod purse;
mod queries;
mod relay_list;
mod robot;
mod robot_buyer;
mod robot_seller;
mod secret;
mod sending;
mod services;
mod settings_watch;
pub mod spark;
pub mod status;
mod supervisor;
mod tasks;
mod teller;
mod test_job;
pub mod trouble;
mod unlock;
pub mod wake;

pub use command::{Leaving, NameChange, NodeCommand, Request, RobotKind};
pub use consumer::Ask;
pub use doctor::{Finding, Preflight, Verdict};
pub use event::{Failure, FailureKind, Fault, NodeEvent, Quote, Report, Scope, TestStep, sentence};
pub use handle::{Node, NodeHandle};
pub use holder::LockHolder;
pub use link::{Fate, Link, Whose};
pub use options::{Housing, Market, NodeOptions, Paces};
pub use robot::{BuyError, Heard, PROMPTS, Purchase, Robot};
pub use robot_buyer::play_money;
pub use secret::Secret;
pub use settings_watch::SettingChange;
pub use status::{NodeState, NodeStatus};
pub use unlock::refused as identity_refused;
