//! What the user prefers about the window, kept in `hud.toml`. Never a secret.
//!
//! A file that cannot be read is set aside, never overwritten: what a newer version wrote may be wanted again. One that
//! cannot be set aside stays as it is, and nothing is saved.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::input::Overrides;
use super::saved::Layout;
use super::theme::Look;
use crate::node::Market;

/// Whether things move.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Motions {
    #[default]
    Full,
    /// Everything is at once where it would go.
    Reduced,
}

/// When frames are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drawing {
    /// When something changes.
    #[default]
    OnChange,
    /// All the time, for screens and recorders that need it.
    Always,
}

/// Whether the backdrop moves while the node is online.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ambient {
    /// It costs two frames a second, and a battery notices.
    #[default]
    Off,
    On,
}

/// Where the window was: its size in points, which a screen's own scale makes into pixels, and its place in pixels of the
/// desk, which may have screens of several scales.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WindowPlace {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<(i32, i32)>,
    pub is_full_screen: bool,
}

/// What a kiosk does otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KioskTaste {
    /// Per cent; for eyes and fingers farther away.
    pub scale: u16,
    /// The name of the monitor it covers, or its number counted from 1; absent: the main one.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "name_or_number")]
    pub monitor: Option<String>,
    /// Minutes after which spending that was unlocked is locked again.
    pub unlock_minutes: u16,
}

/// `"HDMI-1"`, `"2"` or `2`.
fn name_or_number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Name(String),
        Number(u32),
    }
    let named = Option::<Either>::deserialize(from)?;
    Ok(named.map(|either| match either {
        Either::Name(name) => name,
        Either::Number(number) => number.to_string(),
    }))
}

impl Default for KioskTaste {
    fn default() -> Self {
        Self { scale: 150, monitor: None, unlock_minutes: 5 }
    }
}

/// The market to enter without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Home {
    Real,
    Practice,
}

impl From<Market> for Home {
    fn from(market: Market) -> Self {
        match market {
            Market::Real => Self::Real,
            Market::Practice => Self::Practice,
        }
    }
}

impl From<Home> for Market {
    fn from(home: Home) -> Self {
        match home {
            Home::Real => Self::Real,
            Home::Practice => Self::Practice,
        }
    }
}

/// The scale there is, in per cent, and its step.
pub const SCALE: std::ops::RangeInclusive<u16> = 75..=200;
pub const SCALE_STEP: u16 = 25;
/// In a kiosk nothing is smaller than it was designed.
pub const KIOSK_SCALE: std::ops::RangeInclusive<u16> = 100..=200;

/// The file's content. Every key has a default.
#[derive(Resource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preferences {
    /// The file's version, for whoever comes after.
    pub version: u32,
    /// Which market was chosen at the first run; absent: ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<Home>,
    pub look: Look,
    /// Per cent.
    pub scale: u16,
    pub motions: Motions,
    pub drawing: Drawing,
    /// Keys and buttons that are not as they are at first, by action.
    #[serde(skip_serializing_if = "Overrides::is_empty")]
    pub keys: Overrides,
    #[serde(skip_serializing_if = "Overrides::is_empty")]
    pub pad: Overrides,
    /// Where panes are and what is in the slots.
    #[serde(skip_serializing_if = "Layout::is_unset")]
    pub layout: Layout,
    pub ambient: Ambient,
    pub window: WindowPlace,
    pub kiosk: KioskTaste,
    /// The window is a kiosk, and what holds there counts. In no file.
    #[serde(skip)]
    pub is_kiosk: bool,
}

const VERSION: u32 = 1;

impl Default for Preferences {
    fn default() -> Self {
        Self {
            version: VERSION,
            market: None,
            look: Look::Night,
            scale: 100,
            motions: Motions::Full,
            drawing: Drawing::OnChange,
            keys: Overrides::default(),
            pad: Overrides::default(),
            layout: Layout::default(),
            ambient: Ambient::Off,
            window: WindowPlace::default(),
            kiosk: KioskTaste::default(),
            is_kiosk: false,
        }
    }
}

