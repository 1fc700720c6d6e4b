//! Where everything is, and the only reader of the environment and the home directory.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::Notice;
use super::place::{self, PathError};

/// The environment, read once. Tests make their own; nobody else looks.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    home: Option<PathBuf>,
}

impl std::fmt::Debug for Environment {
    /// Names only: a variable may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl Environment {
    /// The process's own.
    pub fn capture() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect();
        Self { variables, home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()) }
    }

    /// One made of these variables, without a home.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        Self { variables, home: None }
    }

    /// A variable's text; `None` when unset, empty or not text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.to_str().filter(|value| !value.is_empty())
    }

    /// A variable that holds a secret.
    pub fn secret(&self, name: &str) -> Option<SecretString> {
        self.get(name).map(|value| SecretString::from(value.to_owned()))
    }

    /// Where programs keep their settings, for files that belong to another program.
    pub fn config_home(&self) -> Option<PathBuf> {
        let set = self.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        set.or_else(|| Some(self.home.as_ref()?.join(".config")))
    }

    /// Where programs keep data that several of their installations share.
    pub fn data_home(&self) -> Option<PathBuf> {
        let set = self.get("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        set.or_else(|| Some(self.home.as_ref().cloned().or_else(|| self.get("HOME").map(PathBuf::from))?.join(".local/share")))
    }

    /// Where the Spark library is kept for every node of this user.
    pub fn shared_lib(&self) -> Option<PathBuf> {
        Some(self.data_home()?.join("pylon-hud/lib"))
    }

    /// The file of a credential that systemd has handed to this service.
    pub fn credential(&self, name: &str) -> Option<PathBuf> {
        let path = Path::new(self.get("CREDENTIALS_DIRECTORY")?).join(name);
        path.is_file().then_some(path)
    }

    /// Variables whose names begin like this.
    pub fn starting_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.variables
            .iter()
            .filter(move |(name, _)| name.starts_with(prefix))
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str()?)))
    }
}

/// Everything a node keeps, all under one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    pub data_dir: PathBuf,
    pub config_toml: PathBuf,
    /// Held by whoever changes the config.
    pub config_lock: PathBuf,
    pub identity_mnemonic: PathBuf,
    pub identity_age: PathBuf,
    pub lock: PathBuf,
    pub control_sock: PathBuf,
    pub ledger: PathBuf,
    pub spark: PathBuf,
    pub lib: PathBuf,
    /// The connection string of a wallet reached over Nostr Wallet Connect, plain or under the passphrase.
    pub nwc: PathBuf,
    pub nwc_age: PathBuf,
    /// Words of the Spark wallet's own, plain or under the passphrase, where they are not the identity's.
    pub wallet_mnemonic: PathBuf,
    pub wallet_age: PathBuf,
    pub hud_toml: PathBuf,
    pub logs: PathBuf,
    pub practice: PathBuf,
}

/// Bytes of a unix socket's path that every system takes (macOS has 104 with the terminating zero, Linux 108).
const MAX_SOCKET_PATH: usize = 103;

impl Paths {
    /// By flag, else by PYLON_DATA_DIR, else `~/.openagents/pylon`.
    pub fn resolve(flag: Option<&Path>, environment: &Environment) -> Result<Self, PathError> {
        let chosen = flag.map(Path::to_owned).or_else(|| environment.get("PYLON_DATA_DIR").map(PathBuf::from));
        let dir = match chosen {
            Some(dir) => dir,
            None => environment.home.as_ref().ok_or(PathError::NoHome)?.join(".openagents/pylon"),
        };
        Ok(Self::at(&std::path::absolute(&dir).unwrap_or(dir)))
    }

