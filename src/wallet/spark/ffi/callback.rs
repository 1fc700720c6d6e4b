//! Being called by the library.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::abi::{CallStatus, ForeignDone, ForeignFuture, ForeignVoid};
use super::codec::DecodeError;

/// Our ends of one interface, each under a number that the library knows it by.
pub struct Handles<T: ?Sized>(Mutex<Kept<T>>);

struct Kept<T: ?Sized> {
    last: u64,
    ends: Vec<(u64, Arc<T>)>,
}

impl<T: ?Sized> Handles<T> {
    pub const fn new() -> Self {
        Self(Mutex::new(Kept { last: 1, ends: Vec::new() }))
    }

    /// Keeps it until the library lets go of it.
    pub fn put(&self, end: Arc<T>) -> u64 {
        let mut kept = self.open();
        // Odd, as numbers from this side have to be.
        kept.last += 2;
        let handle = kept.last;
        kept.ends.push((handle, end));
        handle
    }

    pub fn get(&self, handle: u64) -> Option<Arc<T>> {
        self.open().ends.iter().find(|(known, _)| *known == handle).map(|(_, end)| Arc::clone(end))
    }

    pub fn remove(&self, handle: u64) {
        self.open().ends.retain(|(known, _)| *known != handle);
    }

    fn open(&self) -> MutexGuard<'_, Kept<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what the library asks for. It must not hear of an error: having none it could expect, it would end the process.
pub fn guard(call: impl FnOnce() -> Result<(), DecodeError>) {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!("The Spark library told something that cannot be read: {error}."),
        Err(_) => tracing::error!("A bug of ours: taking in what the Spark library told has failed."),
    }
}

/// Tells the library that its call is answered.
///
/// # Safety
/// These are the three last arguments of a call of the library's, in this order, and it has not been told before.
pub unsafe fn done(callback: ForeignDone, data: u64, future: *mut ForeignFuture) {
    // SAFETY: the library has made room for this.
    unsafe { future.write(ForeignFuture { handle: 0, free: nothing }) };
    // SAFETY: it is told once.
    unsafe { callback(data, ForeignVoid { status: CallStatus::default() }) };
}

unsafe extern "C" fn nothing(_: u64) {}