impl Preferences {
    /// As a factor, within what there is.
    pub fn scale_factor(&self) -> f32 {
        f32::from(self.clamped(self.chosen_scale())) / 100.0
    }

    /// The scale that counts where the window is, in per cent.
    pub const fn chosen_scale(&self) -> u16 {
        if self.is_kiosk { self.kiosk.scale } else { self.scale }
    }

    /// Chooses one, within what there is.
    pub fn choose_scale(&mut self, scale: u16) {
        let scale = self.clamped(scale);
        if self.is_kiosk { self.kiosk.scale = scale } else { self.scale = scale }
    }

    /// What there is to choose from.
    pub const fn scales(&self) -> std::ops::RangeInclusive<u16> {
        if self.is_kiosk { KIOSK_SCALE } else { SCALE }
    }

    fn clamped(&self, scale: u16) -> u16 {
        let scales = self.scales();
        scale.clamp(*scales.start(), *scales.end())
    }

    /// What is wrong with it, if anything.
    fn flaw(&self) -> Option<&'static str> {
        if self.version > VERSION {
            Some("is from a newer version")
        } else if !SCALE.contains(&self.scale) {
            Some("has a scale that is not between 75 and 200")
        } else if !KIOSK_SCALE.contains(&self.kiosk.scale) {
            Some("has a kiosk scale that is not between 100 and 200")
        } else {
            None
        }
    }
}

/// Where the preferences are kept; `None` in tests.
#[derive(Resource, Debug, Clone, Default)]
pub struct PreferencesFile(pub Option<PathBuf>);

/// What was read, and what is to be said about it.
#[derive(Debug, Default)]
pub struct Read {
    pub preferences: Preferences,
    pub notice: Option<String>,
    /// The file could not be read nor set aside: it must not be written over.
    pub is_stuck: bool,
}

/// Reads the file. No file is no problem.
pub fn read(path: &Path) -> Read {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Read::default(),
        Err(error) => return set_aside(path, &format!("cannot be read ({error})")),
    };
    match toml::from_slice::<Preferences>(&bytes) {
        Ok(preferences) => match preferences.flaw() {
            None => Read { preferences, ..Read::default() },
            Some(flaw) => set_aside(path, flaw),
        },
        Err(error) => set_aside(path, &format!("is not understood ({})", error.message())),
    }
}

fn set_aside(path: &Path, why: &str) -> Read {
    let aside = free_name(path);
    let (what, is_stuck) = match fs::rename(path, &aside) {
        Ok(()) => (format!("It is kept as {}.", aside.display()), false),
        Err(error) => {
            let what = format!("It could not be set aside ({error}), so preferences are not saved over it. Move it, and start again.");
            (what, true)
        }
    };
    Read { preferences: Preferences::default(), notice: Some(format!("{} {why}. {what}", path.display())), is_stuck }
}

/// A name beside it that nothing has: what was set aside before stays.
fn free_name(path: &Path) -> PathBuf {
    let first = path.with_extension("toml.aside");
    let later = (2_u32..).map(|number| path.with_extension(format!("toml.aside-{number}")));
    // Where nobody can look, the first will do: setting aside will say what is wrong.
    let is_free = |name: &PathBuf| fs::symlink_metadata(name).is_err();
    std::iter::once(first.clone()).chain(later).find(is_free).unwrap_or(first)
}

