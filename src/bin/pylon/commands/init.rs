//! `pylon init`: an identity.

use std::io::Read as _;

use pylon_hud::identity::{Identity, Replace, WordCount};
use pylon_hud::node::{Failure, sentence};
use secrecy::SecretString;

use crate::args::Init;
use crate::report;
use crate::talk::Place;

/// A mnemonic is at most this long; more is somebody's file.
const MAX_INPUT: u64 = 4096;

/// Makes or imports an identity; never overwrites one.
pub fn run(place: &Place, init: &Init) -> Result<(), Failure> {
    place.paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
    let replace = if init.replace { Replace::MoveAside } else { Replace::Never };
    let words = if init.long { WordCount::TwentyFour } else { WordCount::Twelve };
    let created =
        if init.import { Identity::import(&place.paths, read_phrase()?, replace) } else { Identity::create(&place.paths, words, replace) };
    let created = created.map_err(|error| Failure::user(sentence(&error)))?;
    report::created(&created, init)
}

fn read_phrase() -> Result<SecretString, Failure> {
    let mut phrase = String::new();
    let read = std::io::stdin().take(MAX_INPUT).read_to_string(&mut phrase);
    read.map_err(|error| Failure::user(format!("The mnemonic could not be read from standard input: {error}.")))?;
    Ok(SecretString::from(phrase))
}
