//! What the machine computes with: small values, and places in the file instead of the bytes themselves.

/// How bytes are written down in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// As they are.
    Raw,
    /// As UTF-8 text whose characters are the bytes (what Python 3 writes for Python 2).
    Latin1,
    /// Between quotes, with backslashes (protocol 0).
    Quoted,
    /// As text with `\uXXXX`, whose characters are the bytes (protocol 0).
    RawUnicode,
}

/// Bytes that are still in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) start: u64,
    /// As written down.
    pub(super) len: u32,
    pub(super) coding: Coding,
}

/// A function or class a file may name; each has one harmless meaning here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    /// `_codecs.encode`: text to bytes.
    Encode,
    /// `bytes` or `bytearray` of nothing.
    Bytes,
    /// `numpy…_reconstruct`: an array that is filled next.
    Reconstruct,
    /// `numpy…_frombuffer`: an array at once (protocol 5).
    FromBuffer,
    /// `numpy…scalar`: one number.
    Scalar,
    /// `numpy.ndarray`.
    NdArray,
    /// `numpy.dtype`.
    Dtype,
}

impl Global {
    /// The whitelist.
    pub(super) fn named(module: &str, name: &str) -> Option<Self> {
        let numpy = |part: &str| module == format!("numpy.core.{part}") || module == format!("numpy._core.{part}");
        match name {
            "encode" if module == "_codecs" => Some(Self::Encode),
            "bytes" | "bytearray" if matches!(module, "builtins" | "__builtin__") => Some(Self::Bytes),
            "_reconstruct" if numpy("multiarray") => Some(Self::Reconstruct),
            "scalar" if numpy("multiarray") => Some(Self::Scalar),
            "_frombuffer" if numpy("numeric") => Some(Self::FromBuffer),
            "ndarray" if module == "numpy" => Some(Self::NdArray),
            "dtype" if module == "numpy" => Some(Self::Dtype),
            _ => None,
        }
    }
}

/// Numbers of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dtype {
    /// Bytes.
    U8,
    /// Truth.
    Bool,
    /// Something else, which no file of this kind has.
    Other,
}

impl Dtype {
    pub(super) fn named(name: &str) -> Self {
        match name.trim_start_matches(['|', '<', '>', '=']) {
            "u1" | "uint8" | "B" => Self::U8,
            "b1" | "bool" | "?" => Self::Bool,
            _ => Self::Other,
        }
    }
}

/// An array of numpy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Array {
    pub(super) dtype: Dtype,
    /// It has one direction only: `(n,)`, `(n, 1)` or `(1, n)`.
    pub(super) is_flat: bool,
    pub(super) data: Blob,
}

/// A value on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// Unicode.
    Text(Blob),
    /// Bytes, or what Python 2 called a string.
    Bytes(Blob),
    /// A number of a list.
    List(u32),
    /// A piece of the tuples' values.
    Tuple {
        start: u32,
        len: u32,
    },
    Global(Global),
    Dtype(Dtype),
    /// A number of an array; one that is not filled yet has no value there.
    Array(u32),
}
