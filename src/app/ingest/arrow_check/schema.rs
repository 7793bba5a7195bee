//! Validates an Arrow schema before conversion: its depth and size, and that every type has the parts it needs. Tables
//! of a flatbuffer may be shared, so that a few bytes can describe a schema of a million columns; the conversion would
//! expand all of them.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field as ArrowField};
use arrow::ipc::{DateUnit, Endianness, Field, IntervalUnit, Precision, Schema, TimeUnit, Type};

use super::damaged;
use crate::domain::Result;

/// Maximum nesting of types. /ingest takes no nested types, parameters hardly any.
const MAX_DEPTH: usize = 8;
/// Maximum columns and nested fields.
const MAX_FIELDS: usize = 4096;
/// Maximum bytes of names and metadata.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Checks that a schema can be converted safely. Returns the value types of its dictionaries by id.
pub fn check(schema: &Schema<'_>) -> Result<HashMap<i64, DataType>> {
    if schema.endianness() != Endianness::Little {
        return Err(damaged("its bytes are in big-endian order"));
    }
    let mut walk = Walk { fields: 0, text_bytes: 0, dictionaries: HashMap::new() };
    let fields = schema.fields().ok_or_else(|| damaged("the schema has no list of columns"))?;
    for pair in schema.custom_metadata().into_iter().flatten() {
        walk.text(pair.key())?;
        walk.text(pair.value())?;
    }
    for field in fields {
        walk.field(&field, 0)?;
    }
    Ok(walk.dictionaries)
}

struct Walk {
    fields: usize,
    text_bytes: usize,
    dictionaries: HashMap<i64, DataType>,
}

impl Walk {
    fn field(&mut self, field: &Field<'_>, depth: usize) -> Result<()> {
        self.fields += 1;
        if self.fields > MAX_FIELDS || depth > MAX_DEPTH {
            return Err(damaged(&format!(
                "its schema has more than {MAX_FIELDS} columns, or types more than {MAX_DEPTH} deep"
            )));
        }
        self.text(field.name())?;
        for pair in field.custom_metadata().into_iter().flatten() {
            self.text(pair.key())?;
            self.text(pair.value())?;
        }
        let children = field.children();
        let count = children.as_ref().map_or(0, |children| children.len());
        if !is_complete(field, count) {
            let name: String = field.name().unwrap_or_default().chars().take(100).collect();
            return Err(damaged(&format!(
                "the type of column `{name}` is damaged, or none that is read here"
            )));
        }
        for child in children.into_iter().flatten() {
            self.field(&child, depth + 1)?;
        }
        if let Some(dictionary) = field.dictionary() {
            // The field is checked completely by now; of the dictionary's values only the type is needed.
            if let DataType::Dictionary(_, values) = ArrowField::from(*field).data_type() {
                self.dictionaries.insert(dictionary.id(), values.as_ref().clone());
            }
        }
        Ok(())
    }

    fn text(&mut self, text: Option<&str>) -> Result<()> {
        self.text_bytes += text.map_or(0, str::len);
        if self.text_bytes <= MAX_TEXT_BYTES { Ok(()) } else { Err(damaged("its schema is too long")) }
    }
}

/// Returns whether a field has the parts that its conversion relies on.
fn is_complete(field: &Field<'_>, children: usize) -> bool {
    let known = match field.type_type() {
        Type::List | Type::LargeList | Type::ListView | Type::LargeListView => children == 1,
        Type::FixedSizeList => {
            children == 1 && field.type_as_fixed_size_list().is_some_and(|list| list.listSize() >= 0)
        }
        Type::Map => children == 1 && field.type_as_map().is_some(),
        Type::RunEndEncoded => children == 2,
        Type::Struct_ => true,
        _ => children == 0 && is_complete_leaf(field),
    };
    let index = field.dictionary().map(|dictionary| dictionary.indexType());
    known && index.is_none_or(|index| index.is_some_and(|int| is_width(int.bitWidth())))
}

fn is_complete_leaf(field: &Field<'_>) -> bool {
    let is_unit = |unit: TimeUnit| unit.variant_name().is_some();
    match field.type_type() {
        Type::Null | Type::Bool => true,
        Type::Binary | Type::BinaryView | Type::LargeBinary => true,
        Type::Utf8 | Type::Utf8View | Type::LargeUtf8 => true,
        Type::Int => field.type_as_int().is_some_and(|int| is_width(int.bitWidth())),
        Type::FloatingPoint => field.type_as_floating_point().is_some_and(|float| {
            matches!(float.precision(), Precision::HALF | Precision::SINGLE | Precision::DOUBLE)
        }),
        Type::FixedSizeBinary => field.type_as_fixed_size_binary().is_some_and(|size| size.byteWidth() >= 0),
        Type::Date => field
            .type_as_date()
            .is_some_and(|date| matches!(date.unit(), DateUnit::DAY | DateUnit::MILLISECOND)),
        Type::Time => field.type_as_time().is_some_and(|time| match time.bitWidth() {
            32 => matches!(time.unit(), TimeUnit::SECOND | TimeUnit::MILLISECOND),
            64 => matches!(time.unit(), TimeUnit::MICROSECOND | TimeUnit::NANOSECOND),
            _ => false,
        }),
        Type::Timestamp => field.type_as_timestamp().is_some_and(|stamp| is_unit(stamp.unit())),
        Type::Duration => field.type_as_duration().is_some_and(|duration| is_unit(duration.unit())),
        Type::Interval => field.type_as_interval().is_some_and(|interval| {
            let units = [IntervalUnit::YEAR_MONTH, IntervalUnit::DAY_TIME, IntervalUnit::MONTH_DAY_NANO];
            units.contains(&interval.unit())
        }),
        Type::Decimal => field.type_as_decimal().is_some_and(|decimal| {
            let fits = u8::try_from(decimal.precision()).is_ok() && i8::try_from(decimal.scale()).is_ok();
            fits && matches!(decimal.bitWidth(), 32 | 64 | 128 | 256)
        }),
        _ => false,
    }
}

fn is_width(bits: i32) -> bool {
    matches!(bits, 8 | 16 | 32 | 64)
}
