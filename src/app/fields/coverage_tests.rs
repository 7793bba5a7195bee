//! The lists of fields beside what else names the fields of a noun: the columns of SQL, and the rules of the domain.

use std::ops::RangeInclusive;

use arrow::datatypes::SchemaRef;
use serde::Serialize;
use serde_json::{Map, Value};

use super::field_type::{FieldShape, FieldType};
use super::noun::Noun;
use super::source::{RowReference, Source};
use super::visitor::{FieldVisitor, Presence};
use crate::domain::FieldError;
use crate::domain::device::{DeviceSpec, DeviceStatus};
use crate::domain::group::GroupSpec;
use crate::domain::product::ProductSpec;
use crate::domain::stream::StreamSpec;
use crate::query::scan::table_provider::ScanPlanner;
use crate::query::tables::{devices, groups, products, streams};

/// Fields that have another name in SQL: table, field, column.
const RENAMED: [(&str, &str, &str); 5] = [
    ("devices", "product", "product_id"),
    ("devices", "parent_device", "parent_device_id"),
    ("products", "parent", "parent_id"),
    ("streams", "device", "device_id"),
    ("streams", "group", "group_id"),
];

/// Fields that are no column of SQL: table, field.
const LEFT_OUT: [(&str, &str); 3] =
    [("devices", "username"), ("devices", "password"), ("devices", "byteorder")];

#[test]
fn every_field_of_a_noun_is_a_column_of_sql_or_left_out() {
    let columns = |schema: SchemaRef| -> Vec<String> {
        schema.fields().iter().map(|field| field.name().to_owned()).collect()
    };
    let of_devices = devices::table(&[], |_| DeviceStatus::default(), |_| None).expect("a table").0.schema();
    let of_products = products::table(&[]).expect("a table").0.schema();
    let of_streams = streams::table(&[]).expect("a table").0.schema();
    let of_groups = groups::table(&[]).expect("a table").0.schema();
    let nouns = [
        ("devices", DeviceSpec::blank().values().names(), columns(of_devices)),
        ("products", ProductSpec::blank().values().names(), columns(of_products)),
        ("streams", StreamSpec::blank().values().names(), columns(of_streams)),
        ("groups", GroupSpec::blank().values().names(), columns(of_groups)),
    ];
    for (table, fields, columns) in nouns {
        for field in fields {
            let renamed = RENAMED.iter().find(|(of, name, _)| (*of, *name) == (table, field));
            let column = renamed.map_or(field, |(_, _, column)| *column);
            let is_column = columns.iter().any(|known| known == column);
            let is_left_out = LEFT_OUT.contains(&(table, field));
            assert!(is_column != is_left_out, "{table}.{field}: column {is_column}, left out {is_left_out}");
        }
    }
}

/// A value at a limit of a field or next to it.
#[derive(Debug, Clone, Copy)]
enum ProbePoint {
    BelowLeast,
    Least,
    Most,
    BeyondMost,
}

impl ProbePoint {
    const ALL: [ProbePoint; 4] =
        [ProbePoint::BelowLeast, ProbePoint::Least, ProbePoint::Most, ProbePoint::BeyondMost];

    fn is_outside(self) -> bool {
        matches!(self, ProbePoint::BelowLeast | ProbePoint::BeyondMost)
    }

    /// The value for a field of this shape; `None` where there is none.
    fn value(self, shape: FieldShape) -> Option<ProbeValue> {
        match shape {
            FieldShape::Text(length) => {
                let length = match self {
                    ProbePoint::BelowLeast => length.start().checked_sub(1)?,
                    ProbePoint::Least => *length.start(),
                    ProbePoint::Most => *length.end(),
                    ProbePoint::BeyondMost => length.end() + 1,
                };
                Some(ProbeValue::Text("a".repeat(length)))
            }
            FieldShape::Number(range) => Some(ProbeValue::Number(match self {
                ProbePoint::BelowLeast => range.start().next_down(),
                ProbePoint::Least => *range.start(),
                ProbePoint::Most => *range.end(),
                ProbePoint::BeyondMost => range.end().next_up(),
            })),
            FieldShape::Integer(range) => Some(ProbeValue::Integer(match self {
                ProbePoint::BelowLeast => range.start() - 1,
                ProbePoint::Least => *range.start(),
                ProbePoint::Most => *range.end(),
                ProbePoint::BeyondMost => range.end() + 1,
            })),
            FieldShape::OrNull(shape) => self.value(*shape),
            FieldShape::Choice(_) | FieldShape::Boolean | FieldShape::Object => None,
        }
    }
}

