//! A passphrase or a PIN on its way from whoever typed it to the node.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

/// Cannot be printed, and is serialized only where a command says so, with [`crossing`]: towards the node, over a socket at
/// which only processes of the same user are heard. No event holds one. Copies share one text, which is overwritten when
/// the last of them is dropped.
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    pub fn new(text: SecretString) -> Self {
        Self(Arc::new(text))
    }

    /// What stands for a secret where only the fact that there is one matters.
    pub fn blank() -> Self {
        Self::new(SecretString::from(""))
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

/// For `#[serde(with)]`: a secret that may cross the control socket, inbound.
pub mod crossing {
    use secrecy::{ExposeSecret as _, SecretString};
    use serde::de::{Error as _, IgnoredAny};
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    use super::Secret;

    pub fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.0.expose_secret())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        /// What is no text is not looked at: an error that repeats it would tell it to the log.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Text(String),
            Other(IgnoredAny),
        }
        match Raw::deserialize(deserializer)? {
            // Taken over as it is, a text could be moved to a smaller place, and would stay behind where it was.
            Raw::Text(text) => Ok(Secret::new(SecretString::from(Zeroizing::new(text).as_str()))),
            Raw::Other(_) => Err(D::Error::custom("a secret has to be a text")),
        }
    }

    /// The same where there may be none.
    pub mod optional {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use super::super::Secret;

        #[derive(Serialize, Deserialize)]
        #[serde(transparent)]
        struct Crossing(#[serde(with = "super")] Secret);

        pub fn serialize<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
            secret.clone().map(Crossing).serialize(serializer)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
            Ok(Option::<Crossing>::deserialize(deserializer)?.map(|crossing| crossing.0))
        }
    }
}
