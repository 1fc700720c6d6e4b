//! `pylon init`: an identity.

use std::io::Read as _;

use pylon_hud::identity::{Identity, Replace, WordCount};
use pylon_hud::node::{Failure, sentence};

use crate::args::Init;
use crate::passphrase;
use crate::report;
use crate::talk::Place;

/// Makes or imports an identity; never overwrites one.
pub fn run(place: &Place, init: &Init) -> Result<(), Failure> {
    place.paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
    let replace = if init.replace { Replace::MoveAside } else { Replace::Never };
    let words = if init.long { WordCount::TwentyFour } else { WordCount::Twelve };
    let created = if init.import {
        let phrase = passphrase::of_input("The mnemonic", |input, text| input.read_to_string(text))?;
        Identity::import(&place.paths, phrase, replace)
    } else {
        Identity::create(&place.paths, words, replace)
    };
    let created = created.map_err(|error| Failure::user(sentence(&error)))?;
    report::created(&created, init)
}