enum ProbeValue {
    Text(String),
    Number(f64),
    Integer(i64),
}

/// A source that enforces no limit, so that a field can be set to any value of its type.
struct ProbeSource;

impl Source for ProbeSource {
    type Value = ProbeValue;

    fn take(&mut self, _: &'static str) -> Option<ProbeValue> {
        None
    }

    fn take_row(&mut self, _: &'static str) -> Result<RowReference, String> {
        Ok(RowReference::Absent)
    }

    fn is_null(_: &ProbeValue) -> bool {
        false
    }

    fn text(value: ProbeValue) -> Result<String, String> {
        if let ProbeValue::Text(text) = value { Ok(text) } else { Err("no text".to_owned()) }
    }

    fn boolean(_: ProbeValue) -> Result<bool, String> {
        Err("no boolean".to_owned())
    }

    fn number(value: ProbeValue) -> Result<f64, String> {
        if let ProbeValue::Number(number) = value { Ok(number) } else { Err("no number".to_owned()) }
    }

    fn integer(value: ProbeValue, _: RangeInclusive<i64>) -> Result<i64, String> {
        if let ProbeValue::Integer(number) = value { Ok(number) } else { Err("no integer".to_owned()) }
    }

    fn choice<T>(_: ProbeValue, _: &[&'static str], _: fn(&str) -> Option<T>) -> Result<T, String> {
        Err("no choice".to_owned())
    }

    fn object(_: ProbeValue) -> Result<Map<String, Value>, String> {
        Err("no object".to_owned())
    }
}

/// Sets one field to the value at a point, if its type has that value.
struct LimitProbe {
    field: &'static str,
    point: ProbePoint,
    is_set: bool,
}

impl FieldVisitor for LimitProbe {
    fn visit<T: FieldType>(&mut self, name: &'static str, _: Presence, limits: T::Limits, value: &mut T) {
        if name == self.field
            && let Some(probe) = self.point.value(T::shape(limits.clone()))
            && let Ok(probe) = T::read::<ProbeSource>(probe, limits)
        {
            self.is_set = true;
            *value = probe;
        }
    }

    fn visit_secret(&mut self, name: &'static str, length: RangeInclusive<usize>, value: &mut String) {
        self.visit(name, Presence::Optional, length, value);
    }

    fn visit_row<T: Serialize>(&mut self, _: &'static str, _: fn(i32) -> T, _: &mut T) {}

    fn visit_row_or_null<T: Serialize>(&mut self, _: &'static str, _: fn(i32) -> T, _: &mut Option<T>) {}
}

/// Checks that the rules refuse each text and number outside the limits in the list, and none at a limit.
fn check_limits<T: Noun>(problems: fn(&T) -> Vec<FieldError>) {
    let mut count = 0;
    for field in T::blank().values().names() {
        for point in ProbePoint::ALL {
            let (mut row, mut probe) = (T::blank(), LimitProbe { field, point, is_set: false });
            row.visit_fields(&mut probe);
            let is_refused = problems(&row).iter().any(|problem| problem.field == field);
            if probe.is_set {
                count += 1;
                assert_eq!(is_refused, point.is_outside(), "{field}: {point:?}");
            }
        }
    }
    assert!(count > 0, "no field has a limit");
}

#[test]
fn the_limits_of_a_list_are_those_of_the_rules() {
    check_limits(DeviceSpec::problems);
    check_limits(ProductSpec::problems);
    check_limits(StreamSpec::problems);
    check_limits(GroupSpec::problems);
}
