//! One value in registers: its cells and their encoding. Pure.

mod array;

use super::cell_bytes::{bytes_of, swap_pairs, whole_bytes};
use super::cell_words::{whole, words_at};
use super::cell_writes::{all_cells, part};
use super::integer_cells::IntegerCells;
use super::point_error::PointError;
use super::s7_string::S7StringForm;
use super::value_type::{RawContent, RegisterType};
use super::{
    ByteLayout, CellUnit, RegisterAddress, RegisterData, RegisterRange, RegisterSpace, RegisterWrite, meaning,
};
use crate::collect::codec::{self, WordOrder};
use crate::collect::device_value::DeviceValue;
use crate::collect::numeric_value::NumericValue;
use crate::domain::stream::StreamKind;

/// Range and encoding of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegisterPoint {
    pub span: RegisterRange,
    /// Type of the number in the cells; without meaning for bytes and for integers that no stream has.
    raw_kind: StreamKind,
    form: PointEncoding,
    /// Type of the value, and of the stream that shows it, where they are not simply the number in the cells.
    meaning: Option<(RegisterType, StreamKind)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum PointEncoding {
    /// A cell of one bit; the number is 0 or 1.
    Bit,
    /// A bit of a word, counted after the word order's byte swap.
    BitOfWord(WordOrder, u8),
    /// A bit of a cell of one byte.
    BitOfByte(u8),
    /// A cell of one byte.
    Byte,
    /// A number in words, or in as many bytes or bits.
    Number(WordOrder),
    /// An integer of another number of bytes than streams have.
    Integer(IntegerCells),
    /// Bytes in the order in which they follow each other, apart from the word order's byte swap.
    Bytes(WordOrder),
}

impl RegisterPoint {
    /// The value of a kind at a cell, or one bit of the word there.
    pub fn new(
        cell: RegisterAddress,
        bit: Option<u8>,
        kind: StreamKind,
        order: WordOrder,
    ) -> Result<RegisterPoint, PointError> {
        let words = codec::word_count(kind).ok_or(PointError::NotANumber)?;
        let (form, len) = layout(cell.space, bit, kind, words, order)?;
        Ok(RegisterPoint {
            span: span(cell, in_one_read(cell.space, len)?)?,
            raw_kind: kind,
            form,
            meaning: None,
        })
    }

    /// The value of a type at a cell, for a stream of a kind.
    pub fn of_type(
        cell: RegisterAddress,
        value_type: RegisterType,
        kind: StreamKind,
        order: WordOrder,
    ) -> Result<RegisterPoint, PointError> {
        if !value_type.fits(kind) {
            return Err(PointError::OtherType(value_type));
        }
        let meaning = Some((value_type, kind));
        match (value_type, value_type.raw()) {
            (RegisterType::Array(element, count), _) => {
                let first = RegisterPoint::of_type(cell, *element, element.default_kind(), order)?;
                Ok(RegisterPoint { span: first.repeated(count)?, meaning, ..first })
            }
            (RegisterType::Plain(own), _) => RegisterPoint::new(cell, None, own, order),
            (_, RawContent::Number(raw)) => {
                Ok(RegisterPoint { meaning, ..RegisterPoint::new(cell, None, raw, order)? })
            }
            (_, RawContent::Integer(bytes)) => {
                let (span, form) = integer(cell, bytes, order)?;
                Ok(RegisterPoint { span, raw_kind: StreamKind::Uint64, form, meaning })
            }
            (_, RawContent::Bytes(bytes)) => {
                let span = span(cell, byte_cells(cell.space, value_type, bytes)?)?;
                let form = PointEncoding::Bytes(order);
                Ok(RegisterPoint { span, raw_kind: StreamKind::Byte, form, meaning })
            }
        }
    }

    /// Returns the value in the data of `block`.
    ///
    /// # Errors
    /// A message: the block does not contain the point, or what it holds there is no value of the point's type.
    pub fn value(&self, block: RegisterRange, data: &RegisterData) -> Result<DeviceValue, String> {
        let missing = || "the answer does not hold the value".to_owned();
        match (self.form, self.meaning) {
            (_, Some((RegisterType::Array(element, count), _))) => {
                self.elements(*element, count, block, data)
            }
            (PointEncoding::Bytes(order), Some((value_type, kind))) => {
                let bytes = self.bytes(order, block, data).ok_or_else(missing)?;
                meaning::of_bytes(value_type, &bytes, kind)
            }
            (_, Some((value_type, kind))) => {
                meaning::of_number(value_type, self.decode(block, data).ok_or_else(missing)?, kind)
            }
            (_, None) => self.decode(block, data).map(DeviceValue::Number).ok_or_else(missing),
        }
    }

