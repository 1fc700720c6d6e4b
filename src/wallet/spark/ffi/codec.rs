//! Values as bytes: big-endian numbers, lengths before texts and lists, a number before each variant.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::hash::Hash;
use std::ops::Deref;

use zeroize::Zeroize;

/// Bytes that are not what they should be: the library is another one, or there is a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("a value ends too early")]
    Short,
    #[error("{0} bytes are left over")]
    Trailing(usize),
    #[error("a text is no UTF-8")]
    Text,
    #[error("{0} is neither yes nor no")]
    Bool(i8),
    #[error("{0} has no variant {1}")]
    Variant(&'static str, i32),
    #[error("it cannot travel this way")]
    Foreign,
}

/// Bytes yet to be read.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Says whether everything was read.
    pub const fn end(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.0.len())) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError::Short)
    }

    fn length(&mut self) -> Result<usize, DecodeError> {
        usize::try_from(i32::get(self)?).map_err(|_| DecodeError::Short)
    }
}

/// A value that can cross the border.
pub trait Codec: Sized {
    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);

    /// Reads it.
    fn get(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

macro_rules! number {
    ($($number:ty)*) => { $(
        impl Codec for $number {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn get(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.array().map(Self::from_be_bytes)
            }
        }
    )* };
}
number!(u8 i8 u16 i16 u32 i32 u64 i64 f32 f64);

/// A length as it is written. Nothing of ours comes near the end of its range.
fn length(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl Codec for bool {
    fn put(&self, out: &mut Vec<u8>) {
        i8::from(*self).put(out);
    }

    fn get(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match i8::get(reader)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(DecodeError::Bool(other)),
        }
    }
}

impl Codec for String {
    fn put(&self, out: &mut Vec<u8>) {
        length(self.len()).put(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn get(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.length()?;
        std::str::from_utf8(reader.take(count)?).map(str::to_owned).map_err(|_| DecodeError::Text)
    }
}

impl<T: Codec> Codec for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn get(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if bool::get(reader)? { T::get(reader).map(Some) } else { Ok(None) }
    }
}

impl<T: Codec> Codec for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        length(self.len()).put(out);
        self.iter().for_each(|value| value.put(out));
    }

    fn get(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        // Every value takes a byte at least, or the list would be of nothings: what is promised is not believed.
        (0..reader.length()?).map(|_| T::get(reader)).collect()
    }
}

impl<K: Codec + Hash + Eq, V: Codec> Codec for HashMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        length(self.len()).put(out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn get(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        (0..reader.length()?).map(|_| Ok((K::get(reader)?, V::get(reader)?))).collect()
    }
}

/// The error of a call that has none.
impl Codec for Infallible {
    fn put(&self, _: &mut Vec<u8>) {}

    fn get(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Err(DecodeError::Foreign)
    }
}

/// A value that is shown to nobody and overwritten when it is dropped.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T: Zeroize> Deref for Secret<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize + Codec> Codec for Secret<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn get(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        T::get(reader).map(Self)
    }
}
