//! What takes time: the library is asked whether it is done, and says when to ask again.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::abi::CallStatus;

/// It is done. Anything else means: ask again.
const READY: i8 = 0;

/// How the library is asked about one kind of answer.
pub struct FutureCalls<T> {
    pub poll: unsafe extern "C" fn(u64, extern "C" fn(u64, i8), u64),
    pub complete: unsafe extern "C" fn(u64, *mut CallStatus) -> T,
    pub free: unsafe extern "C" fn(u64),
}

/// What the library has said last, and who wants to know.
#[derive(Debug, Default)]
struct Word {
    code: Option<i8>,
    waker: Option<Waker>,
}

type Slot = Mutex<Word>;

fn open(slot: &Slot) -> MutexGuard<'_, Word> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Called by the library, from a thread of its own, once for each time it was asked.
extern "C" fn told(data: u64, code: i8) {
    let pointer = std::ptr::with_exposed_provenance::<Slot>(usize::try_from(data).unwrap_or_default());
    // SAFETY: the pointer was made by `Arc::into_raw` when the library was asked, and it calls once for that.
    let slot = unsafe { Arc::from_raw(pointer) };
    let waker = {
        let mut word = open(&slot);
        word.code = Some(code);
        word.waker.take()
    };
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// A call that is under way. Dropped before its end, it is called off.
pub struct RustFuture<T: 'static> {
    handle: u64,
    calls: &'static FutureCalls<T>,
    slot: Arc<Slot>,
    is_asked: bool,
}

impl<T> RustFuture<T> {
    pub fn new(handle: u64, calls: &'static FutureCalls<T>) -> Self {
        Self { handle, calls, slot: Arc::default(), is_asked: false }
    }

    fn ask(&mut self) {
        self.is_asked = true;
        *open(&self.slot) = Word::default();
        let data = Arc::into_raw(Arc::clone(&self.slot)).expose_provenance();
        // SAFETY: the handle is ours and not freed before we are dropped; `told` takes back what is handed over here.
        unsafe { (self.calls.poll)(self.handle, told, u64::try_from(data).unwrap_or_default()) }
    }
}

impl<T> Future for RustFuture<T> {
    type Output = (T, CallStatus);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if !self.is_asked {
                self.ask();
            }
            let code = {
                let mut word = open(&self.slot);
                let code = word.code.take();
                if code.is_none() {
                    word.waker = Some(context.waker().clone());
                }
                code
            };
            match code {
                None => return Poll::Pending,
                Some(READY) => {
                    let mut status = CallStatus::default();
                    // SAFETY: the library has just said that this is done, and nobody asks for its answer twice.
                    let value = unsafe { (self.calls.complete)(self.handle, &raw mut status) };
                    return Poll::Ready((value, status));
                }
                Some(_) => self.is_asked = false,
            }
        }
    }
}

impl<T> Drop for RustFuture<T> {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and this is the last thing that is done with it.
        unsafe { (self.calls.free)(self.handle) }
    }
}
