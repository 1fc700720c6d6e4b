//! The market's relay for whoever has no runtime to run it on, such as a window.

use std::sync::mpsc;

use tokio::runtime::{Builder, Runtime};

use super::{PracticeError, PracticeRelay, identity, seller};
use crate::domain::money::MilliSats;
use crate::identity::Identity;
use crate::node::NodeOptions;

/// What a newcomer has to buy with.
const ALLOWANCE: MilliSats = MilliSats(10_000_000);

/// A relay with a runtime of its own. Ends with it, and may be dropped anywhere, inside another runtime as well.
#[derive(Debug)]
pub struct Host {
    relay: PracticeRelay,
    identity: Identity,
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
}

impl Host {
    /// Opens a market, and makes these options those of a provider in it. Their paths have to be the practice ones: an
    /// identity is made there if there is none.
    pub fn open(options: NodeOptions) -> Result<(Self, NodeOptions), PracticeError> {
        crate::net::init();
        let identity = identity(&options.paths)?;
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("practice-relay").enable_all().build();
        let runtime = runtime.map_err(PracticeError::Runtime)?;
        let relay = match start(&runtime) {
            Ok(relay) => relay,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let host = Self { relay, identity, runtime: Some(runtime) };
        let options = seller(NodeOptions { play_money: ALLOWANCE, ..options }, &host.relay)?;
        Ok((host, options))
    }

    pub fn relay(&self) -> &PracticeRelay {
        &self.relay
    }

    /// Who sells here.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// Starts the relay on this runtime. Waits through a channel: blocking on a runtime from inside another one panics.
fn start(runtime: &Runtime) -> Result<PracticeRelay, PracticeError> {
    let (started, relay) = mpsc::channel();
    runtime.spawn(async move { drop(started.send(PracticeRelay::start().await)) });
    relay.recv().unwrap_or_else(|_| Err(PracticeError::Runtime(std::io::Error::other("its thread ended"))))
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
