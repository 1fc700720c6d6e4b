//! The node as a whole: a real relay over real websockets, a real ledger on disk, a scripted model.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod bad_places;
mod buying;
mod cli;
mod cli_codes;
mod cli_help;
mod cli_relays;
mod cli_shell;
mod common;
mod connected;
mod control;
mod crash;
mod crash_buyer;
mod daemon;
mod errand;
mod exchange;
mod failed_start;
mod free_job;
mod front;
mod healing;
mod late_relays;
mod leaving;
mod ledger_trouble;
mod logs;
mod ollama;
mod paid_job;
mod purse;
mod questions;
mod refund;
mod refusals;
mod relay_list;
mod robot;
mod sealed;
mod service;
mod session;
mod settings_live;
mod spark;
mod spending_pin;
mod strangers;
