//! Tests of contents against the fields of a profile.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn field(name: &str, value_type: ValueType) -> ProfileField {
    ProfileField { writable: true, ..ProfileField::new(name, value_type) }
}

fn fields() -> Vec<ProfileField> {
    vec![
        ProfileField { min: Some(-40.0), max: Some(125.0), ..field("limit", ValueType::Double) },
        ProfileField { min: Some(1.0), ..field("period", ValueType::Bigint) },
        field("on", ValueType::Boolean),
        field("label", ValueType::Text),
        ProfileField { array_size: Some(3), ..field("axes", ValueType::Double) },
        ProfileField { writable: false, ..field("temperature", ValueType::Double) },
    ]
}

fn problems(content: Value) -> Vec<String> {
    let found = content_problems(content.as_object().unwrap(), ContentFields::Sensor(&fields()));
    found.iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect()
}

#[test]
fn each_mistake_is_told_by_its_name() {
    let rows = [
        ("sound", json!({"limit": 125, "period": 1, "on": true, "label": "", "axes": [0, 1.5, -2]}), vec![]),
        ("empty", json!({}), vec![]),
        ("unknown", json!({"speed": 1}), vec!["content.speed: is not a field of the profile"]),
        ("read_only", json!({"temperature": 1}), vec!["content.temperature: is not writable"]),
        ("too_small", json!({"limit": -40.5}), vec!["content.limit: must be greater than or equal to -40"]),
        ("too_large", json!({"limit": 126}), vec!["content.limit: must be less than or equal to 125"]),
        ("text_for_number", json!({"limit": "1"}), vec!["content.limit: must be a number"]),
        ("null", json!({"limit": null}), vec!["content.limit: must be a number"]),
        ("not_whole", json!({"period": 1.5}), vec!["content.period: must be a whole number of 64 bits"]),
        (
            "past_64_bits",
            json!({"period": u64::MAX}),
            vec!["content.period: must be a whole number of 64 bits"],
        ),
        ("number_for_bool", json!({"on": 1}), vec!["content.on: must be true or false"]),
        ("longest_text", json!({"label": "é".repeat(1000)}), vec![]),
        (
            "too_long",
            json!({"label": "é".repeat(1001)}),
            vec!["content.label: size must be between 0 and 1000"],
        ),
        ("no_array", json!({"axes": 1}), vec!["content.axes: must be an array of 3 elements"]),
        ("too_few", json!({"axes": [1]}), vec!["content.axes: must have 3 elements (it has 1)"]),
        ("element", json!({"axes": [1, "x", 2]}), vec!["content.axes[1]: must be a number"]),
    ];
    for (name, content, expected) in rows {
        assert_eq!(problems(content), expected, "{name}");
    }
}

#[test]
fn all_mistakes_are_told_together_up_to_a_bound() {
    let mut found = problems(json!({"limit": true, "on": 1, "speed": 1, "axes": ["x", "y", 1]}));
    found.sort();
    let names: Vec<_> = found.iter().filter_map(|text| text.split(':').next()).collect();
    assert_eq!(names, ["content.axes[0]", "content.axes[1]", "content.limit", "content.on", "content.speed"]);
    let many: Map<String, Value> = (0..1000).map(|n| (n.to_string(), json!(n))).collect();
    assert_eq!(content_problems(&many, ContentFields::Sensor(&fields())).len(), MAX_PROBLEMS);
    let long = [ProfileField { array_size: Some(5000), ..field("axes", ValueType::Text) }];
    let content = json!({"axes": vec![0; 5000]});
    assert_eq!(
        content_problems(content.as_object().unwrap(), ContentFields::Sensor(&long)).len(),
        MAX_PROBLEMS
    );
}

#[test]
fn every_field_of_a_device_profile_may_be_set() {
    let content = json!({"temperature": 1});
    assert!(content_problems(content.as_object().unwrap(), ContentFields::Device(&fields())).is_empty());
}

proptest! {
    #[test]
    fn a_number_is_right_exactly_within_its_bounds(number in -200.0..200.0_f64) {
        let is_right = (-40.0..=125.0).contains(&number);
        prop_assert_eq!(problems(json!({"limit": number})).is_empty(), is_right);
    }
}
