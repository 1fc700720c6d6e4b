//! `pylon wallet install`: the Spark library, where every node of this user finds it.

use std::path::Path;

use pylon_hud::node::{Failure, sentence};
use pylon_hud::wallet::spark::install::{InstallError, from_file, from_index};
use pylon_hud::wallet::spark::library::LibraryError;

use crate::args::Output;
use crate::report;
use crate::talk::Place;

pub fn run(place: &Place, file: Option<&Path>, output: Output) -> Result<(), Failure> {
    let Some(dir) = place.environment.shared_lib() else {
        return Err(Failure::usage("There is no home directory, so there is no place for the library.").hint("Set HOME or XDG_DATA_HOME."));
    };
    let installed = match file {
        Some(file) => from_file(file, &dir),
        None => from_index(&dir),
    };
    let path = installed.map_err(|error| failure(&error))?;
    if output.json {
        return report::json(&serde_json::json!({ "installed": path }));
    }
    report::line(&format!("The Spark library is installed: {}.", path.display()))?;
    report::line("To use it: `pylon config set wallet.kind spark`, then start the node again.")
}

fn failure(error: &InstallError) -> Failure {
    let message = sentence(error);
    let nwc = "Or use a wallet of your own over Nostr Wallet Connect: `pylon wallet connect`.";
    match error {
        InstallError::Library(LibraryError::Wrong { .. }) => {
            Failure::user(message).hint("Nothing was installed. Get the right one: `pylon wallet install` without a file.")
        }
        InstallError::Library(LibraryError::Platform(_)) => Failure::user(message).hint(nwc),
        InstallError::OldSystem(_) => Failure::user(message).hint("Use a newer system, such as Debian 12.").hint(nwc),
        InstallError::NoPython(_) | InstallError::NoPip => Failure::user(message)
            .hint("Install Python with pip: `apt install python3 python3-pip`.")
            .hint("Or give the library, or the wheel it is in, that you have fetched elsewhere: `pylon wallet install FILE`."),
        InstallError::NotFetched { .. } => Failure::network(message)
            .hint("Check the network.")
            .hint("Or give the library, or the wheel it is in, that you have fetched elsewhere: `pylon wallet install FILE`."),
        InstallError::Wheel { .. } | InstallError::Empty { .. } => {
            Failure::user(message).hint("Open it yourself (a wheel is a zip archive), and give the library inside.")
        }
        InstallError::Library(LibraryError::Missing(_) | LibraryError::Io { .. }) | InstallError::Temporary(_) => Failure::user(message),
    }
}
