//! What the command line tells shells and manuals.

use std::process::Command;

use crate::cli::pylon;

#[test]
fn every_shell_gets_completions_it_can_read() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let made = pylon(dir.path(), &["completions", shell]);
        assert_eq!(made.code, 0, "{}", made.err);
        for word in ["relays", "completions", "--data-dir"] {
            assert!(made.out.contains(word.trim_start_matches('-')), "{shell} lacks {word}");
        }
        assert!(!made.out.contains("practice-member"), "{shell} offers a verb that is not for people");
        let script = dir.path().join(shell);
        std::fs::write(&script, &made.out).unwrap();
        // Only where the shell is installed.
        if let Ok(checked) = Command::new(shell).arg("-n").arg(&script).output() {
            assert!(checked.status.success(), "{shell}: {}", String::from_utf8_lossy(&checked.stderr));
        }
    }
    assert_eq!(pylon(dir.path(), &["completions", "cobol"]).code, 2);
}

#[test]
fn there_is_a_page_for_every_verb() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("share/man1");
    let made = pylon(dir.path(), &["man", pages.to_str().unwrap()]);
    assert_eq!(made.code, 0, "{}", made.err);
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap_or_else(|_| panic!("no {name}"));
    assert!(page("pylon.1").contains("relays"));
    assert!(page("pylon-relays-add.1").contains("wss"));
    for file in std::fs::read_dir(&pages).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with("pylon") && name.ends_with(".1") && !name.contains("member"), "{name}");
    }
    let blocked = pylon(dir.path(), &["man", "/dev/null/pages"]);
    assert_eq!(blocked.code, 1, "{}", blocked.err);
}
