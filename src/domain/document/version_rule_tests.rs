//! Tests of the rule of versions: what is an addition, what is breaking, and which versions are compared.

use super::*;
use crate::domain::document::{ProfileComponent, ProfileField, ValueType};

fn field(name: &str) -> ProfileField {
    ProfileField {
        unit: Some("Cel".to_owned()),
        min: Some(0.0),
        max: Some(10.0),
        ..ProfileField::new(name, ValueType::Double)
    }
}

fn sensor(version: &str, fields: Vec<ProfileField>) -> SensorProfileSpec {
    let (key, name) = ("env.temp".to_owned(), "Temperature".to_owned());
    SensorProfileSpec { key, name, version: version.parse().unwrap(), fields, pack: None }
}

fn component(key: &str, profile: &str, version: &str) -> ProfileComponent {
    ProfileComponent {
        key: key.to_owned(),
        name: key.to_owned(),
        sensor_profile_key: profile.to_owned(),
        sensor_profile_version: version.parse().unwrap(),
    }
}

fn device(components: Vec<ProfileComponent>, writable_fields: Vec<ProfileField>) -> DeviceProfileSpec {
    let (key, name) = ("board".to_owned(), "Board".to_owned());
    let version = ProfileVersion { major: 1, minor: 1 };
    DeviceProfileSpec { key, name, version, components, writable_fields, pack: None }
}

fn messages(problems: Vec<FieldError>) -> Vec<String> {
    problems.into_iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect()
}

#[test]
fn a_change_of_a_sensor_profile_is_an_addition_or_breaking() {
    let old = sensor("1.0", vec![field("t"), ProfileField { required: true, ..field("r") }]);
    let r = || old.fields[1].clone();
    let changed = |change: fn(&mut ProfileField)| {
        let mut first = field("t");
        change(&mut first);
        vec![first, r()]
    };
    let rows = [
        ("the_same", changed(|_| ()), true),
        ("another_order", vec![r(), field("t")], true),
        ("an_optional_field_more", vec![field("t"), r(), field("u")], true),
        ("a_wider_range", changed(|field| field.max = Some(11.0)), true),
        ("no_range", changed(|field| (field.min, field.max) = (None, None)), true),
        ("no_more_required", vec![field("t"), field("r")], true),
        (
            "a_required_field_more",
            vec![field("t"), r(), ProfileField { required: true, ..field("u") }],
            false,
        ),
        ("a_field_less", vec![r()], false),
        ("another_name", vec![field("temperature"), r()], false),
        ("another_type", changed(|field| field.value_type = ValueType::Bigint), false),
        ("another_unit", changed(|field| field.unit = Some("K".to_owned())), false),
        ("no_unit", changed(|field| field.unit = None), false),
        ("a_narrower_range", changed(|field| field.min = Some(1.0)), false),
        ("now_required", changed(|field| field.required = true), false),
        ("now_an_array", changed(|field| field.array_size = Some(3)), false),
        ("now_writable", changed(|field| field.writable = true), false),
    ];
    for (name, fields, is_addition) in rows {
        let (minor, major) = (sensor("1.1", fields.clone()), sensor("2.0", fields));
        let found = messages(version_problems("p", &[minor], &[&old]));
        let message =
            "p[0].version: 1.1 changes or removes what 1.0 has: such a change needs a higher major version";
        let expected: &[&str] = if is_addition { &[] } else { &[message] };
        assert_eq!(found, expected, "{name}");
        assert!(
            version_problems("p", &[major], &[&old]).is_empty(),
            "{name}: a major version may change all"
        );
    }
}

#[test]
fn a_change_of_a_device_profile_is_an_addition_or_breaking() {
    let part = || component("c", "env.temp", "1.1");
    let older = device(vec![part()], vec![field("rate")]);
    let wide = ProfileField { max: None, ..field("rate") };
    let rows = [
        ("the_same", vec![part()], vec![field("rate")], true),
        (
            "another_name",
            vec![ProfileComponent { name: "C".to_owned(), ..part() }],
            vec![field("rate")],
            true,
        ),
        ("a_component_more", vec![component("d", "x", "1.0"), part()], vec![field("rate")], true),
        ("a_higher_minor_version", vec![component("c", "env.temp", "1.2")], vec![field("rate")], true),
        ("a_wider_field", vec![part()], vec![wide], true),
        ("a_field_more", vec![part()], vec![field("rate"), field("mode")], true),
        ("a_component_less", vec![], vec![field("rate")], false),
        ("another_key", vec![component("d", "env.temp", "1.1")], vec![field("rate")], false),
        ("another_profile", vec![component("c", "env.hum", "1.1")], vec![field("rate")], false),
        ("a_lower_minor_version", vec![component("c", "env.temp", "1.0")], vec![field("rate")], false),
        ("a_higher_major_version", vec![component("c", "env.temp", "2.0")], vec![field("rate")], false),
        ("a_field_less", vec![part()], vec![], false),
    ];
    for (name, components, fields, is_addition) in rows {
        assert_eq!(device(components, fields).only_adds_to(&older), is_addition, "{name}");
    }
}

#[test]
fn a_version_is_compared_with_its_neighbours_in_its_major_version() {
    let narrow = |version| sensor(version, vec![field("t")]);
    let wide = |version| sensor(version, vec![field("t"), field("u")]);
    let of_pack = SensorProfileSpec { pack: Some(uuid::Uuid::from_u128(1)), ..narrow("1.0") };
    let changed = "p[0].version: 1.0 is installed with other content and never changes";
    let breaking = |new, old| {
        format!("{new} changes or removes what {old} has: such a change needs a higher major version")
    };
    let rows = [
        ("the_first", vec![narrow("3.7")], vec![], vec![]),
        ("the_same_again", vec![narrow("1.0")], vec![of_pack], vec![]),
        ("other_content", vec![wide("1.0")], vec![narrow("1.0")], vec![changed.to_owned()]),
        ("between", vec![wide("1.5")], vec![narrow("1.0"), wide("1.10")], vec![]),
        (
            "between_and_breaking",
            vec![narrow("1.5")],
            vec![narrow("1.0"), wide("1.2"), narrow("2.0")],
            vec![format!("p[0].version: {}", breaking("1.5", "1.2"))],
        ),
        (
            "below_one_that_lacks_something",
            vec![wide("1.5")],
            vec![narrow("1.10")],
            vec!["p[0].version: 1.10 is installed and does not only add to 1.5".to_owned()],
        ),
        (
            "two_of_one_pack",
            vec![wide("1.0"), narrow("1.1"), narrow("2.0")],
            vec![],
            vec![format!("p[1].version: {}", breaking("1.1", "1.0"))],
        ),
        ("an_older_major_version", vec![narrow("1.0")], vec![wide("2.0")], vec![]),
        ("the_highest", vec![narrow("1.4294967295")], vec![narrow("1.0")], vec![]),
    ];
    for (name, new, installed, expected) in rows {
        let installed: Vec<_> = installed.iter().collect();
        assert_eq!(messages(version_problems("p", &new, &installed)), expected, "{name}");
    }
}

#[test]
fn other_keys_are_other_profiles() {
    let other = SensorProfileSpec { key: "env.temperature".to_owned(), ..sensor("1.0", vec![field("u")]) };
    assert!(version_problems("p", &[sensor("1.1", vec![field("t")])], &[&other]).is_empty());
}
