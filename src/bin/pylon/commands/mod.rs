//! One verb a file.

mod config;
mod daemon;
mod doctor;
mod earnings;
mod identity;
mod init;
mod job;
mod jobs;
mod logs;
mod models;
mod pin;
pub mod practice;
mod relays;
mod restart;
mod run;
pub mod serve;
mod service;
mod session;
mod shell;
mod test;
mod trial;
mod wallet;

use pylon_hud::node::Failure;

use crate::args::{Args, Verb};
use crate::talk::Place;

/// Carries out what the command line says.
pub fn run(args: Args) -> Result<(), Failure> {
    let place = Place::new(&args)?;
    match args.verb {
        Verb::Init(init) => init::run(&place, &init),
        Verb::Identity(identity) => identity::run(&place, &identity.verb),
        Verb::Run(run) => run::run(&place, &run),
        Verb::Start(start) => daemon::start(&place, &start),
        Verb::Daemon(daemon) => daemon::daemon(&place, &daemon),
        Verb::Online(output) => session::online(&place, output),
        Verb::Offline(offline) => session::offline(&place, &offline),
        Verb::Status(output) => session::status(&place, output),
        Verb::Watch(output) => session::watch(&place, output),
        Verb::Stop(stop) => session::stop(&place, &stop),
        Verb::Restart(restart) => restart::run(&place, &restart),
        Verb::Logs(logs) => logs::run(&place, &logs),
        Verb::Service(service) => service::run(&place, &service.verb),
        Verb::Doctor(output) => doctor::run(&place, output),
        Verb::Test(test) => test::run(&place, &test),
        Verb::Models(models) => models::run(&place, &models),
        Verb::Jobs(jobs) => jobs::run(&place, &jobs),
        Verb::Earnings(earnings) => earnings::run(&place, &earnings),
        Verb::Wallet(wallet) => wallet::run(&place, &wallet),
        Verb::Job(job) => job::run(&place, job),
        Verb::Relays(relays) => relays::run(&place, &relays.verb),
        Verb::Config(config) => config::run(&place, &config),
        Verb::Completions(completions) => shell::completions(&completions),
        Verb::Man(man) => shell::man(&man),
        Verb::Practice(practice) if practice.chaos || practice.pairs.is_some() => trial::run(&place, &practice),
        Verb::Practice(practice) => practice::run(&place, &practice),
        Verb::PracticeMember(member) => trial::member(&member),
    }
}
