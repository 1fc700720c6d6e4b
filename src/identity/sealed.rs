//! Words under a passphrase: the age format with scrypt, in armor, so that `age -d identity.age` reads the file as well.

use std::io::{Read as _, Write as _};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// Words are at most this long; more is no mnemonic.
const MAX_WORDS: u64 = 4096;
/// What opening a file may cost: 1 GiB and some seconds. A file that asks for more is not ours.
const MAX_WORK: u8 = 20;

/// How much work each try of a passphrase costs, as the power of two that scrypt calls N.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkFactor(u8);

impl WorkFactor {
    /// Factors from 1 to the largest that is opened again.
    pub const fn new(log_n: u8) -> Option<Self> {
        match log_n {
            1..=MAX_WORK => Some(Self(log_n)),
            _ => None,
        }
    }
}

impl Default for WorkFactor {
    /// About a second on today's machines, and 256 MiB of memory. Fixed, because measuring would choose little on a
    /// machine that happens to be busy.
    fn default() -> Self {
        Self(18)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the passphrase does not open it")]
    WrongPassphrase,
    #[error("it is encrypted to a key and not with a passphrase")]
    NotAPassphrase,
    #[error("opening it takes far more memory than identity files are made with")]
    TooMuchWork,
    #[error("it is damaged or no age file: {0}")]
    Damaged(String),
    #[error("it could not be encrypted: {0}")]
    Encryption(#[source] std::io::Error),
}

/// The words, encrypted.
pub fn seal(words: &SecretString, passphrase: &SecretString, work: WorkFactor) -> Result<SecretString, SealError> {
    let mut recipient = scrypt::Recipient::new(passphrase.clone());
    recipient.set_work_factor(work.0);
    let text = armored(&recipient, words.expose_secret().as_bytes()).map_err(SealError::Encryption)?;
    let text = String::from_utf8(text).map_err(|error| SealError::Damaged(error.to_string()))?;
    Ok(SecretString::from(text.trim_end()))
}

fn armored(recipient: &scrypt::Recipient, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let encryptor = Encryptor::with_recipients(std::iter::once(recipient as _)).map_err(std::io::Error::other)?;
    let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(&mut text, Format::AsciiArmor)?)?;
    writer.write_all(bytes)?;
    writer.finish()?.finish()?;
    Ok(text)
}

/// The words out of what [`seal`] made.
pub fn open(text: &SecretString, passphrase: &SecretString) -> Result<SecretString, SealError> {
    let mut key = scrypt::Identity::new(passphrase.clone());
    key.set_max_work_factor(MAX_WORK);
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(text.expose_secret().as_bytes())).map_err(refused)?;
    let reader = decryptor.decrypt(std::iter::once(&key as _)).map_err(refused)?;
    // As large as it can become: growing would leave copies behind.
    let mut words = Zeroizing::new(Vec::with_capacity(MAX_WORDS as usize + 1));
    reader.take(MAX_WORDS).read_to_end(&mut words).map_err(|error| SealError::Damaged(error.to_string()))?;
    let words = std::str::from_utf8(&words).map_err(|_| SealError::Damaged("it holds no text".into()))?;
    Ok(SecretString::from(words))
}

fn refused(error: DecryptError) -> SealError {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => SealError::WrongPassphrase,
        DecryptError::NoMatchingKeys => SealError::NotAPassphrase,
        DecryptError::ExcessiveWork { .. } => SealError::TooMuchWork,
        error => SealError::Damaged(error.to_string()),
    }
}
