//! Tests of the columns that profiles add.

use super::*;
use crate::domain::document::ProfileField;

fn field(name: &str, value_type: ValueType, array_size: Option<u32>) -> ProfileField {
    ProfileField { array_size, ..ProfileField::new(name, value_type) }
}

fn profile(key: &str, fields: Vec<ProfileField>) -> SensorProfileSpec {
    let (key, name) = (key.to_owned(), key.to_owned());
    SensorProfileSpec { key, name, version: Default::default(), fields, pack: None }
}

#[test]
fn each_field_has_a_column_of_its_type() {
    use ValueType::{Bigint, Double, Text};
    let climate = profile("climate", vec![field("t", Double, None), field("axes", Double, Some(3))]);
    let other = profile("other", vec![field("t", Text, None), field("sensor_id", Text, None)]);
    let mut columns = ProfileColumns::default();
    let rows = [
        ("field", &climate, "t", Double, Some("t")),
        ("again", &climate, "t", Double, Some("t")),
        ("element", &climate, "axes.1", Double, Some("axes.1")),
        ("no_element", &climate, "axes1", Double, None),
        ("no_field", &climate, "x", Double, None),
        ("other_type_than_the_field", &climate, "t", Bigint, None),
        ("taken_by_another_type", &other, "t", Text, Some("other.t")),
        ("a_fixed_column", &other, "sensor_id", Text, Some("other.sensor_id")),
    ];
    for (name, profile, key, value_type, expected) in rows {
        let place = columns.place(profile, key, value_type);
        let found = place.map(|place| &columns.all[place]);
        assert_eq!(found.map(|column| column.name.as_str()), expected, "{name}");
        assert!(found.is_none_or(|column| column.value_type == value_type), "{name}");
    }
    assert_eq!(columns.all.len(), 4, "{:?}", columns.all);
}

#[test]
fn columns_are_bounded() {
    let fields = (0..300).map(|n| field(&format!("f{n}"), ValueType::Double, None)).collect();
    let mut columns = ProfileColumns::default();
    assert_eq!(columns.place(&profile("p", fields), "f299", ValueType::Double), None);
    assert_eq!(columns.all.len(), MAX_PROFILE_COLUMNS);
}
