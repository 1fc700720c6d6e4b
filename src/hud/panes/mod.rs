//! What is inside the panes, one file or folder each: a marker, a form for what is typed into it and kept until the next
//! start, a system that draws it, and the pure view that system calls.
//!
//! To add a pane: a [`PaneKind`], a row in [`super::pane::PANES`], its module here, and a line in [`furnish`] and in
//! [`plugin`]. A test sees that none of them is forgotten.

pub mod activity;
pub mod job_detail;
pub mod job_history;
pub mod pylon;
pub mod relays;
pub mod sell_compute;
pub mod settings;
#[cfg(test)]
pub(super) mod tests;
pub mod wallet;

use bevy::prelude::*;
use bevy_egui::EguiPrimaryContextPass;

use super::HudSystems;
use super::pane::form::{Kept, restored};
use super::pane::{PaneKind, frame};
use super::state::look_at_wallet;

/// Draws all panes, in one order.
pub fn plugin(app: &mut App) {
    let first = (frame::raise, sell_compute::draw, wallet::draw, job_history::draw, job_detail::draw);
    let panes = (first.chain(), pylon::draw, relays::draw, activity::draw, settings::draw);
    app.add_systems(EguiPrimaryContextPass, panes.chain().in_set(HudSystems::DrawPanes));
    app.add_systems(Update, wallet::clear_paid.after(look_at_wallet).in_set(HudSystems::Reduce));
}

/// Gives a new pane its marker and its form, as it was kept.
pub fn furnish(kind: PaneKind, kept: &Kept, pane: &mut EntityCommands<'_>) {
    match kind {
        PaneKind::SellCompute => pane.insert((sell_compute::SellCompute, restored::<sell_compute::Form>(kept))),
        PaneKind::Wallet => pane.insert((wallet::WalletPane, restored::<wallet::Form>(kept))),
        PaneKind::JobHistory => pane.insert((job_history::JobHistory, restored::<job_history::Form>(kept))),
        PaneKind::Pylon => pane.insert(pylon::Pylon),
        PaneKind::Relays => pane.insert(relays::RelaysPane),
        PaneKind::Activity => pane.insert((activity::ActivityPane, restored::<activity::Form>(kept))),
        PaneKind::Settings => pane.insert(settings::Settings),
        PaneKind::JobDetail => pane.insert(job_detail::JobPane),
    };
}