/// Writes the file whole or not at all.
pub fn write(path: &Path, preferences: &Preferences) -> std::io::Result<()> {
    let text = toml::to_string_pretty(preferences).map_err(std::io::Error::other)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    // At the first run the directory is made when a market is entered, which may be after this.
    make_dir(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(text.as_bytes())?;
    // After a power cut the file under this name is the old one or the new one, and never an empty one.
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Makes a directory that only its owner can look into.
fn make_dir(dir: &Path) -> std::io::Result<()> {
    let mut maker = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker.recursive(true).create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("not there yet").join("hud.toml");
        assert_eq!(read(&path).preferences, Preferences::default());
        let mine = Preferences {
            market: Some(Home::Practice),
            look: Look::HighContrast,
            scale: 150,
            ambient: Ambient::On,
            window: WindowPlace { size: Some((900, 600)), at: Some((-5, 40)), is_full_screen: true },
            kiosk: KioskTaste { monitor: Some("HDMI-1".into()), ..KioskTaste::default() },
            ..Preferences::default()
        };
        write(&path, &mine).expect("written");
        let again = read(&path);
        assert_eq!((again.preferences, again.notice), (mine, None));
    }

    #[test]
    fn a_file_that_is_not_understood_is_set_aside_and_told() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("hud.toml");
        for bad in ["scale = \"large\"", "version = 9", "scale = 1000", "sca", "colour = 1", "kiosk.scale = 75", "kiosk.pin = \"1234\""] {
            fs::write(&path, bad).expect("written");
            let read = read(&path);
            assert_eq!(read.preferences, Preferences::default());
            assert!(read.notice.is_some_and(|notice| notice.contains("hud.toml.aside")), "{bad}");
            let aside = dir.path().join("hud.toml.aside");
            assert_eq!(fs::read_to_string(&aside).expect("kept"), bad);
            fs::remove_file(aside).expect("removed");
        }
    }

    #[test]
    fn each_file_that_is_set_aside_has_a_name_of_its_own_and_one_that_is_no_text_is_kept_too() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("hud.toml");
        let bad: [&[u8]; 3] = [b"scale = \"large\"", b"look = \"\xff\xfe\"", b"version = 9"];
        for (bad, name) in bad.into_iter().zip(["hud.toml.aside", "hud.toml.aside-2", "hud.toml.aside-3"]) {
            fs::write(&path, bad).expect("written");
            let read = read(&path);
            assert!(read.notice.is_some_and(|notice| notice.contains(&format!("{name}."))), "{name}");
            assert!(!read.is_stuck && !path.exists());
        }
        assert_eq!(fs::read(dir.path().join("hud.toml.aside")).expect("kept"), bad[0]);
        assert_eq!(fs::read(dir.path().join("hud.toml.aside-2")).expect("kept"), bad[1]);
    }

    #[test]
    fn bindings_are_kept_and_one_that_is_no_text_costs_nothing_else() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("hud.toml");
        let mut mine = Preferences { scale: 150, ..Preferences::default() };
        mine.keys.0.insert("tidy".into(), "Ctrl+Shift+T".into());
        mine.pad.0.insert("tidy".into(), "L3".into());
        write(&path, &mine).expect("written");
        assert_eq!(read(&path).preferences, mine);
        fs::write(&path, "scale = 150\n[keys]\ntidy = [\"a\", 3]\n").expect("written");
        let odd = read(&path);
        assert_eq!((odd.preferences.scale, odd.notice), (150, None));
        assert!(odd.preferences.keys.0.contains_key("tidy"), "it is for the bindings to refuse it");
    }

    #[test]
    fn a_kiosk_has_a_scale_of_its_own_and_leaves_the_other_alone() {
        let mut preferences = Preferences { is_kiosk: true, ..Preferences::default() };
        assert_eq!(preferences.scale_factor(), 1.5);
        preferences.choose_scale(50);
        assert_eq!((preferences.kiosk.scale, preferences.scale), (100, 100));
        let windowed = Preferences { is_kiosk: false, scale: 75, ..preferences };
        assert_eq!(windowed.scale_factor(), 0.75);
    }

    #[test]
    fn an_empty_or_partial_file_loads() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("hud.toml");
        fs::write(&path, "").expect("written");
        assert_eq!(read(&path).preferences, Preferences::default());
        fs::write(&path, "motions = \"reduced\"").expect("written");
        assert_eq!(read(&path).preferences.motions, Motions::Reduced);
        for (file, monitor) in [("kiosk.monitor = 2", Some("2")), ("kiosk.monitor = \"DP-1\"", Some("DP-1")), ("[kiosk]", None)] {
            fs::write(&path, file).expect("written");
            assert_eq!(read(&path).preferences.kiosk.monitor.as_deref(), monitor, "{file}");
        }
    }
}
