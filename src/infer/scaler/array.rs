//! numpy's arrays as far as scalers need them: plain numbers of up to eight bytes, as `f64`.

use super::Refused;

/// An array in C order, whatever the order it was saved in.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The length of each dimension; none for a single number.
    pub shape: Vec<usize>,
    /// As many as the product of the shape. Integers beyond 2^53 are rounded.
    pub values: Vec<f64>,
}

/// The type of an array's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    Number(Number),
    /// Python objects. Only texts are taken of them, by whoever meets one.
    Object,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    kind: NumberKind,
    /// Bytes of one, 1 to 8.
    width: usize,
    big_endian: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumberKind {
    Float,
    Signed,
    Unsigned,
}

/// Longest name of a type that is looked at: the longest one known, with its order of bytes, has three. A pickle names a
/// text of megabytes again and again for a few bytes each.
const MAX_NAME_BYTES: usize = 16;

impl Dtype {
    /// From numpy's short name (`f8`, `<i4`, `|b1`, `O`), which may begin with the order of bytes.
    pub fn parse(name: &str) -> Result<Self, Refused> {
        let is_short = name.len() <= MAX_NAME_BYTES;
        let plain = if is_short { name.trim_start_matches(['<', '=', '|', '>']) } else { name };
        let (kind, width) = match plain {
            "f8" => (NumberKind::Float, 8),
            "f4" => (NumberKind::Float, 4),
            "i8" => (NumberKind::Signed, 8),
            "i4" => (NumberKind::Signed, 4),
            "i2" => (NumberKind::Signed, 2),
            "i1" => (NumberKind::Signed, 1),
            "u8" => (NumberKind::Unsigned, 8),
            "u4" => (NumberKind::Unsigned, 4),
            "u2" => (NumberKind::Unsigned, 2),
            "u1" | "b1" => (NumberKind::Unsigned, 1),
            "O" | "O8" => return Ok(Dtype::Object),
            other => {
                let shown = other.chars().take(16).flat_map(char::escape_default).collect();
                return Err(Refused::ArrayType(shown));
            }
        };
        Ok(Dtype::Number(Number { kind, width, big_endian: name.starts_with('>') }))
    }

    /// The same type in the order of bytes that numpy's state of a dtype names: `<`, `>`, `=` or `|`.
    pub fn in_order(self, order: &str) -> Self {
        match self {
            Dtype::Number(number) => Dtype::Number(Number { big_endian: order == ">", ..number }),
            Dtype::Object => Dtype::Object,
        }
    }
}

impl Number {
    /// Bytes of an array of that many; none where that is more than there can be.
    pub fn size_of(self, count: usize) -> Option<usize> {
        count.checked_mul(self.width)
    }

    /// The array of these bytes, which are those of the whole shape. `fortran`: the first index runs fastest.
    pub fn decode(self, bytes: &[u8], shape: Vec<usize>, fortran: bool) -> Result<Array, Refused> {
        let count = count(&shape)?;
        if self.size_of(count) != Some(bytes.len()) {
            return Err(Refused::Malformed("an array has more or fewer bytes than its shape"));
        }
        let values: Vec<f64> = bytes.chunks_exact(self.width).map(|item| self.value(item)).collect();
        match (fortran, shape.as_slice()) {
            (false, _) | (true, [] | [_]) => Ok(Array { shape, values }),
            // No field of a scaler has more dimensions than one; sorting them would be code nobody runs.
            (true, _) => Err(Refused::Malformed("an array is saved by columns")),
        }
    }

    fn value(self, item: &[u8]) -> f64 {
        let append = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        let bits =
            if self.big_endian { item.iter().fold(0, append) } else { item.iter().rev().fold(0, append) };
        match (self.kind, self.width) {
            (NumberKind::Float, 8) => f64::from_bits(bits),
            (NumberKind::Float, _) => f64::from(f32::from_bits(bits as u32)),
            (NumberKind::Signed, width) => {
                let unused = 64 - 8 * width as u32;
                ((bits << unused) as i64 >> unused) as f64
            }
            (NumberKind::Unsigned, _) => bits as f64,
        }
    }
}

/// Items of an array of this shape.
pub fn count(shape: &[usize]) -> Result<usize, Refused> {
    let product = shape.iter().try_fold(1_usize, |product, length| product.checked_mul(*length));
    product.ok_or(Refused::Excessive("an array is too large"))
}
