//! Slots of the model: who has one, and giving it back.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::queue::Accepted;
use crate::domain::ids::JobId;

/// A slot in use. Given back when it is dropped, however the run ended.
pub(super) struct Slot {
    pub id: JobId,
    pub done: mpsc::UnboundedSender<JobId>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        // The provider is gone when nobody listens; then there are no slots either.
        let _ = self.done.send(self.id);
    }
}

/// A run under way.
pub(super) struct Running {
    pub cancel: CancellationToken,
    pub job: Accepted,
}
