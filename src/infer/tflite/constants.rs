//! Constants of a file as tensors: numbers of every width, and quantised ones as the real numbers they stand for.

use super::error::Fault;
use super::matrix;
use super::shape::Shape;
use super::tensor::{Data, Tensor};

/// How a tensor's numbers are written, from `TensorType` of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    F32,
    F16,
    F64,
    U8,
    I8,
    I16,
    I32,
    I64,
    Bool,
    /// Strings, handles, lists: nothing that can be written in a constant.
    Other,
}

impl Kind {
    pub fn of(code: i8) -> Kind {
        match code {
            0 => Kind::F32,
            1 => Kind::F16,
            2 => Kind::I32,
            3 => Kind::U8,
            4 => Kind::I64,
            6 => Kind::Bool,
            7 => Kind::I16,
            9 => Kind::I8,
            10 => Kind::F64,
            _ => Kind::Other,
        }
    }

    pub fn is_real(self) -> bool {
        matches!(self, Kind::F32 | Kind::F16 | Kind::F64)
    }
}

/// What integers of a tensor stand for: `(integer - zero) * scale`.
#[derive(Debug, Clone, Default)]
pub struct Quantisation {
    /// Empty where the numbers stand for themselves; several where each slice of `axis` has its own.
    pub scales: Vec<f32>,
    pub zeros: Vec<i64>,
    pub axis: usize,
}

/// The values that a quantised tensor can take at run time.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    scale: f32,
    zero: f32,
    least: f32,
    most: f32,
}

impl Grid {
    /// That of a tensor; none where it is not quantised to at most 16 bits.
    pub fn of(kind: Kind, quantisation: &Quantisation) -> Option<Grid> {
        let (least, most) = match kind {
            Kind::I8 => (-128.0, 127.0),
            Kind::U8 => (0.0, 255.0),
            Kind::I16 => (-32768.0, 32767.0),
            _ => return None,
        };
        let zero = quantisation.zeros.first().copied().unwrap_or(0) as f32;
        Some(Grid { scale: *quantisation.scales.first()?, zero, least, most })
    }

    /// Moves each value to the nearest of the grid; halves away from zero.
    pub fn round(&self, values: &mut [f32]) {
        struct Round<'a>(Grid, &'a mut [f32]);
        impl pulp::NullaryFnOnce for Round<'_> {
            type Output = ();

            // Compiled once more for each kind of processor, with its vectors.
            #[inline(always)]
            fn call(self) {
                let Round(grid, values) = self;
                for value in values {
                    let step = *value / grid.scale;
                    // The largest number below a half, so that what is just below one is not lifted over it.
                    let nearest = (step + 0.499_999_97_f32.copysign(step)).trunc();
                    let kept = (nearest + grid.zero).clamp(grid.least, grid.most);
                    *value = (kept - grid.zero) * grid.scale;
                }
            }
        }
        matrix::arch().dispatch(Round(*self, values));
    }
}

/// The bytes of a constant as a tensor of at most `most` values.
pub fn read(
    (kind, shape): (Kind, Shape),
    quantisation: &Quantisation,
    bytes: &[u8],
    most: usize,
) -> Result<Tensor, Fault> {
    let count = shape.count()?;
    if count > most {
        return Err(Fault::Limit("elements"));
    }
    let data = match kind {
        Kind::F32 => Data::Floats(numbers(bytes, count, f32::from_le_bytes)?),
        Kind::F16 => Data::Floats(numbers(bytes, count, |bytes| half::f16::from_le_bytes(bytes).to_f32())?),
        Kind::F64 => Data::Floats(numbers(bytes, count, |bytes| f64::from_le_bytes(bytes) as f32)?),
        Kind::U8 | Kind::Bool => Data::Integers(numbers(bytes, count, |[byte]| i64::from(byte))?),
        Kind::I8 => Data::Integers(numbers(bytes, count, |byte| i64::from(i8::from_le_bytes(byte)))?),
        Kind::I16 => Data::Integers(numbers(bytes, count, |bytes| i64::from(i16::from_le_bytes(bytes)))?),
        Kind::I32 => Data::Integers(numbers(bytes, count, |bytes| i64::from(i32::from_le_bytes(bytes)))?),
        Kind::I64 => Data::Integers(numbers(bytes, count, i64::from_le_bytes)?),
        Kind::Other => return Err("a constant is of a kind that has no numbers".into()),
    };
    match data {
        Data::Integers(steps) if !quantisation.scales.is_empty() => {
            Tensor::of_floats(shape, meanings(&steps, &shape, quantisation)?)
        }
        data => Tensor::new(shape, data),
    }
}

fn numbers<const N: usize, T>(
    bytes: &[u8],
    count: usize,
    number: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, Fault> {
    let items = bytes.as_chunks().0.get(..count).ok_or("a constant is shorter than its dimensions")?;
    Ok(items.iter().map(|item| number(*item)).collect())
}

/// The real numbers that quantised integers stand for.
fn meanings(steps: &[i64], shape: &Shape, quantisation: &Quantisation) -> Result<Vec<f32>, Fault> {
    let Quantisation { scales, zeros, axis } = quantisation;
    // Slices of one scale: so many, each so many values wide.
    let (slices, width) = match (scales.len(), shape.get(*axis)) {
        (1, _) => (1, 1),
        (given, Some(dim)) if given == *dim => (*dim, shape.around(*axis).1),
        _ => return Err("the scales of a constant do not fit its dimensions".into()),
    };
    let meaning = |(at, step): (usize, &i64)| {
        let slice = (at / width.max(1)) % slices.max(1);
        let zero = zeros.get(slice).or(zeros.first()).copied().unwrap_or(0);
        step.wrapping_sub(zero) as f32 * scales[slice]
    };
    Ok(steps.iter().enumerate().map(meaning).collect())
}
