//! What is known about the backends, without tasks or clocks.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::model::{BackendHealth, BackendState, ModelInfo, Usage};
use crate::domain::time::UnixMs;
use crate::inference::{Inference, InferenceError, Probe};

/// The backends in order of preference, what each said last, and how its models' runs went.
pub(super) struct Table {
    lines: Vec<Line>,
    rounds: u64,
    /// Raised when the backends are replaced: answers to earlier rounds are about others.
    generation: u64,
}

struct Line {
    backend: Arc<dyn Inference>,
    /// As the backend says it, without `runs`.
    said: BackendHealth,
    /// The latest round heard: rounds may overlap and answers overtake each other.
    heard: u64,
    /// By model, kept while the backend is away.
    runs: HashMap<String, Runs>,
}

#[derive(Debug, Clone, Default)]
struct Runs {
    tokens_per_sec: Option<f64>,
    fault: Option<String>,
}

/// Which question an answer belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    round: u64,
    generation: u64,
}

/// What an answer means for whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    Nothing,
    /// It answers now and did not before.
    Came,
    /// It answered before and does not now, with the reason.
    Went(String),
    /// It does not answer the first time it is asked, with the reason.
    Absent(String),
}

/// Everybody to ask, and what to hand back with the answers.
pub(super) struct Round {
    pub(super) ticket: Ticket,
    pub(super) backends: Vec<Arc<dyn Inference>>,
}

impl Table {
    pub(super) fn new(backends: Vec<Arc<dyn Inference>>) -> Self {
        Self { lines: backends.into_iter().map(Line::new).collect(), rounds: 0, generation: 0 }
    }

    /// Every backend's line as people see it.
    pub(super) fn health(&self) -> Vec<BackendHealth> {
        self.lines.iter().map(Line::shown).collect()
    }

    pub(super) fn backends(&self) -> Vec<Arc<dyn Inference>> {
        self.lines.iter().map(|line| Arc::clone(&line.backend)).collect()
    }

    pub(super) fn begin_round(&mut self) -> Round {
        self.rounds += 1;
        let ticket = Ticket { round: self.rounds, generation: self.generation };
        Round { ticket, backends: self.lines.iter().map(|line| Arc::clone(&line.backend)).collect() }
    }

    /// Takes the answer of the backend that stood at `index` in that round.
    pub(super) fn heard(&mut self, ticket: Ticket, index: usize, answer: Result<Probe, InferenceError>, now: UnixMs) -> News {
        if ticket.generation != self.generation {
            return News::Nothing;
        }
        let Some(line) = self.lines.get_mut(index).filter(|line| line.heard < ticket.round) else {
            return News::Nothing;
        };
        line.heard = ticket.round;
        let before = line.said.state.clone();
        line.take(answer, now);
        match (&before, &line.said.state) {
            (BackendState::Unknown | BackendState::Unavailable { .. }, BackendState::Ready { .. }) => News::Came,
            (BackendState::Ready { .. }, BackendState::Unavailable { reason, .. }) => News::Went(reason.clone()),
            (BackendState::Unknown, BackendState::Unavailable { reason, .. }) => News::Absent(reason.clone()),
            _ => News::Nothing,
        }
    }

    pub(super) fn replace(&mut self, backends: Vec<Arc<dyn Inference>>) {
        self.generation += 1;
        let mut old = std::mem::take(&mut self.lines);
        for backend in backends {
            let mut line = Line::new(backend);
            let same = |known: &Line| known.said.name == line.said.name && known.said.url == line.said.url;
            if let Some(at) = old.iter().position(same) {
                let known = old.swap_remove(at);
                (line.said, line.runs) = (known.said, known.runs);
            }
            self.lines.push(line);
        }
    }

    pub(super) fn forget_faults(&mut self) {
        for runs in self.lines.iter_mut().flat_map(|line| line.runs.values_mut()) {
            runs.fault = None;
        }
    }

    pub(super) fn worked(&mut self, backend: &str, model: &str, usage: &Usage) {
        if let Some(runs) = self.runs(backend, model) {
            runs.fault = None;
            runs.tokens_per_sec = usage.tokens_per_sec().or(runs.tokens_per_sec);
        }
        let models = self.lines.iter_mut().filter(|line| line.said.name == backend).flat_map(|line| &mut line.said.models);
        for known in models.filter(|known| known.name == model && known.warm.is_some()) {
            // It has just answered, so it is loaded, whatever the last probe saw.
            known.warm = Some(true);
        }
    }

    pub(super) fn broke(&mut self, backend: &str, model: &str, message: &str) {
        if let Some(runs) = self.runs(backend, model) {
            runs.fault = Some(message.to_owned());
        }
    }

