//! `pylon init`: an identity.

use std::io::Read as _;

use pylon_hud::identity::{Identity, Replace, WordCount};
use pylon_hud::node::{Failure, pin_reset, sentence};

use crate::args::Init;
use crate::passphrase;
use crate::report;
use crate::talk::Place;

/// Makes or imports an identity; never overwrites one.
pub fn run(place: &Place, init: &Init) -> Result<(), Failure> {
    place.paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
    let replace = if init.replace { replaced(place)? } else { Replace::Never };
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

/// Another identity opens neither what the first one has sealed nor the way to what its PIN protects.
fn replaced(place: &Place) -> Result<Replace, Failure> {
    if pin_reset::has_pin(&place.options())? {
        let failure = Failure::user("There is a spending PIN, and whoever could replace the identity could take it away.");
        return Err(failure.hint("Remove it first: `pylon wallet pin remove`, or `pylon wallet pin reset` if it is forgotten."));
    }
    if place.paths.nwc_age.exists() {
        let failure = Failure::user("The connection to your wallet is sealed with this identity's passphrase; another one cannot open it.");
        return Err(failure.hint("Take it out with `pylon identity decrypt`, or give it up with `pylon wallet disconnect`."));
    }
    Ok(Replace::MoveAside)
}
