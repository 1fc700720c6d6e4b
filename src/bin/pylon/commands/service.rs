//! `pylon service`: the node under the user's own systemd.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pylon_hud::node::{Failure, Market};

use super::serve;
use crate::args::{self, Output, ServiceVerb};
use crate::report;
use crate::talk::Place;
use crate::unit::{MARK, Unit};

const NAME: &str = "pylon.service";

/// Writes, deletes or prints the unit.
pub fn run(place: &Place, verb: &ServiceVerb) -> Result<(), Failure> {
    if place.market == Market::Practice {
        return Err(Failure::usage("A practice market is no service.").hint("Leave --practice out."));
    }
    match verb {
        ServiceVerb::Print(unit) => report::line(text(place, unit)?.trim_end()),
        ServiceVerb::Install { unit, output } => install(place, unit, *output),
        ServiceVerb::Uninstall(output) => uninstall(place, *output),
    }
}

fn text(place: &Place, unit: &args::Unit) -> Result<String, Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::internal(format!("This program is not where it was: {error}.")))?;
    let passphrase = unit.passphrase_file.as_deref().map(file).transpose()?;
    let job_secs = serve::config(place)?.provider.job_timeout_secs;
    let passphrase_file = passphrase.as_deref();
    Ok(Unit { program: &program, data_dir: &place.root, online: unit.online, passphrase_file, job_secs }.text())
}

/// The file as systemd will have to find it.
fn file(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| Failure::user(format!("The passphrase file {} cannot be used: {error}.", path.display())))
}

fn install(place: &Place, unit: &args::Unit, output: Output) -> Result<(), Failure> {
    let (path, text) = (path(place)?, text(place, unit)?);
    let failed = |error: std::io::Error| Failure::user(format!("The unit {} cannot be written: {error}.", path.display()));
    if !is_ours(&path).map_err(failed)?.unwrap_or(true) {
        let hint = "Move it elsewhere, or compare it with `pylon service print`.";
        return Err(Failure::user(format!("There is a unit at {} that `pylon` did not make; it stays.", path.display())).hint(hint));
    }
    let dir = path.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(dir).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    reload();
    if unit.passphrase_file.is_none() && place.paths.identity_age.exists() {
        report::aside("The identity is encrypted: install with --passphrase-file, or the service will not start.");
    }
    report::done(
        &format!(
            "Written: {}.\nStart it, now and whenever you log in: `systemctl --user enable --now pylon`.\n\
             Also while you are not logged in: `loginctl enable-linger`.",
            path.display()
        ),
        output,
    )
}

fn uninstall(place: &Place, output: Output) -> Result<(), Failure> {
    let path = path(place)?;
    let failed = |error: std::io::Error| Failure::user(format!("The unit {} cannot be deleted: {error}.", path.display()));
    match is_ours(&path).map_err(failed)? {
        None => return Err(Failure::user(format!("There is no unit at {}.", path.display()))),
        Some(false) => return Err(Failure::user(format!("The unit {} is not one that `pylon` made; it stays.", path.display()))),
        Some(true) => {}
    }
    if let Err(error) = systemctl(&["disable", "--now", NAME]) {
        report::aside(&format!("The service could not be stopped, if it ran: {error}."));
    }
    std::fs::remove_file(&path).map_err(failed)?;
    reload();
    report::done(&format!("Deleted: {}.", path.display()), output)
}

fn path(place: &Place) -> Result<PathBuf, Failure> {
    let home = place.environment.config_home();
    let home = home.ok_or_else(|| Failure::usage("There is no home directory to put the unit in.").hint("Set HOME."))?;
    Ok(home.join("systemd/user").join(NAME))
}

/// Whether we made the unit that is there. `None`: there is none.
fn is_ours(path: &Path) -> std::io::Result<Option<bool>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.starts_with(MARK))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Lets systemd read its units again. It does so at the next login anyway.
fn reload() {
    if let Err(error) = systemctl(&["daemon-reload"]) {
        report::aside(&format!("systemd did not read its units again ({error}); it will at the next login."));
    }
}

fn systemctl(words: &[&str]) -> Result<(), String> {
    let mut command = Command::new("systemctl");
    command.arg("--user").args(words).stdin(Stdio::null()).stdout(Stdio::null());
    let ended = command.output().map_err(|error| format!("systemctl: {error}"))?;
    if ended.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ended.stderr).trim().trim_end_matches('.').to_owned()) }
}