    /// Returns the point's bytes in the data of `block`, in the order of the characters of a text.
    fn bytes(&self, order: WordOrder, block: RegisterRange, data: &RegisterData) -> Option<Vec<u8>> {
        let from = usize::try_from(self.span.start.checked_sub(block.start)?).ok()?;
        let cells = from..from + usize::from(self.span.len);
        let mut bytes = match data {
            RegisterData::Words(words) => bytes_of(self.span.space.byte_layout, words.get(cells)?),
            RegisterData::Bytes(bytes) => bytes.get(cells)?.to_vec(),
            RegisterData::Bits(_) => return None,
        };
        swap_pairs(order, &mut bytes);
        Some(bytes)
    }

    /// Decodes the number in the cells from the data of `block`; `None` when the block does not contain the point.
    fn decode(&self, block: RegisterRange, data: &RegisterData) -> Option<NumericValue> {
        let from = usize::try_from(self.span.start.checked_sub(block.start)?).ok()?;
        let layout = self.span.space.byte_layout;
        match (self.form, data) {
            (PointEncoding::Bit, RegisterData::Bits(bits)) => bits.get(from).copied().map(NumericValue::Bit),
            (PointEncoding::Bit, RegisterData::Words(_) | RegisterData::Bytes(_)) => None,
            (PointEncoding::BitOfWord(order, bit), _) => {
                let [word, ..] = words_at(layout, data, from, 1)?;
                let NumericValue::Uint(word) = codec::decode(StreamKind::Uint16, order, &[word])? else {
                    return None;
                };
                Some(NumericValue::Bit(word >> bit & 1 == 1))
            }
            (PointEncoding::BitOfByte(bit), RegisterData::Bytes(bytes)) => {
                bytes.get(from).map(|byte| NumericValue::Bit(byte >> bit & 1 == 1))
            }
            (PointEncoding::Byte, RegisterData::Bytes(bytes)) => {
                bytes.get(from).map(|byte| NumericValue::Uint((*byte).into()))
            }
            (
                PointEncoding::BitOfByte(_) | PointEncoding::Byte,
                RegisterData::Words(_) | RegisterData::Bits(_),
            )
            | (PointEncoding::Bytes(_), _) => None,
            (PointEncoding::Integer(integer), _) => {
                integer.decode(layout, data, from).map(NumericValue::Uint)
            }
            (PointEncoding::Number(order), _) => {
                let count = codec::word_count(self.raw_kind)?;
                codec::decode(self.raw_kind, order, words_at(layout, data, from, count)?.get(..count)?)
            }
        }
    }

    /// Type of the value.
    pub fn kind(&self) -> StreamKind {
        self.meaning.map_or(self.raw_kind, |(_, kind)| kind)
    }

    /// The type that the address names, where it is not simply the number in the cells.
    pub fn meaning(&self) -> Option<RegisterType> {
        self.meaning.map(|(value_type, _)| value_type)
    }

    /// Whether a value of this type can be written at all. The device may still refuse.
    pub fn is_writable(&self) -> bool {
        self.span.space.is_writable && !self.meaning.is_some_and(|(value_type, _)| value_type.is_read_only())
    }

    /// Whether it can only be on or off, whatever kind was requested.
    pub fn is_bit(&self) -> bool {
        let is_single = matches!(
            self.form,
            PointEncoding::Bit | PointEncoding::BitOfWord(..) | PointEncoding::BitOfByte(_)
        );
        let is_array = matches!(self.meaning(), Some(RegisterType::Array(..)));
        !is_array && (self.raw_kind == StreamKind::Bit || is_single)
    }

