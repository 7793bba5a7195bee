//! Tests of the rules of packs.

use super::*;
use crate::domain::annotation::ScopeType;
use crate::domain::document::{DocumentSpec, ProfileField, ValueType};

fn sensor(key: &str, version: &str) -> SensorProfileSpec {
    let field = ProfileField::new("t", ValueType::Double);
    let version = version.parse().unwrap();
    let (key, name) = (key.to_owned(), key.to_owned());
    SensorProfileSpec { key, name, version, fields: vec![field], pack: None }
}

fn device(components: &[(&str, &str)]) -> DeviceProfileSpec {
    let component = |(index, (profile, version)): (usize, &(&str, &str))| ProfileComponent {
        key: format!("c{index}"),
        name: "C".to_owned(),
        sensor_profile_key: (*profile).to_owned(),
        sensor_profile_version: version.parse().unwrap(),
    };
    DeviceProfileSpec {
        key: "board".to_owned(),
        name: "Board".to_owned(),
        version: "1.0".parse().unwrap(),
        components: components.iter().enumerate().map(component).collect(),
        writable_fields: Vec::new(),
        pack: None,
    }
}

fn pack(sensor_profiles: Vec<SensorProfileSpec>, device_profiles: Vec<DeviceProfileSpec>) -> PackContent {
    let (key, version, name) = ("env".to_owned(), "1.0.0+7".to_owned(), "Environment".to_owned());
    PackContent { key, version, name, sensor_profiles, device_profiles, ..PackContent::default() }
}

fn messages(problems: Vec<FieldError>) -> Vec<String> {
    problems.into_iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect()
}

#[test]
fn packs_say_what_is_wrong() {
    let wrong = PackContent { version: "1 0".to_owned(), name: " ".to_owned(), ..pack(vec![], vec![]) };
    let rows: [(PackContent, &[&str]); 6] = [
        (pack(vec![], vec![]), &[]),
        (pack(vec![sensor("a", "1.0"), sensor("a", "1.1"), sensor("b", "1.0")], vec![device(&[])]), &[]),
        (
            wrong,
            &[
                "version: must consist of letters, digits and the characters _ - . +",
                "name: must not be blank",
            ],
        ),
        (
            pack(vec![sensor("a", "1.0"), sensor("a", "1.0"), sensor("", "1.0")], vec![]),
            &[
                "sensor_profiles[1].version: must be unique for its key",
                "sensor_profiles[2].key: must not be blank",
                "sensor_profiles[2].name: must not be blank",
            ],
        ),
        (
            pack(vec![], vec![device(&[]), device(&[])]),
            &["device_profiles[1].version: must be unique for its key"],
        ),
        (pack(vec![sensor("a", "1.0"); 257], vec![]), &["sensor_profiles: size must be between 0 and 256"]),
    ];
    for (pack, expected) in rows {
        assert_eq!(messages(pack.problems()), expected, "{}", pack.version);
    }
    let many = pack((0..200).map(|_| sensor("", "1.0")).collect(), vec![]);
    assert_eq!(many.problems().len(), 100, "no more are told at once");
}

#[test]
fn a_device_profile_names_sensor_profiles_that_are_there() {
    let pack = pack(vec![sensor("a", "1.1")], vec![device(&[("a", "1.1"), ("a", "1.0"), ("b", "2.0")])]);
    let is_installed = |component: &ProfileComponent| component.sensor_profile_key == "b";
    let expected = ["device_profiles[0].components[1].sensor_profile_key: does not exist"];
    assert_eq!(messages(pack.reference_problems(is_installed)), expected);
}

#[test]
fn classes_and_dashboards_of_a_pack_say_what_is_wrong() {
    let class = |key: &str| AnnotationClassSpec {
        key: key.to_owned(),
        name: "Fault".to_owned(),
        color: None,
        scopes: vec![ScopeType::Device],
        fields: Vec::new(),
        pack: None,
    };
    let dashboard = |name: &str| DashboardSpec::new(name).content();
    let rows: [(Vec<AnnotationClassSpec>, Vec<DashboardSpec>, &[&str]); 4] = [
        (vec![class("a"), class("b")], vec![dashboard("x"), dashboard("x")], &[]),
        (vec![class("a"), class("a")], vec![], &["annotation_classes[1].key: must be unique"]),
        (
            vec![AnnotationClassSpec { scopes: vec![], ..class("") }],
            vec![dashboard("")],
            &[
                "annotation_classes[0].key: must not be blank",
                "annotation_classes[0].scopes: must not be empty",
                "dashboards[0].name: must not be blank",
            ],
        ),
        (vec![], vec![dashboard("x"); 257], &["dashboards: size must be between 0 and 256"]),
    ];
    for (annotation_classes, dashboards, expected) in rows {
        let pack = PackContent { annotation_classes, dashboards, ..pack(vec![], vec![]) };
        assert_eq!(messages(pack.problems()), expected);
    }
}

#[test]
fn a_pack_from_before_there_were_classes_is_read() {
    let text = r#"{"key":"env","version":"1","name":"E","sensor_profiles":[],"device_profiles":[]}"#;
    let pack: PackSpec = serde_json::from_str(text).unwrap();
    assert!(pack.members().is_empty());
}

#[test]
fn an_installed_pack_holds_its_rows() {
    let ids = [1, 2, 3, 4].map(Uuid::from_u128);
    let spec = PackSpec {
        key: "env".to_owned(),
        version: "1.0".to_owned(),
        name: "Environment".to_owned(),
        sensor_profiles: vec![ids[0]],
        device_profiles: vec![ids[1]],
        annotation_classes: vec![ids[2]],
        dashboards: vec![ids[3]],
    };
    let contents = [
        ReferenceTarget::Document(DocumentKind::SensorProfile, ids[0]),
        ReferenceTarget::Document(DocumentKind::DeviceProfile, ids[1]),
        ReferenceTarget::Document(DocumentKind::AnnotationClass, ids[2]),
        ReferenceTarget::Document(DocumentKind::Dashboard, ids[3]),
    ];
    let document = DocumentSpec::Pack(spec.clone());
    assert_eq!((document.kind(), document.unique_name()), (DocumentKind::Pack, "env@1.0".to_owned()));
    assert_eq!(
        (document.restricted_targets(), document.references().len(), document.device()),
        (contents.to_vec(), 4, None)
    );
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<DocumentSpec>(&text).unwrap(), document, "{text}");
    let installed = SensorProfileSpec { pack: Some(ids[1]), ..sensor("a", "1.0") };
    let of_pack = [ReferenceTarget::Document(DocumentKind::Pack, ids[1])];
    assert_eq!(DocumentSpec::SensorProfile(installed).restricted_targets(), of_pack);
}