    /// Everything under this directory.
    pub fn at(dir: &Path) -> Self {
        Self {
            config_toml: dir.join("config.toml"),
            config_lock: dir.join("config.lock"),
            identity_mnemonic: dir.join("identity.mnemonic"),
            identity_age: dir.join("identity.age"),
            lock: dir.join("pylon.lock"),
            control_sock: socket(dir, &std::env::temp_dir()),
            ledger: dir.join("pylon.db"),
            spark: dir.join("spark"),
            lib: dir.join("lib"),
            nwc: dir.join("nwc"),
            nwc_age: dir.join("nwc.age"),
            wallet_mnemonic: dir.join("wallet.mnemonic"),
            wallet_age: dir.join("wallet.age"),
            hud_toml: dir.join("hud.toml"),
            logs: dir.join("logs"),
            practice: dir.join("practice"),
            data_dir: dir.to_owned(),
        }
    }

    /// The practice market's own copy of all of this.
    pub fn for_practice(&self) -> Self {
        Self::at(&self.practice)
    }

    /// Makes the data directory, closed to everybody else, and checks that it takes what is written.
    pub fn ensure(&self) -> Result<(), PathError> {
        place::make(&self.data_dir)?;
        if let Some(parent) = self.control_sock.parent() {
            place::make(parent)?;
        }
        place::check(&self.data_dir)
    }

    /// What there is to say if others may look into the data directory: [`Paths::ensure`] closes it to them.
    pub fn closing(&self) -> Option<Notice> {
        place::is_open(&self.data_dir).then(|| Notice {
            message: format!("The data directory {} was open to other users; it is closed to them now.", self.data_dir.display()),
            hint: format!("Its secrets are files that only you can read; see that they are with `ls -l {}`.", self.data_dir.display()),
        })
    }

    /// Whether the data directory, if there is one, could be used by a start. Changes nothing.
    pub fn check(&self) -> Result<(), PathError> {
        if self.data_dir.exists() { place::check(&self.data_dir) } else { Ok(()) }
    }
}

/// The control socket. A unix socket's path is short by nature; for a directory too deep for one, the socket stands in
/// the temporary directory `temp` under a name that only this data directory has, in a directory of our own (0700). Where
/// that is too deep as well, in the one that every unix has.
fn socket(dir: &Path, temp: &Path) -> PathBuf {
    use sha2::{Digest as _, Sha256};
    let beside = dir.join("control.sock");
    let fits = |path: &PathBuf| path.as_os_str().len() <= MAX_SOCKET_PATH;
    if fits(&beside) {
        return beside;
    }
    let digest = Sha256::digest(dir.as_os_str().as_encoded_bytes());
    let name = hex::encode(digest.get(..8).unwrap_or_default());
    let under = |temp: &Path| temp.join(format!("pylon-{name}")).join("control.sock");
    Some(under(temp)).filter(fits).unwrap_or_else(|| under(Path::new("/tmp")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_wins_over_the_variable_and_the_variable_over_home() {
        let mut environment = Environment::of([("PYLON_DATA_DIR", "/var/pylon")]);
        environment.home = Some("/people/somebody".into());
        let dir =
            |flag: Option<&str>, environment: &Environment| Paths::resolve(flag.map(Path::new), environment).map(|paths| paths.data_dir);
        assert_eq!(dir(Some("/tmp/x"), &environment).expect("path"), Path::new("/tmp/x"));
        assert_eq!(dir(None, &environment).expect("path"), Path::new("/var/pylon"));
        environment.variables.clear();
        assert_eq!(dir(None, &environment).expect("path"), Path::new("/people/somebody/.openagents/pylon"));
        environment.home = None;
        assert!(matches!(dir(None, &environment), Err(PathError::NoHome)));
    }

    #[test]
    fn a_directory_too_deep_for_a_socket_gets_one_elsewhere_of_its_own() {
        let deep = |name: &str| Paths::at(&Path::new("/a").join(name.repeat(60)));
        let (one, other) = (deep("xy"), deep("yx"));
        assert!(one.control_sock.as_os_str().len() <= MAX_SOCKET_PATH);
        assert_ne!(one.control_sock, other.control_sock);
        let deepest = socket(&Path::new("/a").join("xy".repeat(60)), &Path::new("/t").join("z".repeat(90)));
        assert!(deepest.starts_with("/tmp") && deepest.file_name() == one.control_sock.file_name(), "{}", deepest.display());
        assert_eq!(Paths::at(Path::new("/a")).control_sock, Path::new("/a/control.sock"));
    }
}
