//! The number types of weights.

use half::{bf16, f16};
use safetensors::Dtype;
use serde::{Deserialize, Serialize};

/// The number type of weights in a file that is written. In memory they are f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightType {
    /// IEEE single precision: what is in memory, to the last bit.
    #[default]
    F32,
    /// IEEE half precision: 11 significant bits, numbers up to 65,504. Larger ones are refused.
    F16,
    /// bfloat16: 8 significant bits, the range of f32.
    Bf16,
}

impl WeightType {
    /// PyTorch's name, as `dtype` of a `config.json` has it.
    ///
    /// ```
    /// assert_eq!(hf_folder::WeightType::Bf16.torch_name(), "bfloat16");
    /// ```
    pub fn torch_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }

    pub(crate) fn in_file(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::F16 => Dtype::F16,
            Self::Bf16 => Dtype::BF16,
        }
    }

    /// Bytes of a number.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// The largest finite number.
    pub(crate) fn largest(self) -> f32 {
        match self {
            Self::F32 => f32::MAX,
            Self::F16 => f16::MAX.to_f32(),
            Self::Bf16 => bf16::MAX.to_f32(),
        }
    }

    /// Appends numbers, rounded to the nearest; the first finite one that would become infinite is the
    /// error.
    pub(crate) fn encode(self, values: &[f32], bytes: &mut Vec<u8>) -> Result<(), f32> {
        for &value in values {
            let infinite = match self {
                Self::F32 => {
                    bytes.extend(value.to_le_bytes());
                    false
                }
                Self::F16 => {
                    let rounded = f16::from_f32(value);
                    bytes.extend(rounded.to_le_bytes());
                    rounded.is_infinite()
                }
                Self::Bf16 => {
                    let rounded = bf16::from_f32(value);
                    bytes.extend(rounded.to_le_bytes());
                    rounded.is_infinite()
                }
            };
            if infinite && value.is_finite() {
                return Err(value);
            }
        }
        Ok(())
    }
}

/// Whether [`decode`] reads a type.
pub(crate) fn is_read(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16)
}

/// Appends the numbers of some bytes, a whole number of them, as f32. Nothing for a type that is not
/// read.
pub(crate) fn decode(dtype: Dtype, bytes: &[u8], values: &mut Vec<f32>) {
    match dtype {
        Dtype::F64 => extend(values, bytes, |b| f64::from_le_bytes(b) as f32),
        Dtype::F32 => extend(values, bytes, f32::from_le_bytes),
        Dtype::F16 => extend(values, bytes, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => extend(values, bytes, |b| bf16::from_le_bytes(b).to_f32()),
        _ => {}
    }
}

fn extend<const N: usize>(values: &mut Vec<f32>, bytes: &[u8], number: impl Fn([u8; N]) -> f32) {
    let (numbers, _) = bytes.as_chunks::<N>();
    values.extend(numbers.iter().map(|&bytes| number(bytes)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_once_and_overflow_is_refused() {
        let mut bytes = Vec::new();
        // 65,519 rounds down to the largest f16; 65,520 is halfway to the next and would be infinite.
        WeightType::F16
            .encode(&[65_519.0, -0.1, f32::INFINITY], &mut bytes)
            .unwrap();
        let mut values = Vec::new();
        decode(Dtype::F16, &bytes, &mut values);
        assert_eq!(values, [65_504.0, -0.099_975_586, f32::INFINITY]);
        assert_eq!(
            WeightType::F16.encode(&[1.0, -65_520.0], &mut bytes),
            Err(-65_520.0)
        );
        assert_eq!(
            WeightType::Bf16.encode(&[f32::MAX], &mut bytes),
            Err(f32::MAX)
        );
        assert_eq!(WeightType::F32.encode(&[f32::MAX], &mut bytes), Ok(()));
    }

    #[test]
    fn each_type_is_read() {
        let cases: [(Dtype, Vec<u8>); 4] = [
            (Dtype::F64, 1.5f64.to_le_bytes().to_vec()),
            (Dtype::F32, 1.5f32.to_le_bytes().to_vec()),
            (Dtype::F16, vec![0x00, 0x3e]),
            (Dtype::BF16, vec![0xc0, 0x3f]),
        ];
        for (dtype, bytes) in cases {
            let mut values = Vec::new();
            decode(dtype, &bytes, &mut values);
            assert_eq!(values, [1.5], "{dtype:?}");
            assert!(is_read(dtype));
        }
        assert!(!is_read(Dtype::F8_E4M3) && !is_read(Dtype::I32));
    }
}
