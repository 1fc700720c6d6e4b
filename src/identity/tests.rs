#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use secrecy::{ExposeSecret as _, SecretString};

use super::*;

/// The vectors published in NIP-06.
const VECTORS: &[(&str, &str)] = &[
    (
        "leader monkey parrot ring guide accident before fence cannon height naive bean",
        "17162c921dc4d2518f9a101db33695df1afb56ab82f5ff3e5da6eec3ca5cd917",
    ),
    (
        "what bleak badge arrange retreat wolf trade produce cricket blur garlic valid proud rude strong choose busy staff weather area salt hollow arm fade",
        "d41b22899549e1f3d335a31002cfd382174006e166d3e658e3a5eecdb6463573",
    ),
];

fn home() -> (tempfile::TempDir, Paths) {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::at(dir.path());
    (dir, paths)
}

fn phrase(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

#[test]
fn the_published_words_give_the_published_keys() {
    for (words, pubkey) in VECTORS {
        let (_dir, paths) = home();
        let made = Identity::import(&paths, phrase(words), Replace::Never).unwrap();
        assert_eq!(made.identity.pubkey().to_string(), *pubkey);
        assert_eq!(Identity::load(&paths).unwrap().pubkey().to_string(), *pubkey);
    }
}

#[test]
fn new_words_are_as_many_as_asked_for_and_never_the_same() {
    let count = |count| {
        let (_dir, paths) = home();
        let made = Identity::create(&paths, count, Replace::Never).unwrap();
        assert_eq!(Identity::load(&paths).unwrap().pubkey(), made.identity.pubkey());
        (made.mnemonic.expose_secret().split(' ').count(), made.identity.pubkey())
    };
    assert_eq!(count(WordCount::Twelve).0, 12);
    assert_eq!(count(WordCount::TwentyFour).0, 24);
    assert_ne!(count(WordCount::Twelve).1, count(WordCount::Twelve).1);
}

#[test]
fn the_file_is_closed_and_an_open_one_is_refused_with_the_cure() {
    let (_dir, paths) = home();
    Identity::create(&paths, WordCount::Twelve, Replace::Never).unwrap();
    let file = &paths.identity_mnemonic;
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = Identity::load(&paths).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn an_identity_is_never_overwritten_and_replacing_keeps_it() {
    let (_dir, paths) = home();
    let first = Identity::create(&paths, WordCount::Twelve, Replace::Never).unwrap();
    assert!(matches!(Identity::create(&paths, WordCount::Twelve, Replace::Never), Err(IdentityError::Exists { .. })));
    assert_eq!(Identity::load(&paths).unwrap().pubkey(), first.identity.pubkey());
    let mut kept = Vec::new();
    for _ in 0..2 {
        let made = Identity::create(&paths, WordCount::Twelve, Replace::MoveAside).unwrap();
        kept.push(made.backup.unwrap());
    }
    assert_ne!(kept[0], kept[1]);
    assert_eq!(fs::read_to_string(&kept[0]).unwrap().trim(), first.mnemonic.expose_secret());
    assert_eq!(fs::metadata(&kept[0]).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn wrong_words_are_told_by_place_and_never_repeated() {
    let (_dir, paths) = home();
    let import = |text: &str| match Identity::import(&paths, phrase(text), Replace::Never) {
        Err(IdentityError::Words(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(import("one two"), WordsError::Count(2));
    let error = import("leader monkey parrot ring guide accident beforr fence cannon height naive bean");
    assert_eq!(error, WordsError::Unknown(7));
    assert!(!error.to_string().contains("beforr"));
    assert_eq!(import("monkey leader parrot ring guide accident before fence cannon height naive bean"), WordsError::Checksum);
    assert!(!paths.identity_mnemonic.exists());
}

#[test]
fn a_file_of_an_earlier_program_is_used_as_it_is() {
    let (_dir, paths) = home();
    paths.ensure().unwrap();
    fs::write(&paths.identity_mnemonic, format!("  {} \r\n", VECTORS[0].0.to_uppercase())).unwrap();
    fs::set_permissions(&paths.identity_mnemonic, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(Identity::load(&paths).unwrap().pubkey().to_string(), VECTORS[0].1);
}

#[test]
fn what_is_missing_or_encrypted_is_said() {
    let (_dir, paths) = home();
    assert!(Identity::load(&paths).unwrap_err().to_string().contains("pylon init"));
    paths.ensure().unwrap();
    fs::write(&paths.identity_age, "age").unwrap();
    fs::set_permissions(&paths.identity_age, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(Identity::load(&paths), Err(IdentityError::Encrypted { .. })));
    let damaged = Identity::unlock(&paths, Some(&phrase("secret"))).unwrap_err();
    assert!(matches!(damaged, IdentityError::Sealed { source: SealError::Damaged(_), .. }), "{damaged}");
    assert!(matches!(Identity::create(&paths, WordCount::Twelve, Replace::Never), Err(IdentityError::Exists { .. })));
}

#[test]
fn debug_shows_no_secret() {
    let (_dir, paths) = home();
    let made = Identity::import(&paths, phrase(VECTORS[0].0), Replace::Never).unwrap();
    let shown = format!("{made:?}");
    assert!(!shown.contains("monkey") && !shown.contains(&made.identity.nostr_keys().secret_key().to_secret_hex()), "{shown}");
}

/// As little work as there can be: these tests are about files.
fn quick() -> WorkFactor {
    WorkFactor::new(1).unwrap()
}

#[test]
fn words_are_encrypted_and_decrypted_again_and_one_file_is_there_at_a_time() {
    let (_dir, paths) = home();
    let made = Identity::import(&paths, phrase(VECTORS[0].0), Replace::Never).unwrap();
    let plain = fs::read(&paths.identity_mnemonic).unwrap();
    assert_eq!(encrypt(&paths, &phrase("a secret"), quick()).unwrap().pubkey(), made.identity.pubkey());
    assert!(!paths.identity_mnemonic.exists());
    assert_eq!(fs::metadata(&paths.identity_age).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&paths.identity_age).unwrap();
    assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") && !text.contains("monkey"));
    assert!(matches!(Identity::load(&paths), Err(IdentityError::Encrypted { .. })));
    assert_eq!(Identity::unlock(&paths, Some(&phrase("a secret"))).unwrap().pubkey(), made.identity.pubkey());
    assert!(matches!(encrypt(&paths, &phrase("a secret"), quick()), Err(IdentityError::AlreadyEncrypted { .. })));

    for wrong in ["A secret", "a secret ", ""] {
        let refused = Identity::unlock(&paths, Some(&phrase(wrong))).unwrap_err();
        assert!(matches!(refused, IdentityError::Sealed { source: SealError::WrongPassphrase, .. }), "{refused}");
        assert!(decrypt(&paths, &phrase(wrong)).is_err() && !paths.identity_mnemonic.exists());
    }
    assert_eq!(decrypt(&paths, &phrase("a secret")).unwrap().pubkey(), made.identity.pubkey());
    assert_eq!(fs::read(&paths.identity_mnemonic).unwrap(), plain);
    assert!(!paths.identity_age.exists());
    assert!(matches!(decrypt(&paths, &phrase("a secret")), Err(IdentityError::NotEncrypted { .. })));
    let mut left: Vec<_> = fs::read_dir(&paths.data_dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["identity.mnemonic"]);
}

#[test]
fn an_interrupted_change_loses_nothing_and_is_finished_by_either_command() {
    for finish in ["encrypt", "decrypt"] {
        let (_dir, paths) = home();
        let made = Identity::create(&paths, WordCount::Twelve, Replace::Never).unwrap().identity;
        let plain = fs::read(&paths.identity_mnemonic).unwrap();
        encrypt(&paths, &phrase("secret"), quick()).unwrap();
        // As it is when the machine stops after the new file was written and before the old one was deleted.
        fs::write(&paths.identity_mnemonic, &plain).unwrap();
        fs::set_permissions(&paths.identity_mnemonic, fs::Permissions::from_mode(0o600)).unwrap();
        let both = Identity::unlock(&paths, Some(&phrase("secret"))).unwrap_err();
        assert!(both.to_string().contains("pylon identity encrypt"), "{both}");
        let finished = |passphrase: &str| match finish {
            "encrypt" => encrypt(&paths, &phrase(passphrase), quick()),
            _ => decrypt(&paths, &phrase(passphrase)),
        };
        assert!(matches!(finished("other"), Err(IdentityError::Sealed { .. })));
        assert!(paths.identity_mnemonic.exists() && paths.identity_age.exists(), "a wrong passphrase deletes nothing");
        assert_eq!(finished("secret").unwrap().pubkey(), made.pubkey());
        assert_ne!(paths.identity_mnemonic.exists(), paths.identity_age.exists());
        assert_eq!(Identity::unlock(&paths, Some(&phrase("secret"))).unwrap().pubkey(), made.pubkey());
    }
}

#[test]
fn two_identities_side_by_side_both_stay() {
    let (_dir, paths) = home();
    Identity::create(&paths, WordCount::Twelve, Replace::Never).unwrap();
    encrypt(&paths, &phrase("secret"), quick()).unwrap();
    let encrypted = fs::read(&paths.identity_age).unwrap();
    fs::remove_file(&paths.identity_age).unwrap();
    Identity::create(&paths, WordCount::Twelve, Replace::Never).unwrap();
    fs::write(&paths.identity_age, &encrypted).unwrap();
    fs::set_permissions(&paths.identity_age, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(encrypt(&paths, &phrase("secret"), quick()), Err(IdentityError::Different { .. })));
    assert!(matches!(decrypt(&paths, &phrase("secret")), Err(IdentityError::Different { .. })));
    assert!(paths.identity_mnemonic.exists() && fs::read(&paths.identity_age).unwrap() == encrypted);
    // Both are moved aside for a third.
    Identity::create(&paths, WordCount::Twelve, Replace::MoveAside).unwrap();
    assert!(Identity::load(&paths).is_ok());
}
