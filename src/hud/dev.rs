//! Developer tools, compiled with the feature `dev` only: a line on standard error for each frame drawn.

use std::time::Instant;

use bevy::diagnostic::FrameCount;
use bevy::prelude::*;

/// Counts frames, so that "nothing moves, nothing is drawn" can be watched.
pub fn plugin(app: &mut App) {
    let started = Instant::now();
    app.add_systems(Last, move |frames: Res<'_, FrameCount>| {
        eprintln!("frame {} at {:.3} s", frames.0, started.elapsed().as_secs_f64());
    });
}
