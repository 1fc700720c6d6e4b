//! Commands about money: the cashier's and the buyer's.

use super::Supervisor;
use crate::node::command::NodeCommand;
use crate::node::event::{Failure, NodeEvent};
use crate::node::outlet::Answer;
use crate::node::{queries, spark};

impl Supervisor {
    /// Asks whoever has the wallet.
    pub(super) async fn money(&self, command: NodeCommand, answer: Answer) {
        match self.services.as_ref().and_then(|on| on.cashier.clone()) {
            Some(cashier) => self.aside.spawn("money", async move { answer.give(cashier.answer(command).await).await }),
            None => {
                let config = self.services.as_ref().map(|on| on.config.as_ref());
                answer.give(NodeEvent::Failed { failure: spark::no_wallet(config, &self.options) }).await;
            }
        }
    }

    /// Asks whoever buys.
    pub(super) fn buy(&self, command: NodeCommand, answer: Answer) {
        let (consumer, options) = (self.services.as_ref().map(|on| on.consumer.clone()), self.options.clone());
        self.aside.spawn("buying", async move {
            let bought = match consumer {
                Some(consumer) => queries::buy(&consumer, &options, command, None).await,
                None => Err(Failure::user("The node is stopped.").hint("Start it with `pylon run`.")),
            };
            answer.give(bought.unwrap_or_else(|failure| NodeEvent::Failed { failure })).await;
        });
    }
}
