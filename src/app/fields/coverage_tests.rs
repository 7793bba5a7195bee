//! The lists of fields beside what else names the fields of a noun: the columns of SQL, and the rules of the domain.

use std::ops::RangeInclusive;

use arrow::datatypes::SchemaRef;
use serde::Serialize;
use serde_json::{Map, Value};

use super::choice::Choice;
use super::device::{blank_device, device_values, visit_device};
use super::group::{blank_group, group_values, visit_group};
use super::stream::{blank_stream, stream_values, visit_stream};
use super::visitor::{FieldVisitor, Presence};
use crate::domain::FieldError;
use crate::domain::device::DeviceStatus;
use crate::query::scan::table_provider::ScanPlanner;
use crate::query::tables::{devices, groups, streams};

/// Fields that have another name in SQL: table, field, column.
const RENAMED: [(&str, &str, &str); 2] =
    [("streams", "device", "device_id"), ("streams", "group", "group_id")];

/// Fields that are no column of SQL: table, field.
const LEFT_OUT: [(&str, &str); 3] =
    [("devices", "username"), ("devices", "password"), ("devices", "byteorder")];

#[test]
fn every_field_of_a_noun_is_a_column_of_sql_or_left_out() {
    let columns = |schema: SchemaRef| -> Vec<String> {
        schema.fields().iter().map(|field| field.name().to_owned()).collect()
    };
    let of_devices = devices::table(&[], |_| DeviceStatus::default()).expect("a table").0.schema();
    let of_streams = streams::table(&[]).expect("a table").0.schema();
    let of_groups = groups::table(&[]).expect("a table").0.schema();
    let nouns = [
        ("devices", device_values(&blank_device()).names(), columns(of_devices)),
        ("streams", stream_values(&blank_stream()).names(), columns(of_streams)),
        ("groups", group_values(&blank_group()).names(), columns(of_groups)),
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

/// Sets one text or number to its upper limit, or beyond it.
struct LimitProbe {
    field: &'static str,
    is_beyond: bool,
    is_set: bool,
}

impl LimitProbe {
    fn set<T>(&mut self, name: &str, target: &mut T, limit: T, beyond: T) {
        if name == self.field {
            self.is_set = true;
            *target = if self.is_beyond { beyond } else { limit };
        }
    }
}

impl FieldVisitor for LimitProbe {
    fn visit_text(
        &mut self,
        name: &'static str,
        _: Presence,
        length: RangeInclusive<usize>,
        value: &mut String,
    ) {
        self.set(name, value, "a".repeat(*length.end()), "a".repeat(length.end() + 1));
    }

    fn visit_number(&mut self, name: &'static str, range: RangeInclusive<f64>, value: &mut f64) {
        self.set(name, value, *range.end(), range.end() * 2.0);
    }

    fn visit_number_or_null(
        &mut self,
        name: &'static str,
        range: RangeInclusive<f64>,
        value: &mut Option<f64>,
    ) {
        self.set(name, value, Some(*range.end()), Some(range.end() * 2.0));
    }

    fn visit_secret(&mut self, _: &'static str, _: &mut String) {}

    fn visit_boolean(&mut self, _: &'static str, _: &mut bool) {}

    fn visit_integer<T: TryFrom<i64> + Serialize>(
        &mut self,
        _: &'static str,
        _: RangeInclusive<i64>,
        _: &mut T,
    ) {
    }

    fn visit_integer_or_null<T: TryFrom<i64> + Serialize>(
        &mut self,
        _: &'static str,
        _: RangeInclusive<i64>,
        _: &mut Option<T>,
    ) {
    }

    fn visit_choice<T: Choice>(&mut self, _: &'static str, _: Presence, _: &mut T) {}

    fn visit_choice_or_null<T: Choice>(&mut self, _: &'static str, _: &mut Option<T>) {}

    fn visit_object(&mut self, _: &'static str, _: &mut Map<String, Value>) {}

    fn visit_row<T: Serialize>(&mut self, _: &'static str, _: fn(i32) -> T, _: &mut T) {}

    fn visit_row_or_null<T: Serialize>(&mut self, _: &'static str, _: fn(i32) -> T, _: &mut Option<T>) {}
}

/// Checks that the rules refuse each text and number beyond the limit in the list, and none at the limit.
fn check_limits(names: Vec<&'static str>, problems: impl Fn(&mut LimitProbe) -> Vec<FieldError>) {
    let mut count = 0;
    for field in names {
        for is_beyond in [false, true] {
            let mut probe = LimitProbe { field, is_beyond, is_set: false };
            let is_refused = problems(&mut probe).iter().any(|problem| problem.field == field);
            if probe.is_set {
                count += 1;
                assert_eq!(is_refused, is_beyond, "{field}");
            }
        }
    }
    assert!(count > 0, "no field has a limit");
}

#[test]
fn the_limits_of_a_list_are_those_of_the_rules() {
    check_limits(device_values(&blank_device()).names(), |probe| {
        let mut spec = blank_device();
        visit_device(probe, &mut spec);
        spec.problems()
    });
    check_limits(stream_values(&blank_stream()).names(), |probe| {
        let mut spec = blank_stream();
        visit_stream(probe, &mut spec);
        spec.problems()
    });
    check_limits(group_values(&blank_group()).names(), |probe| {
        let mut spec = blank_group();
        visit_group(probe, &mut spec);
        spec.problems()
    });
}
