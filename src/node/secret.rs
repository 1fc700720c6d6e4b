//! A passphrase on its way from whoever typed it to the node in the same process.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

/// Cannot be printed and cannot be serialized: it never crosses a socket. Copies share one text, which is overwritten when
/// the last of them is dropped.
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    pub fn new(text: SecretString) -> Self {
        Self(Arc::new(text))
    }

    /// For whoever unlocks with it.
    pub fn share(&self) -> Arc<SecretString> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}
