//! Why a window could not open, as a sentence.
//!
//! Bevy, winit and wgpu panic when there is no display or no graphics driver, some of them on a worker thread, where the
//! panic leaves a program that waits for ever. So a panic hook recognises these few and ends the program; every other
//! panic is a bug and keeps its report. Asking beforehand would be nicer and less true: a display can be named and not
//! answer, a driver can be installed and not load.

use std::panic;

/// What the machine lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StartupError {
    #[error("no display: neither DISPLAY nor WAYLAND_DISPLAY leads to one. On a machine without a screen use the headless `pylon`.")]
    NoDisplay,
    #[error(
        "no graphics driver: neither Vulkan nor OpenGL has an adapter. On Debian install mesa-vulkan-drivers, which also draws without a GPU."
    )]
    NoAdapter,
    #[error("the keyboard library is missing. On Debian install libxkbcommon-x11-0.")]
    NoKeyboardLibrary,
    #[error("an X11 library is missing. On Debian install libxcursor1, libxi6 and libxrandr2.")]
    NoX11Library,
}

/// Turns the known panics of a start into one line on standard error and exit code 1.
pub fn explain_panics() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| match info.payload_as_str().and_then(diagnose) {
        Some(error) => {
            eprintln!("pylon-hud: {error}");
            std::process::exit(1);
        }
        None => report(info),
    }));
}

/// What a panic's words mean, if it is one of a start that the machine does not allow.
fn diagnose(words: &str) -> Option<StartupError> {
    if words.contains("xkbcommon") && words.contains("could not be loaded") {
        Some(StartupError::NoKeyboardLibrary)
    } else if words.contains("Unable to find a GPU") || words.contains("Failed to create wgpu surface") {
        Some(StartupError::NoAdapter)
    } else if words.starts_with("Failed to build event loop") {
        Some(if words.contains("LibraryOpenError") || words.contains("OpenError") {
            StartupError::NoX11Library
        } else {
            StartupError::NoDisplay
        })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words as Bevy 0.19, winit 0.30 and xkbcommon-dl 0.4 panic with.
    #[test]
    fn the_known_panics_of_a_start_are_recognised() {
        let winit = r#"Failed to build event loop: Os(OsError { line: 765, file: "src/platform_impl/linux/mod.rs", error: Misc("neither WAYLAND_DISPLAY nor WAYLAND_SOCKET nor DISPLAY is set.") })"#;
        assert_eq!(diagnose(winit), Some(StartupError::NoDisplay));
        assert_eq!(diagnose("Unable to find a GPU! Make sure you have installed required drivers!"), Some(StartupError::NoAdapter));
        assert_eq!(diagnose("Library libxkbcommon-x11.so could not be loaded."), Some(StartupError::NoKeyboardLibrary));
    }

    #[test]
    fn other_panics_keep_their_report() {
        assert_eq!(diagnose("index out of bounds: the len is 3 but the index is 3"), None);
    }
}
