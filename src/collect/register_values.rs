//! Values of the cells of a register, in every type and word order: to find the right one by eye. Pure.

use super::address::DeviceAddress;
use super::codec::{self, WordOrder};
use super::device_value::DeviceValue;
use super::point::PointData;
use super::registers::RegisterData;
use super::registers::value_type::{RawContent, RegisterType};
use crate::domain::device_test::TestValue;
use crate::domain::stream::StreamKind;

/// Types that values of machines have, beside the one of the address itself.
const USUAL_KINDS: [StreamKind; 8] = [
    StreamKind::Int16,
    StreamKind::Uint16,
    StreamKind::Int32,
    StreamKind::Uint32,
    StreamKind::Fp32,
    StreamKind::Int64,
    StreamKind::Uint64,
    StreamKind::Fp64,
];

/// The value at an address as this type in this word order; `None` when the answer does not hold all of it, or the cells
/// have another width.
pub fn value_as(
    address: &DeviceAddress,
    kind: StreamKind,
    order: WordOrder,
    answered: &PointData,
) -> Option<DeviceValue> {
    Some(address.point(kind, order).ok()?.decode(answered).ok()?.value)
}

/// Types that an address may hold, the widest first: a single bit, and an address that names a type, hold nothing else.
pub fn widest_first(address: &DeviceAddress) -> Vec<StreamKind> {
    let own = address.default_kind();
    if own == StreamKind::Bit || address.value_type().is_some() {
        return vec![own];
    }
    let mut kinds = vec![StreamKind::Uint64, StreamKind::Uint32, StreamKind::Uint16];
    if codec::word_count(own) == Some(1) && own != StreamKind::Uint16 {
        kinds.push(own);
    }
    kinds
}

/// The answer in every type and word order that make sense.
pub fn in_every_form(address: &DeviceAddress, answered: &PointData) -> Vec<TestValue> {
    let own = address.default_kind();
    let is_alone = own == StreamKind::Bit || address.value_type().is_some();
    let others = USUAL_KINDS.into_iter().filter(|kind| !is_alone && *kind != own);
    let mut found = Vec::new();
    for kind in std::iter::once(own).chain(others) {
        let orders = match address.value_type().map(RegisterType::raw) {
            Some(RawContent::Bytes(_)) => vec![Some(WordOrder::Abcd), Some(WordOrder::Badc)],
            Some(RawContent::Number(raw)) => orders_of(raw),
            Some(RawContent::Integer(_)) => orders_of(StreamKind::Uint64),
            None => orders_of(kind),
        };
        for order in orders {
            let Some(value) = value_as(address, kind, order.unwrap_or(WordOrder::Abcd), answered) else {
                continue;
            };
            let wordorder = order.map(WordOrder::name);
            found.push(TestValue { kind: Some(kind), wordorder, value: value.to_string() });
        }
    }
    found
}

/// The orders that differ for a type; `None` where there is only one.
fn orders_of(kind: StreamKind) -> Vec<Option<WordOrder>> {
    match (kind, codec::word_count(kind)) {
        (StreamKind::Bit | StreamKind::Byte, _) => vec![None],
        (_, Some(1)) => vec![Some(WordOrder::Abcd), Some(WordOrder::Badc)],
        _ => WordOrder::ALL.into_iter().map(Some).collect(),
    }
}

/// The cells as received, each in hexadecimal.
pub fn in_hexadecimal(data: &RegisterData) -> Vec<String> {
    match data {
        RegisterData::Words(words) => words.iter().map(|word| format!("{word:04x}")).collect(),
        RegisterData::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        RegisterData::Bits(bits) => bits.iter().map(|bit| u8::from(*bit).to_string()).collect(),
    }
}

#[cfg(test)]
#[path = "register_values_tests.rs"]
mod tests;
