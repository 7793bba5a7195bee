//! numpy arrays as far as scalers need them: plain numbers of up to eight bytes, converted to `f64`.

use super::ScalerError;

/// An array in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct NumpyArray {
    /// Length of each dimension; empty for a scalar.
    pub shape: Vec<usize>,
    /// Values, as many as the product of the shape. Integers beyond 2^53 are rounded.
    pub values: Vec<f64>,
}

/// Element type of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// Numbers, which convert to `f64`.
    Number(NumericType),
    /// Python objects, of which the reader accepts only strings.
    Object,
}

/// Width, byte order and kind of a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumericType {
    kind: NumericKind,
    /// Bytes per element, 1 to 8.
    width: usize,
    big_endian: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumericKind {
    Float,
    Signed,
    Unsigned,
}

/// Maximum length of a type name that is parsed: the longest known name with its byte order has three bytes, and a
/// pickle can repeat a text of megabytes for a few bytes each.
const MAX_DTYPE_NAME_BYTES: usize = 16;

impl Dtype {
    /// Parses numpy's short name (`f8`, `<i4`, `|b1`, `O`), optionally with the byte order in front.
    pub fn parse(name: &str) -> Result<Self, ScalerError> {
        let is_short = name.len() <= MAX_DTYPE_NAME_BYTES;
        let plain = if is_short { name.trim_start_matches(['<', '=', '|', '>']) } else { name };
        let (kind, width) = match plain {
            "f8" => (NumericKind::Float, 8),
            "f4" => (NumericKind::Float, 4),
            "i8" => (NumericKind::Signed, 8),
            "i4" => (NumericKind::Signed, 4),
            "i2" => (NumericKind::Signed, 2),
            "i1" => (NumericKind::Signed, 1),
            "u8" => (NumericKind::Unsigned, 8),
            "u4" => (NumericKind::Unsigned, 4),
            "u2" => (NumericKind::Unsigned, 2),
            "u1" | "b1" => (NumericKind::Unsigned, 1),
            "O" | "O8" => return Ok(Dtype::Object),
            other => {
                let shown = other.chars().take(16).flat_map(char::escape_default).collect();
                return Err(ScalerError::ArrayType(shown));
            }
        };
        Ok(Dtype::Number(NumericType { kind, width, big_endian: name.starts_with('>') }))
    }

    /// Returns this type in the byte order of numpy's dtype state: `<`, `>`, `=` or `|`.
    pub fn with_byte_order(self, order: &str) -> Self {
        match self {
            Dtype::Number(number) => Dtype::Number(NumericType { big_endian: order == ">", ..number }),
            Dtype::Object => Dtype::Object,
        }
    }
}

impl NumericType {
    /// Returns the bytes of an array with `count` elements; `None` on overflow.
    pub fn byte_len(self, count: usize) -> Option<usize> {
        count.checked_mul(self.width)
    }

    /// Decodes the bytes of a whole array. With `fortran` the first index varies fastest.
    pub fn decode(self, bytes: &[u8], shape: Vec<usize>, fortran: bool) -> Result<NumpyArray, ScalerError> {
        let count = element_count(&shape)?;
        if self.byte_len(count) != Some(bytes.len()) {
            return Err(ScalerError::Malformed("an array has more or fewer bytes than its shape"));
        }
        let values: Vec<f64> = bytes.chunks_exact(self.width).map(|item| self.decode_item(item)).collect();
        match (fortran, shape.as_slice()) {
            (false, _) | (true, [] | [_]) => Ok(NumpyArray { shape, values }),
            // No field of a scaler has more dimensions; reordering them would be unused code.
            (true, _) => Err(ScalerError::Malformed("an array is saved by columns")),
        }
    }

    fn decode_item(self, item: &[u8]) -> f64 {
        let append = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        let bits =
            if self.big_endian { item.iter().fold(0, append) } else { item.iter().rev().fold(0, append) };
        match (self.kind, self.width) {
            (NumericKind::Float, 8) => f64::from_bits(bits),
            (NumericKind::Float, _) => f64::from(f32::from_bits(bits as u32)),
            (NumericKind::Signed, width) => {
                let unused = 64 - 8 * width as u32;
                ((bits << unused) as i64 >> unused) as f64
            }
            (NumericKind::Unsigned, _) => bits as f64,
        }
    }
}

/// Returns the number of elements of an array with this shape.
pub fn element_count(shape: &[usize]) -> Result<usize, ScalerError> {
    let product = shape.iter().try_fold(1_usize, |product, length| product.checked_mul(*length));
    product.ok_or(ScalerError::Excessive("an array is too large"))
}
