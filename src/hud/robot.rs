//! A robot of the practice market: its row with a switch.

use bevy_egui::egui::Ui;

use crate::hud::state::Session;
use crate::hud::widgets::{Signal, Wishes, row};
use crate::node::{NodeCommand, RobotKind};

/// Draws it, in the practice market.
pub fn view(ui: &mut Ui, session: &Session, robot: RobotKind, wishes: &mut Wishes) {
    if !session.is_practice() {
        return;
    }
    let (name, runs, at_work, idle) = match robot {
        RobotKind::Buyer => ("Robot buyer", session.status.robot_buyer, "asks a job every few seconds", "asks nothing"),
        RobotKind::Seller => ("Robot seller", session.status.robot_seller, "takes jobs of yours", "takes no jobs"),
    };
    let is_heard = session.link.is_up();
    let state = match (runs, session.status.running) {
        _ if !is_heard => "unknown",
        (true, _) => at_work,
        (false, true) => idle,
        (false, false) => "waits for the node to start",
    };
    let fix = if runs { "Stop it" } else { "Start it" };
    let row = row::StatusRow {
        signal: if runs && is_heard { Signal::Good } else { Signal::Quiet },
        name,
        state: state.to_owned(),
        fix: session.is_answered().then_some(fix),
        ..row::StatusRow::default()
    };
    if row::status_row(ui, &row) {
        wishes.ask(if runs { NodeCommand::StopRobot { robot } } else { NodeCommand::StartRobot { robot } });
    }
}
