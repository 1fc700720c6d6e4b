//! Commands about the practice market's robots.

use super::Supervisor;
use crate::node::command::RobotKind;
use crate::node::event::Failure;
use crate::node::options::Market;
use crate::node::robot_buyer;
use crate::node::services::Services;

impl Supervisor {
    pub(super) fn start_robot(&mut self, robot: RobotKind) -> Result<(), Failure> {
        let (clock, board, outlet) = (self.options.clock.clone(), self.board.clone(), self.outlet.clone());
        let services = self.robots_node()?;
        match robot {
            RobotKind::Buyer => services.start_robot_buyer(&clock, &board, &outlet),
            RobotKind::Seller => services.start_robot_seller(&clock, &board, &outlet)?,
        }
        Ok(())
    }

    pub(super) fn stop_robot(&mut self, robot: RobotKind) -> Result<(), Failure> {
        let board = self.board.clone();
        let services = self.robots_node()?;
        match robot {
            RobotKind::Buyer => services.stop_robot_buyer(&board),
            RobotKind::Seller => services.stop_robot_seller(&board),
        }
        Ok(())
    }

    /// The node a robot can trade with: one of the practice market, and started.
    fn robots_node(&mut self) -> Result<&mut Services, Failure> {
        match self.options.market {
            Market::Practice => self.services.as_mut().ok_or_else(robot_buyer::not_started),
            Market::Real => Err(robot_buyer::not_here()),
        }
    }
}
