//! Tests of the rules of annotation classes.

use serde_json::json;

use super::*;

fn field(name: &str, field_type: AnnotationFieldType) -> AnnotationField {
    let options = match field_type {
        AnnotationFieldType::Enum => vec!["low".to_owned(), "high".to_owned()],
        _ => Vec::new(),
    };
    AnnotationField { name: name.to_owned(), field_type, required: false, options }
}

fn class(fields: Vec<AnnotationField>) -> AnnotationClassSpec {
    AnnotationClassSpec {
        key: "fault".to_owned(),
        name: "Fault".to_owned(),
        color: Some("#1a2B3c".to_owned()),
        scopes: vec![ScopeType::Device, ScopeType::Sensor],
        fields,
        pack: None,
    }
}

fn messages(problems: Vec<FieldError>) -> Vec<String> {
    problems.into_iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect()
}

#[test]
fn classes_say_what_is_wrong() {
    use AnnotationFieldType::{Enum, Number, String};
    let plain = || class(Vec::new());
    let options = |options: Vec<&str>| {
        let options = options.into_iter().map(str::to_owned).collect();
        class(vec![AnnotationField { options, ..field("level", Enum) }])
    };
    let rows: Vec<(AnnotationClassSpec, Vec<&str>)> = vec![
        (plain(), vec![]),
        (AnnotationClassSpec { color: None, ..plain() }, vec![]),
        (
            AnnotationClassSpec { key: "a b".to_owned(), name: " ".to_owned(), ..plain() },
            vec!["key: must consist of letters, digits and the characters _ - .", "name: must not be blank"],
        ),
        (
            AnnotationClassSpec { color: Some("red".to_owned()), scopes: vec![], ..plain() },
            vec!["color: must be a color such as #1A2B3C", "scopes: must not be empty"],
        ),
        (
            AnnotationClassSpec { color: Some("#12345é".to_owned()), ..plain() },
            vec!["color: must be a color such as #1A2B3C"],
        ),
        (class(vec![field("a", Number), field("a", String)]), vec!["fields[1].name: must be unique"]),
        (
            class(vec![AnnotationField { options: vec!["x".to_owned()], ..field("a", Number) }]),
            vec!["fields[0].options: must be empty unless type is ENUM"],
        ),
        (options(vec![]), vec!["fields[0].options: size must be between 1 and 100"]),
        (options(vec!["x"; 101]), vec!["fields[0].options: size must be between 1 and 100"]),
        (
            options(vec!["x", "", "x"]),
            vec!["fields[0].options[1]: must not be blank", "fields[0].options[2]: must be unique"],
        ),
        (class(vec![field("a", Number); 101]), vec!["fields: size must be between 0 and 100"]),
    ];
    for (class, expected) in rows {
        assert_eq!(messages(class.problems()), expected, "{}", class.key);
    }
}

#[test]
fn values_are_those_of_the_class() {
    use AnnotationFieldType::{Boolean, Enum, Number, String};
    let fields = vec![
        AnnotationField { required: true, ..field("cause", String) },
        field("hours", Number),
        field("planned", Boolean),
        field("level", Enum),
    ];
    let class = class(fields);
    let rows = [
        (json!({"cause": "wear"}), vec![]),
        (json!({"cause": "wear", "hours": 1.5, "planned": true, "level": "low"}), vec![]),
        (json!({"cause": "", "hours": null}), vec![]),
        (json!({}), vec!["values.cause: must not be null"]),
        (json!({"cause": null}), vec!["values.cause: must not be null"]),
        (json!({"cause": "x".repeat(4001)}), vec!["values.cause: size must be between 0 and 4000"]),
        (
            json!({"cause": 1, "hours": "1", "planned": "yes", "level": "middle"}),
            vec![
                "values.cause: must be a string",
                "values.hours: must be a number",
                "values.planned: must be true or false",
                "values.level: must be one of low, high",
            ],
        ),
        (json!({"cause": "wear", "costs": 1}), vec!["values.costs: is no field of the class"]),
    ];
    for (values, expected) in rows {
        let values = values.as_object().unwrap();
        assert_eq!(messages(class.annotation_problems(ScopeType::Sensor, values)), expected, "{values:?}");
    }
    let scope =
        class.annotation_problems(ScopeType::Site, &Map::from_iter([("cause".to_owned(), json!("x"))]));
    assert_eq!(messages(scope), ["scope_type: must be one of DEVICE, SENSOR"]);
}

#[test]
fn many_unknown_values_are_told_within_bounds() {
    let values: Map<_, _> = (0..500).map(|n| (format!("{n}{}", "é".repeat(300)), json!(n))).collect();
    let found = class(Vec::new()).annotation_problems(ScopeType::Device, &values);
    assert_eq!(found.len(), MAX_CLASS_FIELDS);
    assert!(found.iter().all(|problem| problem.field.chars().count() <= "values.".len() + MAX_KEY));
}