    fn runs(&mut self, backend: &str, model: &str) -> Option<&mut Runs> {
        let line = self.lines.iter_mut().find(|line| line.said.name == backend)?;
        let listed = line.runs.contains_key(model) || line.said.models.iter().any(|known| known.name == model);
        listed.then(|| line.runs.entry(model.to_owned()).or_default())
    }

    /// Every model that could be asked for now, best first.
    fn ready(&self) -> impl Iterator<Item = (&Line, ModelInfo)> {
        let ready = self.lines.iter().filter(|line| matches!(line.said.state, BackendState::Ready { .. }));
        ready.flat_map(|line| line.said.models.iter().map(move |model| (line, line.with_runs(model))))
    }

    /// The model called `wanted`, or the first sound one.
    pub(super) fn resolve(&self, wanted: Option<&str>) -> Result<(Arc<dyn Inference>, ModelInfo), InferenceError> {
        let Some(wanted) = wanted else {
            return self.ready().find(|(_, model)| model.fault.is_none()).map(chosen).ok_or(InferenceError::NothingReady);
        };
        let (backend, model) = self.resolve_anyway(wanted)?;
        match model.fault {
            Some(message) => Err(InferenceError::ModelBroken { backend: model.backend, model: model.name, message }),
            None => Ok((backend, model)),
        }
    }

    /// The model called `wanted`, sound ones first, then as they are.
    pub(super) fn resolve_anyway(&self, wanted: &str) -> Result<(Arc<dyn Inference>, ModelInfo), InferenceError> {
        let latest = format!("{wanted}:latest");
        let rank = |model: &ModelInfo| match (model.name == wanted, model.name == latest, model.fault.is_none()) {
            (true, _, true) => Some(0),
            (_, true, true) => Some(1),
            (true, _, false) => Some(2),
            (_, true, false) => Some(3),
            (false, false, _) => None,
        };
        // The first of equals wins, which is the one of the preferred backend.
        let best = self.ready().filter_map(|found| rank(&found.1).map(|rank| (rank, found))).min_by_key(|(rank, _)| *rank);
        best.map(|(_, found)| chosen(found)).ok_or_else(|| self.missing(wanted))
    }

    fn missing(&self, wanted: &str) -> InferenceError {
        let available = self.ready().filter(|(_, model)| model.fault.is_none()).map(|(_, model)| model.name).collect::<Vec<_>>();
        if available.is_empty() {
            return InferenceError::NothingReady;
        }
        let ready = self.lines.iter().filter(|line| matches!(line.said.state, BackendState::Ready { .. }));
        let backend = ready.map(|line| line.said.name.as_str()).collect::<Vec<_>>().join(" and ");
        InferenceError::ModelMissing { backend, model: wanted.to_owned(), available }
    }
}

fn chosen((line, model): (&Line, ModelInfo)) -> (Arc<dyn Inference>, ModelInfo) {
    (Arc::clone(&line.backend), model)
}

impl Line {
    fn new(backend: Arc<dyn Inference>) -> Self {
        let said = BackendHealth {
            name: backend.name().to_owned(),
            url: backend.url().to_owned(),
            state: BackendState::Unknown,
            checked_at: None,
            models: Vec::new(),
        };
        Self { backend, said, heard: 0, runs: HashMap::new() }
    }

    fn take(&mut self, answer: Result<Probe, InferenceError>, now: UnixMs) {
        self.said.checked_at = Some(now);
        match answer {
            Ok(probe) => {
                self.said.state = BackendState::Ready { version: probe.version };
                self.said.models = probe.models;
                // A model that was deleted and comes back is another file: its fault went with the old one.
                let listed = |name: &str| self.said.models.iter().any(|model| model.name == name);
                self.runs.iter_mut().filter(|(name, _)| !listed(name)).for_each(|(_, runs)| runs.fault = None);
            }
            Err(error) => {
                self.said.state = BackendState::Unavailable { reason: error.to_string(), hint: error.hint() };
                self.said.models.clear();
            }
        }
    }

    fn with_runs(&self, model: &ModelInfo) -> ModelInfo {
        let runs = self.runs.get(&model.name).cloned().unwrap_or_default();
        ModelInfo { backend: self.said.name.clone(), tokens_per_sec: runs.tokens_per_sec, fault: runs.fault, ..model.clone() }
    }

    fn shown(&self) -> BackendHealth {
        BackendHealth { models: self.said.models.iter().map(|model| self.with_runs(model)).collect(), ..self.said.clone() }
    }
}

/// Whether two tables differ in nothing but the time of asking.
pub(super) fn same(one: &[BackendHealth], other: &[BackendHealth]) -> bool {
    let timeless = |health: &BackendHealth| BackendHealth { checked_at: None, ..health.clone() };
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| timeless(one) == timeless(other))
}