    /// Encodes `value` as a write; `None` when the point cannot hold it. Writing a bit or byte of a word leaves the
    /// rest of the word alone.
    pub fn encode(&self, value: &DeviceValue) -> Option<RegisterWrite> {
        match (self.form, self.meaning, value) {
            (_, Some((RegisterType::Array(element, count), _)), DeviceValue::Text(list)) => {
                self.encode_list(*element, count, list)
            }
            (
                PointEncoding::Bytes(order),
                Some((RegisterType::S7String(form, _), _)),
                DeviceValue::Text(_),
            ) => {
                let bytes = self.text_bytes(value)?;
                (!order.swaps_bytes()).then_some(RegisterWrite::Bytes(self.written_length(form), bytes))
            }
            (PointEncoding::Bytes(order), Some(_), DeviceValue::Text(_)) => {
                Some(whole_bytes(self.span.first(), order, self.text_bytes(value)?))
            }
            (PointEncoding::Bytes(_), ..) | (_, _, DeviceValue::Text(_)) => None,
            (_, Some((value_type, _)), DeviceValue::Number(number)) => {
                self.encode_number(meaning::to_number(value_type, *number)?)
            }
            (_, None, DeviceValue::Number(number)) => self.encode_number(*number),
        }
    }

    /// A write of the most cells that a value can change.
    pub fn widest_write(&self) -> Option<RegisterWrite> {
        let cells = usize::from(self.span.len);
        match (self.form, self.meaning()) {
            (_, Some(RegisterType::Array(..))) => Some(all_cells(self.span)),
            (PointEncoding::Bytes(_), Some(RegisterType::S7String(form, _))) => {
                let written = cells.saturating_sub(form.width().into());
                Some(RegisterWrite::Bytes(self.written_length(form), vec![0; written]))
            }
            (PointEncoding::Bytes(order), _) => {
                let bytes = if self.span.space.unit == CellUnit::Word { 2 * cells } else { cells };
                Some(whole_bytes(self.span.first(), order, vec![0; bytes]))
            }
            _ => self.encode_number(NumericValue::Uint(0)),
        }
    }

    /// The length that an S7 STRING or WSTRING was declared with, as wide as each of its characters; `None` for every other
    /// type.
    pub fn declared_length(&self) -> Option<RegisterPoint> {
        let Some(RegisterType::S7String(form, _)) = self.meaning() else { return None };
        let kind = if form.width() == 1 { StreamKind::Byte } else { StreamKind::Uint16 };
        RegisterPoint::new(self.span.first(), None, kind, WordOrder::Abcd).ok()
    }

    /// Place of the current length of an S7 STRING or WSTRING. The one before it belongs to the device's program.
    fn written_length(&self, form: S7StringForm) -> RegisterAddress {
        let first = self.span.first();
        RegisterAddress { offset: first.offset + u32::from(form.width()), ..first }
    }

    fn text_bytes(&self, value: &DeviceValue) -> Option<Vec<u8>> {
        meaning::to_bytes(self.span.space.id.protocol, self.meaning()?, value)
    }

    fn encode_number(&self, value: NumericValue) -> Option<RegisterWrite> {
        let cell = self.span.first();
        match (self.form, self.raw_kind) {
            (PointEncoding::Bit, _) => Some(RegisterWrite::Bits(cell, vec![to_bit(value)? == 1])),
            (PointEncoding::Byte, _) => Some(RegisterWrite::Bytes(cell, vec![to_byte(value)?])),
            (PointEncoding::BitOfByte(bit), _) => {
                let on = to_bit(value)? == 1;
                Some(RegisterWrite::Masked { cell, mask: 1 << bit, bits: u16::from(on) << bit })
            }
            (PointEncoding::BitOfWord(order, bit), _) => part(cell, order, 1 << bit, to_bit(value)? << bit),
            (PointEncoding::Number(order), StreamKind::Bit) => part(cell, order, 1, to_bit(value)?),
            (PointEncoding::Number(order), StreamKind::Byte) => {
                part(cell, order, 0xFF, to_byte(value)?.into())
            }
            (PointEncoding::Number(order), kind) => Some(whole(cell, codec::encode(kind, order, value)?)),
            (PointEncoding::Integer(integer), _) => match value {
                NumericValue::Uint(raw) => Some(integer.encode(cell, raw)),
                NumericValue::Bit(_) | NumericValue::Int(_) | NumericValue::Float(_) => None,
            },
            (PointEncoding::Bytes(_), _) => None,
        }
    }
}

