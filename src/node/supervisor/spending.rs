//! The lock on spending: the same whether the node runs or not.

use super::Supervisor;
use crate::node::cashier;
use crate::node::command::NodeCommand;
use crate::node::door::Door;
use crate::node::event::{Failure, NodeEvent, sentence};
use crate::node::outlet::Answer;
use crate::node::pin_desk::{self, PinDesk};
use crate::node::queries;
use crate::node::secret::Secret;
use crate::store::{Store, StoreOptions};
use crate::wallet::pin::SpendingPin;

impl Supervisor {
    /// Answers a command about the lock. A PIN takes a moment of arithmetic, beside everything else while the node runs.
    pub(super) async fn spending(&self, command: NodeCommand, answer: Answer) {
        match &self.services {
            Some(services) => {
                let desk = services.pin_desk(&self.board, &self.outlet, &self.options.clock);
                self.aside.spawn("spending", async move { answer.give(desk.answer(command).await).await });
            }
            None => answer.give(self.spending_while_stopped(command).await).await,
        }
    }

    /// Carries a command out for whoever shows the PIN.
    pub(super) async fn with_pin(&mut self, pin: Secret, command: NodeCommand, answer: Answer) {
        if let NodeCommand::SetSetting { key, value } = command {
            let set = match self.show(&pin).await {
                Ok(()) => self.set(key, value).await,
                Err(failure) => Err(failure),
            };
            let event = set.map_or_else(|failure| NodeEvent::Failed { failure }, |()| NodeEvent::Done);
            return answer.give(event).await;
        }
        let Some(services) = &self.services else {
            return answer.give(NodeEvent::Failed { failure: cashier::no_wallet(false) }).await;
        };
        let desk = services.pin_desk(&self.board, &self.outlet, &self.options.clock);
        let (cashier, consumer, options) = (services.cashier.clone(), services.consumer.clone(), self.options.clone());
        self.aside.spawn("with the PIN", async move {
            let done = async {
                let warrant = desk.warrant(&pin).await?;
                match (command, cashier) {
                    (
                        command @ (NodeCommand::Pay { .. }
                        | NodeCommand::Refund { .. }
                        | NodeCommand::Transfer { .. }
                        | NodeCommand::ClaimDeposit { .. }
                        | NodeCommand::RefundDeposit { .. }),
                        Some(cashier),
                    ) => Ok(cashier.answer_with(command, Some(warrant)).await),
                    (command @ NodeCommand::PayOffer { .. }, Some(_)) => queries::buy(&consumer, &options, command, Some(warrant)).await,
                    (
                        NodeCommand::Pay { .. }
                        | NodeCommand::Refund { .. }
                        | NodeCommand::Transfer { .. }
                        | NodeCommand::ClaimDeposit { .. }
                        | NodeCommand::RefundDeposit { .. }
                        | NodeCommand::PayOffer { .. },
                        None,
                    ) => Err(cashier::no_wallet(true)),
                    _ => Err(Failure::usage("This command needs no PIN.").hint("Send it as it is.")),
                }
            };
            let event = done.await.unwrap_or_else(|failure| NodeEvent::Failed { failure });
            answer.give(event).await;
        });
    }

    /// What a setting is refused with that takes the PIN. Whoever may change the limits may spend.
    pub(super) async fn guards(&self, key: &str) -> Result<(), Failure> {
        if !key.starts_with("limits.") {
            return Ok(());
        }
        let has_pin = match &self.services {
            Some(services) => services.store.spend_lock().await.map_err(|error| queries::failure(&error))?.has_pin,
            None => pin_desk::look(&self.options)?.has_pin,
        };
        if has_pin { Err(Failure::pin("The limits are changed with the spending PIN.")) } else { Ok(()) }
    }

    async fn show(&self, pin: &Secret) -> Result<(), Failure> {
        match &self.services {
            Some(services) => {
                let desk = services.pin_desk(&self.board, &self.outlet, &self.options.clock);
                desk.warrant(pin).await.map(drop)
            }
            None => match self.spending_while_stopped(NodeCommand::CheckPin { pin: pin.clone() }).await {
                NodeEvent::Failed { failure } => Err(failure),
                _ => Ok(()),
            },
        }
    }

    async fn spending_while_stopped(&self, command: NodeCommand) -> NodeEvent {
        self.open_for_a_moment(command).await.unwrap_or_else(|failure| NodeEvent::Failed { failure })
    }

    /// Takes the directory, as a start would, for as long as the answer takes.
    async fn open_for_a_moment(&self, command: NodeCommand) -> Result<NodeEvent, Failure> {
        let paths = &self.options.paths;
        if matches!(command, NodeCommand::UnlockSpending { secs: Some(_), .. }) {
            return Err(Failure::user(
                "The node is stopped, and what is open for a while is locked again when it starts: this would unlock nothing.",
            )
            .hint("Start the node first, `pylon start`, and unlock it then; or unlock it until it is locked again, without `--minutes`."));
        }
        let makes_ledger = matches!(command, NodeCommand::SetPin { .. } | NodeCommand::LockSpending);
        if command == NodeCommand::Spending || (!makes_ledger && !paths.ledger.exists()) {
            let spending = pin_desk::look(&self.options)?;
            return match command {
                NodeCommand::Spending => Ok(NodeEvent::Spending { spending }),
                _ => Err(Failure::user("There is no spending PIN yet.").hint("Set one first.")),
            };
        }
        paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
        let door = Door::take(paths, self.options.clock.now())?;
        let opening = StoreOptions { observer: self.options.observer.clone(), fault: self.options.disk.clone() };
        let store = Store::open(&paths.ledger, opening).map_err(|error| queries::failure(&error))?;
        let pin = SpendingPin::new(store.clone(), self.options.clock.clone());
        pin.begin().await.map_err(|error| queries::failure(&error))?;
        let event = PinDesk { pin, outlet: self.outlet.clone(), running: None }.answer(command).await;
        if let Err(error) = store.close().await {
            tracing::error!("The ledger did not close cleanly: {error}. Nothing that was acknowledged is lost.");
        }
        drop(door);
        Ok(event)
    }
}
