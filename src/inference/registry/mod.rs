//! Who is there, which model a job gets, how fast it was and what is broken.
//!
//! Every backend is asked again and again, all at once, so that one that hangs delays nobody. What they say is one table in
//! a watch channel, which tells its readers only when something other than the time of asking has changed.
//!
//! A model the server failed on carries a fault. It is not offered to buyers until a run of it works or the operator
//! refreshes: a probe cannot clear it, because a broken model is listed like a sound one, and a buyer who pays for it pays
//! for nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{Inference, InferenceError, Probe, PullProgress};
use crate::clock::Clock;
use crate::domain::model::{BackendHealth, BackendState, ModelInfo, Usage};
use table::{News, Table};

mod table;
#[cfg(test)]
mod tests;

/// How long a backend may take to say who it is.
pub const PROBE_LIMIT: Duration = Duration::from_secs(3);

/// How a run went.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It came to its end with these counters.
    Finished(Usage),
    Failed(InferenceError),
}

/// All backends and what is known about them.
pub struct Registry {
    clock: Clock,
    table: Mutex<Table>,
    shown: watch::Sender<Vec<BackendHealth>>,
    every: watch::Sender<Duration>,
    /// Rings when the backends are others, which ends a round under way.
    replaced: Notify,
    /// Rings when the next round should not wait. Never ends one under way: with jobs failing one after the other, a
    /// backend that hangs would never be found out.
    wake: Notify,
}

impl Registry {
    /// A registry that has asked nobody yet. Backends are preferred in this order; their names must differ.
    pub fn new(backends: Vec<Arc<dyn Inference>>, probe_every: Duration, clock: Clock) -> Arc<Self> {
        let table = Table::new(backends);
        let shown = watch::Sender::new(table.health());
        Arc::new(Self {
            clock,
            table: Mutex::new(table),
            shown,
            every: watch::Sender::new(probe_every),
            replaced: Notify::new(),
            wake: Notify::new(),
        })
    }

    /// Starts asking, now and every `probe_every`, until `cancel`. The caller owns the task and joins it.
    pub fn start(self: &Arc<Self>, cancel: CancellationToken) -> JoinHandle<()> {
        let registry = Arc::clone(self);
        let probing = async move { registry.keep_probing(&cancel).await };
        tokio::spawn(probing.instrument(tracing::info_span!("task", name = "inference-probe")))
    }

    /// The model table now, in order of preference.
    pub fn health(&self) -> Vec<BackendHealth> {
        self.shown.borrow().clone()
    }

    /// The model table as it changes. The time of asking moves without a change being told.
    pub fn watch(&self) -> watch::Receiver<Vec<BackendHealth>> {
        self.shown.subscribe()
    }

    /// Whether every backend has answered, or failed to, at least once.
    pub fn has_probed(&self) -> bool {
        self.shown.borrow().iter().all(|backend| backend.state != BackendState::Unknown)
    }

    /// Waits until every backend has answered, or failed to, once; at most as long as that may take.
    pub async fn first_round(&self) {
        let mut shown = self.watch();
        let known = |table: &Vec<BackendHealth>| table.iter().all(|backend| backend.state != BackendState::Unknown);
        // A registry that was never started is asked for nothing here; the limit ends the wait.
        let _ = tokio::time::timeout(PROBE_LIMIT, shown.wait_for(known)).await;
    }

    /// The operator's refresh: forgets every fault and asks everybody now. Ends when all have answered or had their time.
    pub async fn refresh(&self) {
        self.change(Table::forget_faults);
        self.round().await;
    }

    /// Replaces the backends. One with the name and address of an earlier one keeps its line until it is asked again,
    /// which is at once if the registry was started.
    pub fn set_backends(&self, backends: Vec<Arc<dyn Inference>>) {
        self.change(|table| table.replace(backends));
        self.replaced.notify_one();
    }

    /// Changes the pause between rounds, from now on.
    pub fn set_probe_every(&self, every: Duration) {
        self.every.send_if_modified(|old| std::mem::replace(old, every) != every);
    }

