//! BIP-39 words and the key they stand for.

use bip39::{Language, Mnemonic};
use nostr::nips::nip06::FromMnemonic as _;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// How many words a new mnemonic has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WordCount {
    /// 128 bits.
    #[default]
    Twelve,
    /// 256 bits.
    TwentyFour,
}

/// What is wrong with some words. Says where, never which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    #[error("a mnemonic has 12 or 24 words, this one has {0}")]
    Count(usize),
    #[error("word {0} is not in the BIP-39 list; check its spelling")]
    Unknown(usize),
    #[error("the words do not belong together: one is wrong or two are exchanged (the checksum does not fit)")]
    Checksum,
    #[error("the system gave no random numbers: {0}")]
    Random(String),
    #[error("no key can be made of these words: {0}")]
    Derivation(String),
}

/// New words from the system's random numbers.
pub fn generate(count: WordCount) -> Result<SecretString, WordsError> {
    let mut entropy = Zeroizing::new([0_u8; 32]);
    getrandom::fill(entropy.as_mut_slice()).map_err(|error| WordsError::Random(error.to_string()))?;
    let used = match count {
        WordCount::Twelve => 16,
        WordCount::TwentyFour => 32,
    };
    let mnemonic = Mnemonic::from_entropy(entropy.get(..used).unwrap_or_default()).map_err(|_| WordsError::Checksum)?;
    Ok(SecretString::from(mnemonic.to_string()))
}

/// Words as somebody typed them, in the one form they are kept in. Says which word is wrong.
pub fn normalise(phrase: &SecretString) -> Result<SecretString, WordsError> {
    let words: Vec<Zeroizing<String>> = phrase.expose_secret().split_whitespace().map(|word| Zeroizing::new(word.to_lowercase())).collect();
    if !matches!(words.len(), 12 | 24) {
        return Err(WordsError::Count(words.len()));
    }
    if let Some(place) = words.iter().position(|word| Language::English.find_word(word).is_none()) {
        return Err(WordsError::Unknown(place + 1));
    }
    let joined = Zeroizing::new(words.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" "));
    Mnemonic::parse_in_normalized(Language::English, &joined).map_err(|_| WordsError::Checksum)?;
    Ok(SecretString::from(joined.as_str()))
}

/// The Nostr key of NIP-06, `m/44'/1237'/0'/0/0`, with an empty passphrase.
pub fn derive(phrase: &SecretString) -> Result<nostr::Keys, WordsError> {
    let phrase = normalise(phrase)?;
    nostr::Keys::from_mnemonic(phrase.expose_secret(), None).map_err(|error| WordsError::Derivation(error.to_string()))
}
