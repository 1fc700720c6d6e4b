//! Settings that change while the node runs, by whatever hand: the file is looked at every other second, and what is
//! different is told with the moment it counts from.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::config::edit::Setting;
use crate::config::keys::Applies;

/// Between two looks. The file is looked at and not listened to: editors replace it, and network disks tell nobody.
const PACE: Duration = Duration::from_secs(2);

/// A setting that is different from before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingChange {
    pub key: String,
    /// As TOML, texts without quotes.
    pub value: String,
    /// When it counts: `at once`, `at the next Go Online`, `at the next start`.
    pub applies: String,
    /// It counts already.
    pub is_applied: bool,
}

/// What is different in `after`.
pub fn changes(before: &[Setting], after: &[Setting], is_online: bool) -> Vec<SettingChange> {
    let is_new = |setting: &&Setting| !before.iter().any(|old| old.key == setting.key && old.value == setting.value);
    let change = |setting: &Setting| SettingChange {
        key: setting.key.to_owned(),
        value: setting.value.clone(),
        applies: setting.applies.to_string(),
        is_applied: match setting.applies {
            Applies::AtOnce => true,
            Applies::NextGoOnline => !is_online,
            Applies::NextStart => false,
        },
    };
    after.iter().filter(is_new).map(change).collect()
}

/// What tells one content of a file from the next: when it was written, how long it is.
type Mark = Option<(SystemTime, u64)>;

fn mark(path: &Path) -> Mark {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Rings each time the file has become another. Never ends by itself.
pub async fn watch(path: PathBuf, bell: mpsc::Sender<()>) {
    let mut seen = mark(&path);
    loop {
        tokio::time::sleep(PACE).await;
        let now = mark(&path);
        if now != seen {
            seen = now;
            // One that waits already is enough.
            let _ = bell.try_send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(key: &'static str, value: &str, applies: Applies) -> Setting {
        Setting { key, value: value.into(), source: String::new(), applies, help: "", notices: Vec::new() }
    }

    #[test]
    fn what_is_different_says_when_it_counts() {
        let before = [setting("a", "1", Applies::AtOnce), setting("b", "1", Applies::NextGoOnline), setting("c", "1", Applies::NextStart)];
        let after = [setting("a", "1", Applies::AtOnce), setting("b", "2", Applies::NextGoOnline), setting("c", "2", Applies::NextStart)];
        let told = |is_online| changes(&before, &after, is_online).into_iter().map(|change| (change.key, change.is_applied));
        assert_eq!(told(true).collect::<Vec<_>>(), [("b".to_owned(), false), ("c".to_owned(), false)]);
        assert_eq!(told(false).collect::<Vec<_>>(), [("b".to_owned(), true), ("c".to_owned(), false)]);
        assert!(changes(&after, &after, true).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_replaced_rings_once() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("config.toml");
        let (bell, mut rung) = mpsc::channel(1);
        let watching = tokio::spawn(watch(path.clone(), bell));
        tokio::time::sleep(PACE * 2).await;
        assert!(rung.try_recv().is_err());
        std::fs::write(&path, "a").expect("written");
        rung.recv().await.expect("rung");
        tokio::time::sleep(PACE * 3).await;
        assert!(rung.try_recv().is_err());
        watching.abort();
    }
}
