//! `pylon run`: a node in the foreground.

use std::sync::Arc;

use pylon_hud::node::{Failure, Housing, Report};

use super::serve::{self, Audience, Wishes};
use crate::args::{Output, Run};
use crate::notify::{self, Phase};
use crate::passphrase;
use crate::report;
use crate::talk::Place;

/// Runs until a signal, `pylon stop`, or a failed start; prints what happens.
pub fn run(place: &Place, run: &Run) -> Result<(), Failure> {
    let robots = run.robot.iter().map(|robot| robot.kind()).collect();
    let passphrase = passphrase::to_start(place, &run.unlock)?.map(Arc::new);
    let wishes = Wishes { online: run.online, robots, housing: Housing::Foreground, passphrase };
    serve::serve(place, &wishes, &mut Terminal { place, output: run.output })?;
    notify::tell(&place.environment, Phase::Stopping);
    Ok(())
}

/// Whoever sits there.
struct Terminal<'a> {
    place: &'a Place,
    output: Output,
}

impl Audience for Terminal<'_> {
    fn opened(&mut self, relay: &str) {
        report::aside(&format!("PRACTICE: play money, on a relay of this machine's own at {relay}."));
    }

    fn started(&mut self) -> Result<(), Failure> {
        notify::tell(&self.place.environment, Phase::Ready);
        Ok(())
    }

    /// A screen that takes nothing more, such as a file on a full disk, is no reason to stop.
    fn event(&mut self, report: &Report) -> Result<(), Failure> {
        if let Err(failure) = report::event(report, self.output) {
            tracing::debug!("{}", failure.message);
        }
        Ok(())
    }
}
