//! How the node tells a sleeping window that something happened.

/// Called after an event was put on the channel. A window that draws only on demand redraws; everybody else does nothing.
///
/// Called from the node's threads, often: it must return at once and may be called when nothing waits.
pub trait Wake: Send + Sync + 'static {
    /// Something is on the channel.
    fn wake(&self);
}

/// For whoever blocks on the channel and needs no wake.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWake;

impl Wake for NoWake {
    fn wake(&self) {}
}
