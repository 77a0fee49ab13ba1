//! The types of number that weights are stored in, and the way to 32-bit numbers.

use half::{bf16, f16};

/// A type of number, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
}

impl Element {
    /// By the name of PyTorch's storage class.
    pub fn of_storage(class: &str) -> Option<Self> {
        Some(match class.strip_suffix("Storage")? {
            "Double" => Self::F64,
            "Float" => Self::F32,
            "Half" => Self::F16,
            "BFloat16" => Self::Bf16,
            "Long" => Self::I64,
            "Int" => Self::I32,
            "Short" => Self::I16,
            "Char" => Self::I8,
            "Byte" | "Bool" => Self::U8,
            _ => return None,
        })
    }

    pub fn of_safetensors(dtype: safetensors::Dtype) -> Option<Self> {
        use safetensors::Dtype;
        Some(match dtype {
            Dtype::F64 => Self::F64,
            Dtype::F32 => Self::F32,
            Dtype::F16 => Self::F16,
            Dtype::BF16 => Self::Bf16,
            Dtype::I64 => Self::I64,
            Dtype::I32 => Self::I32,
            Dtype::I16 => Self::I16,
            Dtype::I8 => Self::I8,
            Dtype::U8 | Dtype::BOOL => Self::U8,
            _ => return None,
        })
    }

    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 => 1,
        }
    }

    /// Every whole number in `bytes`, rounded to 32 bits.
    pub fn floats(self, bytes: &[u8]) -> Vec<f32> {
        fn each<const N: usize>(bytes: &[u8], to: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            bytes.as_chunks::<N>().0.iter().map(|number| to(*number)).collect()
        }
        match self {
            Self::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32),
            Self::F32 => each(bytes, f32::from_le_bytes),
            Self::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Self::Bf16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Self::I64 => each(bytes, |b| i64::from_le_bytes(b) as f32),
            Self::I32 => each(bytes, |b| i32::from_le_bytes(b) as f32),
            Self::I16 => each(bytes, |b| f32::from(i16::from_le_bytes(b))),
            Self::I8 => each(bytes, |b| f32::from(i8::from_le_bytes(b))),
            Self::U8 => each(bytes, |[b]| f32::from(b)),
        }
    }
}
