//! Things panes are made of. Each takes what it shows and nothing else; colours come from the theme in force.

pub mod age;
pub mod button;
pub mod cap;
pub mod card;
pub mod chart;
pub mod countdown;
pub mod field;
pub mod ink;
pub mod lamp;
pub mod marks;
pub mod meter;
pub mod qr;
pub mod row;
pub mod scroll;
pub mod tag;
pub mod typed;
pub mod words;

pub use age::Age;
pub use ink::Ink;
pub use lamp::Signal;

use super::action::UserAction;
use crate::node::NodeCommand;

/// What a view says the user wants. Sent on when the view is done.
#[derive(Debug, Default, PartialEq)]
pub struct Wishes(Vec<UserAction>);

impl Wishes {
    pub fn wish(&mut self, action: UserAction) {
        self.0.push(action);
    }

    /// Asks the node.
    pub fn ask(&mut self, command: NodeCommand) {
        self.wish(UserAction::Ask(command));
    }

    pub fn take(&mut self) -> Vec<UserAction> {
        std::mem::take(&mut self.0)
    }
}
