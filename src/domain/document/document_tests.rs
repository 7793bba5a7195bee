//! Tests of the rules of documents.

use super::*;
use crate::domain::DeviceId;

fn problems(spec: &DocumentSpec) -> String {
    let problems =
        spec.problems().into_iter().map(|problem| format!("{}: {}", problem.field, problem.message));
    problems.collect::<Vec<_>>().join("; ")
}

fn field(name: &str) -> ProfileField {
    ProfileField::new(name, ValueType::Double)
}

fn profile(fields: Vec<ProfileField>) -> SensorProfileSpec {
    let version = ProfileVersion { major: 1, minor: 0 };
    SensorProfileSpec {
        key: "env.temp".to_owned(),
        name: "Temperature".to_owned(),
        version,
        fields,
        pack: None,
    }
}

#[test]
fn documents_say_what_is_wrong() {
    let site = SiteSpec::new("Plant");
    let component = ComponentSpec {
        device: DeviceId(1),
        key: "boiler".to_owned(),
        name: "Boiler".to_owned(),
        sensor_profile: None,
        metadata: serde_json::Map::new(),
    };
    let group = DeviceGroupSpec { name: "All".to_owned(), ..DeviceGroupSpec::default() };
    let tags = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    let rows = [
        (DocumentSpec::Site(site.clone()), ""),
        (DocumentSpec::Site(SiteSpec::new(" ")), "name: must not be blank"),
        (DocumentSpec::Site(SiteSpec::new("x".repeat(255))), ""),
        (DocumentSpec::Site(SiteSpec::new("x".repeat(256))), "name: size must be between 1 and 255"),
        (
            DocumentSpec::Site(SiteSpec { description: Some("x".repeat(4001)), ..site.clone() }),
            "description: size must be between 0 and 4000",
        ),
        (
            DocumentSpec::Site(SiteSpec { timezone: "Europe/Köln".to_owned(), ..site }),
            "timezone: must be the name of a time zone such as Europe/Berlin",
        ),
        (DocumentSpec::Component(component.clone()), ""),
        (
            DocumentSpec::Component(ComponentSpec { key: "a.b".to_owned(), ..component.clone() }),
            "key: must consist of letters, digits and the characters _ -",
        ),
        (
            DocumentSpec::Component(ComponentSpec { key: String::new(), name: String::new(), ..component }),
            "key: must not be blank; name: must not be blank",
        ),
        (DocumentSpec::DeviceGroup(DeviceGroupSpec { tags: tags(50), ..group.clone() }), ""),
        (
            DocumentSpec::DeviceGroup(DeviceGroupSpec { tags: tags(51), ..group.clone() }),
            "tags: size must be between 0 and 50",
        ),
        (
            DocumentSpec::DeviceGroup(DeviceGroupSpec { tags: vec!["a".into(), "a".into()], ..group }),
            "tags[1]: must be unique",
        ),
        (DocumentSpec::SensorProfile(profile(vec![field("t")])), ""),
        (
            DocumentSpec::SensorProfile(profile(vec![
                ProfileField { min: Some(2.0), max: Some(1.0), array_size: Some(0), ..field("t") },
                field("t"),
            ])),
            "fields[0].min: must not exceed max; fields[0].array_size: must be between 1 and 1024; fields[1].name: must \
             be unique",
        ),
    ];
    for (spec, expected) in rows {
        assert_eq!(problems(&spec), expected);
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<DocumentSpec>(&text).unwrap(), spec, "{text}");
        assert!(text.contains(&format!("\"kind\":\"{}\"", spec.kind().name())), "{text}");
    }
}

#[test]
fn a_version_has_two_numbers() {
    let rows = [
        ("1.2", true),
        ("0.10", true),
        ("1", false),
        ("1.2.3", false),
        ("01.2", false),
        ("1.-2", false),
        ("", false),
    ];
    for (text, is_version) in rows {
        let read = text.parse::<ProfileVersion>();
        assert_eq!(read.is_ok(), is_version, "{text}");
        assert!(read.is_err() || read.is_ok_and(|version| version.to_string() == text));
    }
    assert!("1.10".parse::<ProfileVersion>().unwrap() > "1.9".parse().unwrap());
}

#[test]
fn an_addition_keeps_what_was_there() {
    let old = profile(vec![ProfileField { min: Some(0.0), ..field("t") }]);
    let rows = [
        ("the_same", old.fields.clone(), true),
        ("an_optional_field", vec![old.fields[0].clone(), field("u")], true),
        (
            "a_required_field",
            vec![old.fields[0].clone(), ProfileField { required: true, ..field("u") }],
            false,
        ),
        ("a_field_less", vec![field("u")], false),
        ("another_type", vec![ProfileField { value_type: ValueType::Text, ..field("t") }], false),
        ("a_wider_range", vec![ProfileField { min: Some(-1.0), ..field("t") }], true),
        ("a_smaller_range", vec![ProfileField { min: Some(1.0), ..field("t") }], false),
        ("now_required", vec![ProfileField { required: true, ..old.fields[0].clone() }], false),
    ];
    for (name, fields, expected) in rows {
        assert_eq!(profile(fields).only_adds_to(&old), expected, "{name}");
    }
}

#[test]
fn a_device_is_in_a_group_by_all_of_its_tags() {
    let group = |tags: &[&str]| DeviceGroupSpec {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..DeviceGroupSpec::default()
    };
    let tags = ["a".to_owned(), "b".to_owned()];
    assert!(group(&["a"]).includes_tags(&tags) && group(&["b", "a"]).includes_tags(&tags));
    assert!(!group(&["a", "c"]).includes_tags(&tags) && !group(&[]).includes_tags(&tags));
}
