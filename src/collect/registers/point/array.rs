//! Arrays: values of one type that follow each other, read and written together. Pure.

use serde_json::Value as Json;

use super::{PointEncoding, RegisterPoint, span};
use crate::collect::device_value::DeviceValue;
use crate::collect::numeric_value::NumericValue;
use crate::collect::registers::point_error::PointError;
use crate::collect::registers::value_type::RegisterType;
use crate::collect::registers::{CellUnit, RegisterAddress, RegisterData, RegisterRange, RegisterWrite};
use crate::domain::stream::StreamKind;

impl RegisterPoint {
    /// Cells of so many values like this one, which follow each other.
    pub(super) fn repeated(&self, count: u16) -> Result<RegisterRange, PointError> {
        if self.raw_kind == StreamKind::Bit && self.form != PointEncoding::Bit {
            return Err(PointError::BitsOfWords);
        }
        let len = self.span.len.checked_mul(count).filter(|len| *len <= self.span.space.max_len);
        span(self.span.first(), len.ok_or(PointError::TooLong)?)
    }

    /// The first element of an array, and how many there are; `None` for every other value.
    pub fn first_element(&self) -> Option<(RegisterPoint, u16)> {
        match self.meaning() {
            Some(RegisterType::Array(element, count)) => Some((self.element(*element, count, 0), count)),
            _ => None,
        }
    }

    /// Says why one request does not write all of an array; `None` where it does, and for every other value.
    pub fn write_limit(&self) -> Option<String> {
        let Some(RegisterType::Array(element, count)) = self.meaning() else { return None };
        let (len, longest) = (self.span.len, self.span.space.max_write_len);
        let unit = match self.span.space.unit {
            CellUnit::Bit => "bits",
            CellUnit::Byte => "bytes",
            CellUnit::Word | CellUnit::Wide(_) => "words",
        };
        if len > longest {
            let most = longest / (len / count.max(1)).max(1);
            return Some(format!(
                "The array has {len} {unit}, and one request writes at most {longest}: name at most {most} elements."
            ));
        }
        let first_two = 0..count.min(2);
        let zeros =
            first_two.map(|index| self.element(*element, count, index).encode_number(NumericValue::Uint(0)));
        let zeros: Option<Vec<RegisterWrite>> = zeros.collect();
        let is_whole = zeros.is_none_or(|zeros| join(zeros).is_some());
        (!is_whole).then(|| {
            format!(
                "{element} is a part of a register, and one request writes whole ones: write each element."
            )
        })
    }

    /// Returns the values of an array as a JSON list.
    pub(super) fn elements(
        &self,
        element: RegisterType,
        count: u16,
        block: RegisterRange,
        data: &RegisterData,
    ) -> Result<DeviceValue, String> {
        let value = |index: u16| -> Result<Json, String> {
            let value = self.element(element, count, index).value(block, data);
            Ok(value.map_err(|why| format!("element {index}: {why}"))?.to_json())
        };
        let list: Result<Vec<Json>, String> = (0..count).map(value).collect();
        Ok(DeviceValue::Text(Json::Array(list?).to_string().into()))
    }

    /// Encodes a JSON list as one write of all elements; `None` when the array cannot hold it, or one request does not
    /// write it.
    pub(super) fn encode_list(&self, element: RegisterType, count: u16, list: &str) -> Option<RegisterWrite> {
        let members: Vec<Json> = serde_json::from_str(list).ok()?;
        if members.len() != usize::from(count) || self.span.len > self.span.space.max_write_len {
            return None;
        }
        let encoded = (0..count).zip(&members).map(|(index, member)| {
            self.element(element, count, index).encode(&DeviceValue::from_json(member)?)
        });
        let writes: Option<Vec<RegisterWrite>> = encoded.collect();
        join(writes?)
    }

    /// The element of an array with this index.
    fn element(&self, element: RegisterType, count: u16, index: u16) -> RegisterPoint {
        let is_plain = matches!(element, RegisterType::Plain(_));
        let meaning = (!is_plain).then(|| (element, element.default_kind()));
        let len = self.span.len / count.max(1);
        let start = self.span.start + u32::from(index) * u32::from(len);
        RegisterPoint { span: RegisterRange { start, len, ..self.span }, meaning, ..*self }
    }
}

/// Joins the writes of elements into one; `None` where they are not of whole cells that follow each other.
fn join(writes: Vec<RegisterWrite>) -> Option<RegisterWrite> {
    let mut writes = writes.into_iter();
    let first = writes.next()?;
    writes.try_fold(first, |joined, next| match (joined, next) {
        (RegisterWrite::Bits(first, bits), RegisterWrite::Bits(cell, next)) => {
            Some(RegisterWrite::Bits(first, extended(first, bits, cell, next)?))
        }
        (RegisterWrite::Words(first, words), RegisterWrite::Words(cell, next)) => {
            Some(RegisterWrite::Words(first, extended(first, words, cell, next)?))
        }
        (RegisterWrite::Bytes(first, bytes), RegisterWrite::Bytes(cell, next)) => {
            Some(RegisterWrite::Bytes(first, extended(first, bytes, cell, next)?))
        }
        _ => None,
    })
}

/// The contents of cells from one on, with those of the cells behind them; `None` where the latter begin elsewhere.
fn extended<T>(
    first: RegisterAddress,
    mut contents: Vec<T>,
    cell: RegisterAddress,
    next: Vec<T>,
) -> Option<Vec<T>> {
    let behind = u32::try_from(contents.len()).ok().and_then(|len| first.offset.checked_add(len));
    let is_next = cell.space == first.space && behind == Some(cell.offset);
    contents.extend(next);
    is_next.then_some(contents)
}
