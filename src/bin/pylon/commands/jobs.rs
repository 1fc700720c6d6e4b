//! `pylon jobs`.

use pylon_hud::node::{Failure, NodeCommand, NodeEvent};
use pylon_hud::store::{JobDetail, JobsQuery};

use crate::args::{Jobs, JobsVerb, Output};
use crate::errand::Errand;
use crate::talk::{ANSWER, PATIENT, Place, unexpected};
use crate::{money, report, totals};

/// Lists jobs, shows one, calls one off, or adds them up.
pub fn run(place: &Place, jobs: &Jobs) -> Result<(), Failure> {
    match &jobs.verb {
        None => list(place, jobs),
        Some(JobsVerb::Show { id, output }) => show(place, id, *output),
        Some(JobsVerb::Cancel { id }) => {
            place.ask_running(NodeCommand::CancelJob { job: id.clone() }, ANSWER)?;
            report::done("The job is called off.", jobs.output)
        }
        Some(JobsVerb::Refund { id, to, unlock, pin }) => {
            let job = detail(place, id)?.record.id.to_string();
            let mut errand = Errand::begin(place, unlock)?;
            let refund = NodeCommand::Refund { job, to: to.clone() };
            match crate::pin::pay(|command, limit| errand.ask(command, limit), refund, PATIENT, *pin)? {
                NodeEvent::Payment { payment } => money::payment(&payment, jobs.output),
                event => Err(unexpected(&event)),
            }
        }
        Some(JobsVerb::WriteOff { id, unlock }) => {
            let job = detail(place, id)?.record.id.to_string();
            Errand::begin(place, unlock)?.ask(NodeCommand::WriteOff { job }, ANSWER)?;
            report::done("The refund is given up.", jobs.output)
        }
        Some(JobsVerb::Stats { output }) => match place.ask(NodeCommand::Stats, ANSWER)? {
            NodeEvent::Stats { stats } => totals::stats(&stats, *output),
            event => Err(unexpected(&event)),
        },
    }
}

fn list(place: &Place, jobs: &Jobs) -> Result<(), Failure> {
    let state = match &jobs.state {
        None => None,
        Some(text) => Some(
            text.parse().map_err(|error| Failure::usage(format!("{error}.")).hint("Such as done, failed, running, answered, refused."))?,
        ),
    };
    let query = JobsQuery { state, limit: jobs.limit, ..JobsQuery::default() };
    match place.ask(NodeCommand::Jobs { query }, ANSWER)? {
        NodeEvent::Jobs { page } => report::jobs(&page, jobs.output),
        event => Err(unexpected(&event)),
    }
}

/// A job of the practice market is found as well: its id is what `pylon practice` has just printed.
fn show(place: &Place, id: &str, output: Output) -> Result<(), Failure> {
    match detail(place, id) {
        Ok(job) => report::job(&job, "", output),
        Err(failure) => match detail(&place.practice(), id) {
            Ok(job) => report::job(&job, "practice", output),
            Err(_) => Err(failure),
        },
    }
}

fn detail(place: &Place, id: &str) -> Result<Box<JobDetail>, Failure> {
    match place.ask(NodeCommand::Job { job: id.to_owned() }, ANSWER)? {
        NodeEvent::JobDetail { job } => Ok(job),
        event => Err(unexpected(&event)),
    }
}
