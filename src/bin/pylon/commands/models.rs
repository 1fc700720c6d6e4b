//! `pylon models`.

use pylon_hud::domain::ids::RequestId;
use pylon_hud::node::{Failure, NodeCommand, NodeEvent};

use crate::args::{Models, ModelsVerb, Output};
use crate::report;
use crate::talk::{ANSWER, Place, failure, unexpected};

/// Lists, probes or downloads.
pub fn run(place: &Place, models: &Models) -> Result<(), Failure> {
    match &models.verb {
        None => list(place, NodeCommand::Models, models.output),
        Some(ModelsVerb::Probe) => list(place, NodeCommand::ProbeBackends, models.output),
        Some(ModelsVerb::Pull { model }) => pull(place, model, models.output),
    }
}

fn list(place: &Place, command: NodeCommand, output: Output) -> Result<(), Failure> {
    match place.ask(command, ANSWER)? {
        NodeEvent::Models { backends } => report::models(&backends, output),
        event => Err(unexpected(&event)),
    }
}

/// Follows a download to its end. Downloads take as long as they take; silence is the server's to end.
fn pull(place: &Place, model: &str, output: Output) -> Result<(), Failure> {
    let mut client = place.connect()?;
    let id: RequestId = client.ask(NodeCommand::PullModel { model: model.to_owned() }).map_err(failure)?;
    loop {
        let told = client.next(None).map_err(failure)?;
        if told.id != Some(id) {
            continue;
        }
        match told.event {
            NodeEvent::Done => return report::done(&format!("The model {model} is ready."), output),
            NodeEvent::Failed { failure } => return Err(failure),
            _ => report::event(&told, output)?,
        }
    }
}
