//! `pylon practice --pairs` and `--chaos`: the whole market under load, and under fire.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::time::Duration;

use pylon_hud::domain::ids::RequestId;
use pylon_hud::domain::money::MilliSats;
use pylon_hud::node::{Failure, Leaving, Node, NodeCommand, NodeEvent, sentence};
use pylon_hud::practice::trial::{Member, Role, Tally, Trial};

use crate::args::{Practice, PracticeMember};
use crate::report::{json, line};
use crate::talk::{self, Place};

/// The longest a trial may take before it is settled and counted as it stands.
const LIMIT: Duration = Duration::from_secs(3_600);
/// How long a member's last words may take.
const LEAVE: Duration = Duration::from_secs(5);

/// Runs a trial. Fails unless nothing was lost, nothing happened twice and the money adds up.
pub fn run(place: &Place, practice: &Practice) -> Result<(), Failure> {
    let place = place.practice();
    let failed = |error: std::io::Error| Failure::user(sentence(&error));
    place.paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
    let dir = tempfile::Builder::new().prefix("trial-").tempdir_in(&place.paths.data_dir).map_err(failed)?;
    let trial = Trial {
        jobs: practice.jobs,
        pairs: practice.pairs.unwrap_or(1).min(practice.jobs),
        chaos: practice.chaos,
        open: practice.open,
        seed: practice.seed,
        dir: dir.path().to_owned(),
        program: std::env::current_exe().map_err(failed)?,
        limit: LIMIT,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    let is_watched = std::io::stderr().is_terminal();
    let tally = runtime.block_on(trial.run(|made, ended| {
        if is_watched {
            let _ = write!(std::io::stderr(), "\r{made} asked, {ended} ended of {}  ", practice.jobs);
        }
    }));
    if is_watched {
        let _ = writeln!(std::io::stderr());
    }
    let tally = tally.map_err(|error| Failure::internal(sentence(&error)))?;
    if practice.output.json {
        json(&tally)?;
    } else {
        summary(&tally)?;
    }
    if tally.is_good() {
        return Ok(());
    }
    // What went wrong is kept, with every ledger and wallet.
    let kept = dir.keep();
    Err(Failure::internal("The trial has failed.").hint(format!("Everything it left is in {}.", kept.display())))
}

fn summary(tally: &Tally) -> Result<(), Failure> {
    for problem in &tally.problems {
        line(&format!("! {problem}"))?;
    }
    let invariant = if tally.invariant { "holds" } else { "BROKEN" };
    line(&format!(
        "PRACTICE jobs {}  paid {}  delivered {}  refunded {}  lost {}  doubled {}  invariant {invariant}  ({} kills, {} storm damage, {:.0} s)",
        tally.jobs,
        tally.paid,
        tally.delivered,
        tally.refunded,
        tally.lost,
        tally.doubled,
        tally.kills,
        tally.damage,
        tally.took.as_secs_f64(),
    ))?;
    let figures = &tally.figures;
    line(&format!(
        "         {} jobs a minute, request to paid p50 {} ms p95 {} ms, request to answer p50 {} ms p95 {} ms",
        figures.jobs_per_minute, figures.to_paid_ms.p50, figures.to_paid_ms.p95, figures.to_result_ms.p50, figures.to_result_ms.p95,
    ))?;
    if let (Some(seller), Some(buyer)) = (figures.seller_kib, figures.buyer_kib) {
        let mib = |kib: u64| kib / 1024;
        let (from, to) = ((mib(seller.early), mib(buyer.early)), (mib(seller.late), mib(buyer.late)));
        line(&format!("         memory after 1 % and at the end: seller {} and {} MiB, buyer {} and {} MiB", from.0, to.0, from.1, to.1))?;
    }
    Ok(())
}

/// One node of a trial. Ends when it is told to, or when the process that started it is gone.
pub fn member(args: &PracticeMember) -> Result<(), Failure> {
    let member = Member {
        role: args.role,
        dir: args.dir.clone(),
        relay: args.relay.clone(),
        seed: args.seed,
        funds: MilliSats(args.funds_msats),
        chaos: args.chaos,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::internal(format!("No runtime could be made: {error}.")))?;
    let options = runtime.block_on(member.options()).map_err(|error| Failure::user(sentence(&error)))?;
    let node = Node::launch(options).map_err(|error| Failure::internal(sentence(&error)))?;
    let begin = match member.role {
        Role::Seller => NodeCommand::GoOnline,
        Role::Buyer => NodeCommand::Start,
    };
    let id = RequestId(1);
    talk::send(&node, id, begin)?;
    let commands = node.commands.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = commands.send(pylon_hud::node::Request { id: RequestId(2), command: NodeCommand::Stop { how: Leaving::Now } });
    });
    let mut has_started = false;
    while let Ok(told) = node.events.recv() {
        match (told.id, told.event) {
            (Some(answered), NodeEvent::Failed { failure }) if answered == id => return Err(failure),
            (Some(answered), NodeEvent::Done) if answered == id => has_started = true,
            (Some(RequestId(2)), NodeEvent::Done) => break,
            (None, NodeEvent::Status { status }) if has_started && !status.running => break,
            (_, NodeEvent::Fault { fault }) => {
                let _ = writeln!(std::io::stderr(), "{} {}", fault.message, fault.hint);
            }
            _ => {}
        }
    }
    node.stop(Leaving::Now, LEAVE);
    Ok(())
}
