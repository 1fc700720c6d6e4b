//! `pylon test`.

use pylon_hud::node::{Failure, NodeCommand, NodeEvent, TestStep};

use crate::args::Test;
use crate::report;
use crate::talk::{PATIENT, Place, failure, unexpected};

/// Follows the job from the request to the answer. The node ends it after `provider.job_timeout_secs`.
pub fn run(place: &Place, test: &Test) -> Result<(), Failure> {
    let mut client = place.connect()?;
    let id = client.ask(NodeCommand::TestJob { prompt: test.prompt.clone() }).map_err(failure)?;
    let mut heard = String::new();
    loop {
        let told = client.next(Some(PATIENT)).map_err(failure)?;
        if told.id != Some(id) {
            continue;
        }
        match told.event {
            NodeEvent::Testing { step } => {
                report::test_step(&step, &mut heard, test.output)?;
                if matches!(step, TestStep::Answered { .. }) {
                    return Ok(());
                }
            }
            NodeEvent::Failed { failure } => {
                // The pieces stand on a line that has not ended.
                if !heard.is_empty() {
                    report::line("")?;
                }
                return Err(failure);
            }
            event => return Err(unexpected(&event)),
        }
    }
}
