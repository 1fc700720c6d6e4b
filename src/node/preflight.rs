//! What a start would meet, looked at again and again while the node is stopped.
//!
//! A window shows it before the operator presses Go Online. Model servers come up and identities are made in another
//! terminal, so one look is not enough; but what has not changed is not worth a repaint, so only changes are told.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::doctor::{self, CONFIG_HINT, Finding, Preflight};
use super::event::NodeEvent;
use super::options::NodeOptions;
use super::outlet::{Answer, Outlet};
use super::tasks::Tasks;
use crate::config::Config;
use crate::domain::job::Policy;
use crate::domain::model::BackendHealth;
use crate::domain::money::Sats;
use crate::inference::registry::Registry;

/// How long until the next look while the config, which would say so, cannot be read.
const PACE: Duration = Duration::from_secs(10);

/// Answers `Preflight`, and keeps looking while the node is stopped.
pub struct Lookout {
    options: NodeOptions,
    outlet: Outlet,
    /// Cancelled when the node starts; `None` while nobody has asked.
    watching: Option<CancellationToken>,
}

impl Lookout {
    pub fn new(options: NodeOptions, outlet: Outlet) -> Self {
        Self { options, outlet, watching: None }
    }

    /// Answers with one look. The first who asks a stopped node begins the watch; a running node has better news of its
    /// own, which its registry already holds.
    pub fn asked(&mut self, running: Option<Arc<Registry>>, answer: Answer, aside: &Tasks) {
        let (options, gone) = (self.options.clone(), aside.token().clone());
        if running.is_some() || self.watching.is_some() {
            aside.spawn("preflight", async move {
                let look = async {
                    let (preflight, _) = look(&options, running.as_deref()).await;
                    answer.give(event(preflight)).await;
                };
                gone.run_until_cancelled(look).await;
            });
            return;
        }
        let started = gone.child_token();
        self.watching = Some(started.clone());
        let outlet = self.outlet.clone();
        aside.spawn("preflight watch", async move {
            let first = async {
                let seen = look(&options, None).await;
                answer.give(event(seen.0.clone())).await;
                seen
            };
            // The first look is somebody's answer, whatever the node does meanwhile.
            let Some(seen) = gone.run_until_cancelled(first).await else { return };
            started.run_until_cancelled(keep_looking(&options, &outlet, seen)).await;
        });
    }

    /// The node starts: from now on it speaks for itself.
    pub fn end(&mut self) {
        if let Some(watching) = self.watching.take() {
            watching.cancel();
        }
    }
}

/// Looks again and again, and tells everybody what is different from what was told last.
async fn keep_looking(options: &NodeOptions, outlet: &Outlet, seen: (Preflight, Duration)) {
    let (mut told, mut pace) = seen;
    loop {
        tokio::time::sleep(pace).await;
        let (now, next) = look(options, None).await;
        pace = next;
        if without_times(&now) != without_times(&told) {
            outlet.tell(event(now.clone()));
            told = now;
        }
    }
}

fn event(preflight: Preflight) -> NodeEvent {
    NodeEvent::Preflight { preflight: Box::new(preflight) }
}

/// When a backend was asked is different each time and no news.
fn without_times(preflight: &Preflight) -> Preflight {
    let timeless = |backend: &BackendHealth| BackendHealth { checked_at: None, ..backend.clone() };
    Preflight { backends: preflight.backends.iter().map(timeless).collect(), ..preflight.clone() }
}

/// One look, and how long until the next.
async fn look(options: &NodeOptions, running: Option<&Registry>) -> (Preflight, Duration) {
    let (found, config) = doctor::config(options);
    let (identity, _) = doctor::identity(options);
    let blank = Preflight {
        config: summed_up(found),
        identity,
        payment: Finding::warning("payment", "Not known until the config is mended.", CONFIG_HINT),
        backends: Vec::new(),
        relays: Vec::new(),
        default_model: String::new(),
        policy: Policy::default(),
        min_price: Sats(0),
    };
    let Some(config) = config else { return (blank, PACE) };
    let preflight = Preflight {
        payment: doctor::payment(&config, options),
        backends: backends(options, running, &config).await,
        relays: config.relays.urls.clone(),
        default_model: config.provider.default_model.clone(),
        policy: config.provider.policy,
        min_price: config.provider.min_price.ceil_sats(),
        ..blank
    };
    (preflight, Duration::from_secs(config.backends.probe_secs))
}

async fn backends(options: &NodeOptions, running: Option<&Registry>, config: &Config) -> Vec<BackendHealth> {
    match running {
        Some(registry) => registry.health(),
        None => match doctor::probe_once(config, options) {
            Ok(probing) => probing.await,
            Err(failure) => {
                tracing::error!("No backend could be asked: {}", failure.message);
                Vec::new()
            }
        },
    }
}

/// Several findings about one thing as one. They are of one mind: the config is in order, has notices, or is not taken.
fn summed_up(found: Vec<Finding>) -> Finding {
    let summed = found.into_iter().reduce(|all, next| Finding {
        message: format!("{} {}", all.message, next.message),
        hint: match (all.hint, next.hint) {
            (Some(all), Some(next)) if all != next => Some(format!("{all} {next}")),
            (all, next) => all.or(next),
        },
        ..all
    });
    summed.unwrap_or_else(|| Finding::good("config", "It has not been looked at."))
}
