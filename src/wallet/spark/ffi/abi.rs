//! What crosses the border, as C has it.

use std::ptr;

/// Bytes of the library's own memory: made by it, and given back to it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct RustBuffer {
    pub capacity: u64,
    pub len: u64,
    pub data: *mut u8,
}

impl Default for RustBuffer {
    fn default() -> Self {
        Self { capacity: 0, len: 0, data: ptr::null_mut() }
    }
}

/// How a call went: 0 well, 1 with an error of its own, anything else in a way nobody had foreseen.
#[repr(C)]
#[derive(Debug, Default)]
pub struct CallStatus {
    pub code: i8,
    pub error: RustBuffer,
}

/// Bytes of ours, to be copied.
#[repr(C)]
pub struct ForeignBytes {
    pub len: i32,
    pub data: *const u8,
}

/// A call of the library's that we have not answered yet. Ours are answered before they return.
#[repr(C)]
pub struct ForeignFuture {
    pub handle: u64,
    pub free: unsafe extern "C" fn(u64),
}

/// The answer to a call that gives nothing back.
#[repr(C)]
pub struct ForeignVoid {
    pub status: CallStatus,
}

/// Whom to tell that a call of the library's is answered.
pub type ForeignDone = unsafe extern "C" fn(u64, ForeignVoid);