/// Cells from one on.
fn span(cell: RegisterAddress, len: u16) -> Result<RegisterRange, PointError> {
    if cell.space.has_separate_cells && len > 1 {
        return Err(PointError::SeparateCells);
    }
    let is_inside = cell.offset.checked_add(len.into()).is_some_and(|end| end <= cell.space.end);
    let span = RegisterRange { space: cell.space, start: cell.offset, len };
    is_inside.then_some(span).ok_or(PointError::PastTheEnd)
}

/// The number of cells of a value that one request reads.
fn in_one_read(space: RegisterSpace, len: usize) -> Result<u16, PointError> {
    u16::try_from(len).ok().filter(|len| *len <= space.max_len).ok_or(PointError::OtherWidth)
}

/// Cells and encoding of an integer of so many bytes.
fn integer(
    cell: RegisterAddress,
    bytes: u8,
    order: WordOrder,
) -> Result<(RegisterRange, PointEncoding), PointError> {
    let integer = IntegerCells::new(cell.space, order, bytes);
    let len = match layout(cell.space, None, StreamKind::Uint64, integer.words(), order)? {
        _ if integer.is_packed() => bytes.into(),
        (PointEncoding::Number(_), len) => len,
        _ => return Err(PointError::OtherWidth),
    };
    Ok((span(cell, in_one_read(cell.space, len)?)?, PointEncoding::Integer(integer)))
}

/// How many cells so many bytes of a type take. Of an S7 STRING that is longer than one request reads, the beginning is read.
fn byte_cells(space: RegisterSpace, value_type: RegisterType, bytes: u16) -> Result<u16, PointError> {
    let cells = match space.unit {
        CellUnit::Byte => bytes,
        CellUnit::Word if bytes.is_multiple_of(2) => bytes / 2,
        CellUnit::Word => return Err(PointError::OddLength),
        CellUnit::Bit | CellUnit::Wide(_) => return Err(PointError::OtherWidth),
    };
    let is_cut = matches!(value_type, RegisterType::S7String(form, _) if space.max_len > 2 * form.width());
    match (cells <= space.max_len, is_cut) {
        (true, _) => Ok(cells),
        (false, true) => Ok(space.max_len),
        (false, false) => Err(PointError::TooLong),
    }
}

/// Encoding of a value at a cell of a space, and how many cells it takes.
fn layout(
    space: RegisterSpace,
    bit: Option<u8>,
    kind: StreamKind,
    words: usize,
    order: WordOrder,
) -> Result<(PointEncoding, usize), PointError> {
    match (space.unit, bit) {
        (CellUnit::Bit, None) if space.packs_numbers && kind != StreamKind::Bit => {
            Ok((PointEncoding::Number(order), words * 16))
        }
        (CellUnit::Bit, _) => Ok((PointEncoding::Bit, 1)),
        (CellUnit::Word, Some(bit)) => Ok((PointEncoding::BitOfWord(order, bit), 1)),
        (CellUnit::Word, None) => Ok((PointEncoding::Number(order), words)),
        (CellUnit::Byte, bit) if is_bit_of_byte(space, bit, kind) => {
            Ok((PointEncoding::BitOfByte(bit.unwrap_or_default()), 1))
        }
        (CellUnit::Byte, Some(bit)) => Ok((PointEncoding::BitOfWord(order, bit), 2)),
        (CellUnit::Byte, None) if kind == StreamKind::Byte => Ok((PointEncoding::Byte, 1)),
        (CellUnit::Byte, None) => Ok((PointEncoding::Number(order), words * 2)),
        (CellUnit::Wide(width), None) if words == usize::from(width) => Ok((PointEncoding::Number(order), 1)),
        (CellUnit::Wide(_), _) => Err(PointError::OtherWidth),
    }
}

/// Whether a value is one bit of a byte. A bit without a number is bit 0 of the byte where it begins.
fn is_bit_of_byte(space: RegisterSpace, bit: Option<u8>, kind: StreamKind) -> bool {
    space.byte_layout == ByteLayout::HighFirst && (bit.is_some() || kind == StreamKind::Bit)
}

fn to_byte(value: NumericValue) -> Option<u8> {
    value.to_integer().and_then(|i| u8::try_from(i).ok())
}

fn to_bit(value: NumericValue) -> Option<u64> {
    value.to_integer().and_then(|i| u64::try_from(i).ok()).filter(|bit| *bit <= 1)
}

#[cfg(test)]
#[path = "point_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "typed_point_tests.rs"]
mod typed_tests;
