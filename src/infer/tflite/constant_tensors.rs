//! Constants of a file as tensors: numbers of every width, and quantised ones as the real numbers they stand for.

use super::error::InterpreterError;
use super::matmul;
use super::shape::Shape;
use super::tensor::{Tensor, TensorData};

/// Number format of a tensor: `TensorType` of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorType {
    /// FLOAT32, code 0.
    F32,
    /// FLOAT16, code 1: converted to `f32` when read.
    F16,
    /// FLOAT64, code 10: rounded to `f32` when read.
    F64,
    /// UINT8, code 3: integers, or quantised real numbers.
    U8,
    /// INT8, code 9: integers, or quantised real numbers.
    I8,
    /// INT16, code 7: integers, or quantised real numbers.
    I16,
    /// INT32, code 2: integers, or quantised biases.
    I32,
    /// INT64, code 4.
    I64,
    /// BOOL, code 6: one byte each.
    Bool,
    /// Strings, handles, lists: types that a constant cannot have.
    Other,
}

impl TensorType {
    /// Returns the type of a `TensorType` code; `Other` for every code that is not listed here.
    pub fn from_code(code: i8) -> TensorType {
        match code {
            0 => TensorType::F32,
            1 => TensorType::F16,
            2 => TensorType::I32,
            3 => TensorType::U8,
            4 => TensorType::I64,
            6 => TensorType::Bool,
            7 => TensorType::I16,
            9 => TensorType::I8,
            10 => TensorType::F64,
            _ => TensorType::Other,
        }
    }

    /// Whether the file holds real numbers, which need no quantisation parameters.
    pub fn is_real(self) -> bool {
        matches!(self, TensorType::F32 | TensorType::F16 | TensorType::F64)
    }
}

/// Quantisation of a tensor: an integer stands for `(integer - zero) * scale`.
#[derive(Debug, Clone, Default)]
pub struct QuantizationParameters {
    /// Empty if the tensor is not quantised; several if each slice of `axis` has its own scale.
    pub scales: Vec<f32>,
    /// Integers that stand for zero, one per scale; missing ones count as the first, or as 0.
    pub zeros: Vec<i64>,
    /// Dimension whose slices have their own scales; unused with one scale.
    pub axis: usize,
}

/// Grid of values that a quantised tensor can take at run time.
#[derive(Debug, Clone, Copy)]
pub struct FakeQuant {
    scale: f32,
    zero: f32,
    least: f32,
    most: f32,
}

impl FakeQuant {
    /// Returns the grid of a tensor; `None` if it is not quantised to at most 16 bits.
    pub fn from_parameters(kind: TensorType, quantisation: &QuantizationParameters) -> Option<FakeQuant> {
        let (least, most) = match kind {
            TensorType::I8 => (-128.0, 127.0),
            TensorType::U8 => (0.0, 255.0),
            TensorType::I16 => (-32768.0, 32767.0),
            _ => return None,
        };
        let zero = quantisation.zeros.first().copied().unwrap_or(0) as f32;
        Some(FakeQuant { scale: *quantisation.scales.first()?, zero, least, most })
    }

    /// Rounds each value to the nearest grid value; halves away from zero.
    pub fn round(&self, values: &mut [f32]) {
        struct Round<'a>(FakeQuant, &'a mut [f32]);
        impl pulp::NullaryFnOnce for Round<'_> {
            type Output = ();

            // Compiled separately for each kind of processor, with its vectors.
            #[inline(always)]
            fn call(self) {
                let Round(grid, values) = self;
                for value in values {
                    let step = *value / grid.scale;
                    // The largest number below a half, so that a value just below one half is not rounded up.
                    let nearest = (step + 0.499_999_97_f32.copysign(step)).trunc();
                    let kept = (nearest + grid.zero).clamp(grid.least, grid.most);
                    *value = (kept - grid.zero) * grid.scale;
                }
            }
        }
        matmul::arch().dispatch(Round(*self, values));
    }
}

/// Decodes a constant as a tensor of at most `most` values.
pub fn read_constant(
    (kind, shape): (TensorType, Shape),
    quantisation: &QuantizationParameters,
    bytes: &[u8],
    most: usize,
) -> Result<Tensor, InterpreterError> {
    let count = shape.count()?;
    if count > most {
        return Err(InterpreterError::Limit("elements"));
    }
    let data = match kind {
        TensorType::F32 => TensorData::Floats(numbers(bytes, count, f32::from_le_bytes)?),
        TensorType::F16 => {
            TensorData::Floats(numbers(bytes, count, |bytes| half::f16::from_le_bytes(bytes).to_f32())?)
        }
        TensorType::F64 => {
            TensorData::Floats(numbers(bytes, count, |bytes| f64::from_le_bytes(bytes) as f32)?)
        }
        TensorType::U8 | TensorType::Bool => {
            TensorData::Integers(numbers(bytes, count, |[byte]| i64::from(byte))?)
        }
        TensorType::I8 => {
            TensorData::Integers(numbers(bytes, count, |byte| i64::from(i8::from_le_bytes(byte)))?)
        }
        TensorType::I16 => {
            TensorData::Integers(numbers(bytes, count, |bytes| i64::from(i16::from_le_bytes(bytes)))?)
        }
        TensorType::I32 => {
            TensorData::Integers(numbers(bytes, count, |bytes| i64::from(i32::from_le_bytes(bytes)))?)
        }
        TensorType::I64 => TensorData::Integers(numbers(bytes, count, i64::from_le_bytes)?),
        TensorType::Other => return Err("a constant is of a kind that has no numbers".into()),
    };
    match data {
        TensorData::Integers(steps) if !quantisation.scales.is_empty() => {
            Tensor::new_floats(shape, dequantize(&steps, &shape, quantisation)?)
        }
        data => Tensor::new(shape, data),
    }
}

fn numbers<const N: usize, T>(
    bytes: &[u8],
    count: usize,
    number: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, InterpreterError> {
    let items = bytes.as_chunks().0.get(..count).ok_or("a constant is shorter than its dimensions")?;
    Ok(items.iter().map(|item| number(*item)).collect())
}

/// Converts quantised integers to the real numbers they stand for.
fn dequantize(
    steps: &[i64],
    shape: &Shape,
    quantisation: &QuantizationParameters,
) -> Result<Vec<f32>, InterpreterError> {
    let QuantizationParameters { scales, zeros, axis } = quantisation;
    // Number of slices with one scale each, and values per slice.
    let (slices, width) = match (scales.len(), shape.get(*axis)) {
        (1, _) => (1, 1),
        (size, Some(dim)) if size == *dim => (*dim, shape.outer_and_inner(*axis).1),
        _ => return Err("the scales of a constant do not fit its dimensions".into()),
    };
    let meaning = |(at, step): (usize, &i64)| {
        let slice = (at / width.max(1)) % slices.max(1);
        let zero = zeros.get(slice).or(zeros.first()).copied().unwrap_or(0);
        step.wrapping_sub(zero) as f32 * scales[slice]
    };
    Ok(steps.iter().enumerate().map(meaning).collect())
}
