//! The Spark library's calls. The only `unsafe` code there is.
//!
//! The library speaks UniFFI's agreement, version 29: every value that is no number travels as bytes (`codec`) in a buffer
//! that the library has made (`runtime`), what takes time is polled (`future`), and what it tells by itself it tells by
//! calling us (`callback`). `bindings` is written by a program, `tools/spark-bindgen`, from what the library says of
//! itself; so nobody has to copy its types by hand, and a test holds the two against each other.
//!
//! A file that is not exactly the library the bindings were made from must not be loaded: sums of its calls' signatures
//! are compared, but they do not tell when a record has another layout. `library` compares the whole file first.
//!
//! The library ends its process when it panics. So this is only used in a process of its own, `helper`.

mod abi;
#[allow(
    clippy::all,
    clippy::large_stack_frames,
    clippy::semicolon_if_nothing_returned,
    dead_code,
    unused_imports,
    unused_variables,
    reason = "a program writes it, and binds more of the library's types than are used"
)]
pub mod bindings;
mod callback;
mod codec;
mod future;
mod runtime;

pub use codec::{Codec, DecodeError, Reader, Secret};
pub use runtime::{CallError, LoadError};

#[cfg(test)]
mod tests;
