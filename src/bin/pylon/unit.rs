//! The unit of a systemd user service.
//!
//! The service is `pylon run`: a manager that watches a process wants it in the foreground. What is switched off for it
//! are things a node never does. Nothing that needs a file system of its own (ProtectSystem, PrivateTmp): a user's
//! systemd makes one from user namespaces, which many machines forbid, and then the service would not start at all.

use std::path::Path;

/// The first line, by which a unit of ours is known.
pub const MARK: &str = "# Made by `pylon service install`, which also replaces it; `pylon service uninstall` deletes it.";

/// What a unit depends on.
pub struct Unit<'a> {
    pub program: &'a Path,
    pub data_dir: &'a Path,
    pub online: bool,
    pub passphrase_file: Option<&'a Path>,
    /// How long a job may run, which is how long a stop may take.
    pub job_secs: u64,
}

impl Unit<'_> {
    /// The text of the file.
    pub fn text(&self) -> String {
        let words = [self.program, Path::new("--data-dir"), self.data_dir, Path::new("run")];
        let mut start: Vec<String> = words.iter().map(|word| quoted(&word.to_string_lossy())).collect();
        start.extend(self.online.then(|| quoted("--online")));
        let (start, stop) = (start.join(" "), self.job_secs.saturating_add(30));
        let credential = match self.passphrase_file {
            Some(file) => format!("LoadCredential=pylon-passphrase:{}", file.to_string_lossy().replace('%', "%%")),
            None => "# For an encrypted identity, with a file that only you can read:\n\
                     #LoadCredential=pylon-passphrase:%h/.config/pylon/passphrase"
                .to_owned(),
        };
        format!(
            "{MARK}
[Unit]
Description=Pylon, a node that sells compute over Nostr
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
ExecStart={start}
Restart=on-failure
RestartSec=5
# What only a person can mend is not tried again.
RestartPreventExitStatus=1 2
# Running jobs are finished first.
KillMode=mixed
TimeoutStopSec={stop}
{credential}
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native

[Install]
WantedBy=default.target
"
        )
    }
}

/// A word that systemd reads as it stands.
fn quoted(word: &str) -> String {
    let word = word.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{word}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_anything_in_it_reaches_the_program_as_it_is() {
        assert_eq!(quoted(r#"/a b/50%/$HOME/"x"\y"#), r#""/a b/50%%/$$HOME/\"x\"\\y""#);
    }
}
