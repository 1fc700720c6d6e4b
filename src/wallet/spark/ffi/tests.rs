#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::HashMap;

use proptest::prelude::*;

use super::bindings::{BitcoinNetwork, Config, FeePolicy, Network, Seed, SendPaymentMethod};
use super::{Codec, DecodeError, Reader, Secret};

fn round_trip<T: Codec>(value: &T) -> T {
    let mut bytes = Vec::new();
    value.put(&mut bytes);
    let mut reader = Reader::new(&bytes);
    let read = T::get(&mut reader).unwrap();
    reader.end().unwrap();
    read
}

#[test]
fn values_are_the_bytes_that_the_agreement_says() {
    let bytes = |put: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        put(&mut out);
        out
    };
    assert_eq!(bytes(&|out| 258_u16.put(out)), [1, 2]);
    assert_eq!(bytes(&|out| "ä".to_owned().put(out)), [0, 0, 0, 2, 0xc3, 0xa4]);
    assert_eq!(bytes(&|out| Some(true).put(out)), [1, 1]);
    assert_eq!(bytes(&|out| None::<u64>.put(out)), [0]);
    assert_eq!(bytes(&|out| vec![1_u8, 2].put(out)), [0, 0, 0, 2, 1, 2]);
    assert_eq!(bytes(&|out| FeePolicy::FeesIncluded.put(out)), [0, 0, 0, 2]);
    assert_eq!(bytes(&|out| Network::Mainnet.put(out)), [0, 0, 0, 1]);
}

#[test]
fn what_is_put_is_what_is_read() {
    assert_eq!(round_trip(&HashMap::from([("a".to_owned(), 1_u32), ("b".to_owned(), 2)])).len(), 2);
    assert_eq!(round_trip(&vec![Some("x".to_owned()), None]), [Some("x".to_owned()), None]);
    let method = SendPaymentMethod::SparkAddress { address: "a".into(), fee: "1".into(), token_identifier: None };
    assert!(matches!(round_trip(&method), SendPaymentMethod::SparkAddress { address, fee, .. } if address == "a" && fee == "1"));
    assert!(matches!(round_trip(&BitcoinNetwork::Signet), BitcoinNetwork::Signet));
}

#[test]
fn secrets_are_not_shown() {
    let seed = Seed::Mnemonic { mnemonic: Secret::new("abandon about".into()), passphrase: Secret::new(Some("open sesame".into())) };
    let shown = format!("{seed:?}");
    assert!(shown.contains("[redacted]") && !shown.contains("abandon") && !shown.contains("sesame"), "{shown}");
    let entropy = format!("{:?}", Seed::Entropy(Secret::new(vec![7; 16])));
    assert!(!entropy.contains('7'), "{entropy}");
}

proptest! {
    /// Whatever comes in: a value or a reason, never a panic and never more memory than there are bytes for.
    #[test]
    fn bytes_that_make_no_sense_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _: Result<Config, DecodeError> = Codec::get(&mut Reader::new(&bytes));
        let _: Result<Vec<String>, DecodeError> = Codec::get(&mut Reader::new(&bytes));
        let _: Result<HashMap<String, u64>, DecodeError> = Codec::get(&mut Reader::new(&bytes));
    }

    #[test]
    fn a_value_cut_short_is_refused(text in ".{1,40}", cut in 1_usize..5) {
        let mut bytes = Vec::new();
        text.put(&mut bytes);
        let short = &bytes[..bytes.len() - cut.min(bytes.len())];
        prop_assert!(String::get(&mut Reader::new(short)).is_err());
    }
}
