//! Loading the library, and the buffers that values travel in.

use std::ffi::c_void;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::abi::{CallStatus, ForeignBytes, RustBuffer};
use super::codec::{Codec, DecodeError, Reader};
use super::future::FutureCalls;

/// Why a call has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError<E> {
    /// The call's own error.
    #[error("the call has failed")]
    Sdk(E),
    #[error("the library did not expect this: {0}")]
    Internal(String),
    #[error("the library's answer cannot be read: {0}")]
    Decode(#[from] DecodeError),
}

/// Why a file is not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("{} cannot be loaded: {why}", path.display())]
    Open { path: PathBuf, why: String },
    #[error("it has no {0}")]
    Symbol(String),
    #[error("it keeps version {found} of UniFFI's agreement, and {wanted} is needed")]
    Contract { wanted: u32, found: u32 },
    #[error("its {symbol} is {found} instead of {wanted}: a call has changed")]
    Checksum { symbol: &'static str, wanted: u16, found: u16 },
}

/// What every call needs.
pub struct Runtime {
    from_bytes: unsafe extern "C" fn(ForeignBytes, *mut CallStatus) -> RustBuffer,
    free: unsafe extern "C" fn(RustBuffer, *mut CallStatus),
    pub futures: Futures,
}

/// One for each kind of answer that takes time.
pub struct Futures {
    pub buffer: FutureCalls<RustBuffer>,
    pub pointer: FutureCalls<*const c_void>,
    pub void: FutureCalls<()>,
}

/// A symbol of the library, as what it is said to be.
pub fn symbol<T: Copy>(library: &libloading::Library, name: &str) -> Result<T, LoadError> {
    // SAFETY: the name stands beside its type in what was generated from this very library.
    let found = unsafe { library.get::<T>(name) };
    found.map(|symbol| *symbol).map_err(|_| LoadError::Symbol(name.to_owned()))
}

impl Runtime {
    /// Loads the file and makes sure that it has the calls that are bound. Its name of itself is `namespace`.
    pub fn open(
        path: &Path,
        namespace: &str,
        contract: u32,
        checksums: &'static [(&'static str, u16)],
    ) -> Result<(libloading::Library, Self), LoadError> {
        // SAFETY: what it runs when it is loaded is the library's own; the caller has made sure which one it is.
        let library = unsafe { libloading::Library::new(path) };
        let library = library.map_err(|error| LoadError::Open { path: path.to_owned(), why: error.to_string() })?;
        let version: unsafe extern "C" fn() -> u32 = symbol(&library, &format!("ffi_{namespace}_uniffi_contract_version"))?;
        // SAFETY: it takes nothing and gives a number.
        let found = unsafe { version() };
        if found != contract {
            return Err(LoadError::Contract { wanted: contract, found });
        }
        for &(name, wanted) in checksums {
            let sum: unsafe extern "C" fn() -> u16 = symbol(&library, name)?;
            // SAFETY: it takes nothing and gives a number.
            let found = unsafe { sum() };
            if found != wanted {
                return Err(LoadError::Checksum { symbol: name, wanted, found });
            }
        }
        let name = |what: &str| format!("ffi_{namespace}_{what}");
        let runtime = Self {
            from_bytes: symbol(&library, &name("rustbuffer_from_bytes"))?,
            free: symbol(&library, &name("rustbuffer_free"))?,
            futures: Futures {
                buffer: calls(&library, namespace, "rust_buffer")?,
                pointer: calls(&library, namespace, "pointer")?,
                void: calls(&library, namespace, "void")?,
            },
        };
        Ok((library, runtime))
    }

    /// Copies bytes into the library's memory.
    pub fn buffer(&self, bytes: &[u8]) -> RustBuffer {
        let mut status = CallStatus::default();
        let bytes = ForeignBytes { len: i32::try_from(bytes.len()).unwrap_or(i32::MAX), data: bytes.as_ptr() };
        // SAFETY: the bytes outlive the call, which copies them.
        unsafe { (self.from_bytes)(bytes, &raw mut status) }
    }

    /// A value in the library's memory. The copy on this side is overwritten, as it may hold a secret.
    pub fn lower(&self, value: &impl Codec) -> RustBuffer {
        let mut bytes = Zeroizing::new(Vec::new());
        value.put(&mut bytes);
        self.buffer(&bytes)
    }

    /// Takes a buffer's bytes and gives it back.
    fn take(&self, buffer: RustBuffer) -> Vec<u8> {
        let len = usize::try_from(buffer.len).unwrap_or_default();
        let bytes = if buffer.data.is_null() {
            Vec::new()
        } else {
            // SAFETY: the library has handed over a buffer with so many bytes in it.
            unsafe { std::slice::from_raw_parts(buffer.data, len) }.to_vec()
        };
        let mut status = CallStatus::default();
        // SAFETY: the buffer is the library's own, and nobody looks at it after this.
        unsafe { (self.free)(buffer, &raw mut status) };
        bytes
    }

    /// A text that came back, which has no length before it.
    pub fn text(&self, buffer: RustBuffer) -> Result<String, DecodeError> {
        String::from_utf8(self.take(buffer)).map_err(|_| DecodeError::Text)
    }

    /// Any other value that came back.
    pub fn lift<T: Codec>(&self, buffer: RustBuffer) -> Result<T, DecodeError> {
        let bytes = self.take(buffer);
        let mut reader = Reader::new(&bytes);
        let value = T::get(&mut reader)?;
        reader.end().map(|()| value)
    }

    /// Says whether the call went well.
    pub fn check<E: Codec>(&self, status: CallStatus) -> Result<(), CallError<E>> {
        match status.code {
            0 => Ok(()),
            1 => Err(CallError::Sdk(self.lift(status.error)?)),
            _ => Err(CallError::Internal(self.text(status.error).unwrap_or_default())),
        }
    }
}

fn calls<T>(library: &libloading::Library, namespace: &str, kind: &str) -> Result<FutureCalls<T>, LoadError> {
    let name = |what: &str| format!("ffi_{namespace}_rust_future_{what}_{kind}");
    Ok(FutureCalls {
        poll: symbol(library, &name("poll"))?,
        complete: symbol(library, &name("complete"))?,
        free: symbol(library, &name("free"))?,
    })
}