    /// Who runs `model`, or `default` where none is named; an empty `default` means the first model that is ready.
    ///
    /// A name must match exactly, but for Ollama's `:latest`, which may be left out. Errors:
    /// [`InferenceError::NothingReady`] when nothing could run at all, [`InferenceError::ModelMissing`] with the names
    /// of what is there, [`InferenceError::ModelBroken`] when the model is there and has a fault.
    pub fn resolve(&self, model: Option<&str>, default: &str) -> Result<(Arc<dyn Inference>, ModelInfo), InferenceError> {
        let wanted = model.filter(|name| !name.is_empty()).or(Some(default).filter(|name| !name.is_empty()));
        self.table().resolve(wanted)
    }

    /// As [`Registry::resolve`] for a named model, fault or not: how the operator tries a broken one again.
    pub fn resolve_anyway(&self, model: &str) -> Result<(Arc<dyn Inference>, ModelInfo), InferenceError> {
        self.table().resolve_anyway(model)
    }

    /// Downloads a model to the first backend that can, and that answers.
    pub async fn pull(&self, model: &str) -> Result<BoxStream<'static, Result<PullProgress, InferenceError>>, InferenceError> {
        let backends = self.table().backends();
        let mut outcome = Err(InferenceError::NothingReady);
        for backend in backends {
            outcome = backend.pull(model.to_owned()).await;
            if !matches!(outcome, Err(InferenceError::Unsupported { .. } | InferenceError::Unreachable { .. })) {
                break;
            }
        }
        outcome
    }

    /// Takes down how a run went: its speed, or the model's fault. A backend that vanished is asked again at once. Runs on
    /// models no longer listed are ignored.
    pub fn report(&self, backend: &str, model: &str, outcome: &Outcome) {
        match outcome {
            Outcome::Finished(usage) => self.change(|table| table.worked(backend, model, usage)),
            Outcome::Failed(error @ InferenceError::ModelBroken { message, .. }) => {
                tracing::warn!("{error}. {}", error.hint());
                self.change(|table| table.broke(backend, model, message));
            }
            Outcome::Failed(
                InferenceError::Unreachable { .. } | InferenceError::ModelMissing { .. } | InferenceError::Interrupted { .. },
            ) => self.wake.notify_one(),
            Outcome::Failed(_) => {}
        }
    }

    async fn keep_probing(&self, cancel: &CancellationToken) {
        let mut every = self.every.subscribe();
        loop {
            let pause = *every.borrow_and_update();
            tokio::select! {
                () = cancel.cancelled() => return,
                // The backends being asked are no longer the ones configured.
                () = self.replaced.notified() => continue,
                () = self.round() => {}
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.replaced.notified() => {}
                () = self.wake.notified() => {}
                _ = every.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Asks everybody once, taking each answer as it comes.
    async fn round(&self) {
        let round = self.table().begin_round();
        let asks = round.backends.iter().enumerate().map(|(index, backend)| async move { (index, ask(backend.as_ref()).await) });
        let mut answers = asks.collect::<FuturesUnordered<_>>();
        while let Some((index, answer)) = answers.next().await {
            let now = self.clock.now();
            let backend = round.backends.get(index).map_or("", |backend| backend.name());
            match self.change(|table| table.heard(round.ticket, index, answer, now)) {
                News::Came => tracing::info!("{backend} answers."),
                News::Absent(reason) => tracing::info!("{reason}."),
                News::Went(reason) => tracing::warn!("{reason}."),
                News::Nothing => {}
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the table and shows it, telling readers only if they would see a difference. Under one lock, so that what
    /// is shown last is what is true.
    fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        let mut table = self.table();
        let result = change(&mut table);
        let now = table.health();
        self.shown.send_if_modified(|shown| {
            let differs = !table::same(shown, &now);
            *shown = now;
            differs
        });
        result
    }
}

/// Asks one backend, whose own limit is not relied upon.
async fn ask(backend: &dyn Inference) -> Result<Probe, InferenceError> {
    let silent = |_| InferenceError::Unreachable {
        backend: backend.name().to_owned(),
        url: backend.url().to_owned(),
        reason: format!("no answer within {} s", PROBE_LIMIT.as_secs()),
    };
    tokio::time::timeout(PROBE_LIMIT, backend.probe(PROBE_LIMIT)).await.map_err(silent)?
}
