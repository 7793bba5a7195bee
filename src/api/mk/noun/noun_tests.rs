//! Tests of the passes over a list of fields.

use serde_json::{Value, json};

use super::list::{FieldVisitor, MkNoun, omittable, optional, read_only, required};
use super::nested::NestedNoun;
use super::reader::{read_over, read_row};
use super::{schemas, sort};
use crate::api::mk::body::Fields;
use crate::api::mk::page::SortKey;
use crate::api::openapi::schema;
use crate::app::fields::shown::ShownRow;
use crate::domain::Micros;

/// A noun with a field of each role.
struct Lamp {
    rank: i64,
    name: String,
    watts: i64,
    owner: Option<String>,
    room: String,
    lit_at: Option<Micros>,
    bulbs: Vec<Bulb>,
}

#[derive(Clone)]
struct Bulb {
    is_on: bool,
}

impl MkNoun for Bulb {
    fn blank() -> Self {
        Bulb { is_on: false }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        visitor.visit(required("isOn", "Whether the bulb is on.", schema::boolean), &mut self.is_on);
    }
}

impl NestedNoun for Bulb {
    const MOST: usize = 2;
}

impl MkNoun for Lamp {
    fn blank() -> Self {
        Lamp {
            rank: 7,
            name: String::new(),
            watts: 60,
            owner: None,
            room: "hall".to_owned(),
            lit_at: None,
            bulbs: Vec::new(),
        }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let Lamp { rank, name, watts, owner, room, lit_at, bulbs } = self;
        visitor.visit(read_only("rank", "Rank of the lamp.", schema::count), rank);
        visitor.visit(required("name", "Name of the lamp.", schema::string), name);
        visitor.visit(optional("watts", "Power of the lamp, W.", || schema::integer(1, 100)), watts);
        visitor.visit(omittable("owner", "Owner of the lamp.", || schema::nullable(schema::string())), owner);
        visitor.visit(required("room", "Room of the lamp.", schema::string).looked_up(), room);
        visitor.visit(required("litAt", "Time of lighting.", schema::time), lit_at);
        let list = || schema::list(schema::map());
        visitor.visit(omittable("bulbs", "Bulbs of the lamp.", list), bulbs);
    }
}

fn read(body: Value) -> (Lamp, Result<(), String>) {
    let Value::Object(object) = body else { panic!("{body} is no object") };
    let mut fields = Fields::of_object(object);
    let lamp = read_row::<Lamp>(&mut fields);
    let problems = fields.finish(Vec::new()).map_err(|error| format!("{error:?}"));
    (lamp, problems)
}

#[test]
fn a_body_is_read_by_the_list() {
    let (lamp, problems) = read(json!({
        "rank": 1, "name": "a", "watts": null, "owner": "b", "room": "c",
        "litAt": "1970-01-01T00:00:01Z", "bulbs": [{"isOn": true}, {"isOn": false}]
    }));
    assert_eq!(problems, Ok(()));
    let shown = serde_json::to_string(&ShownRow::new(lamp)).unwrap();
    let expected = r#"{"rank":7,"name":"a","watts":60,"owner":"b","room":"hall","litAt":"1970-01-01T00:00:01Z","bulbs":[{"isOn":true},{"isOn":false}]}"#;
    assert_eq!(shown, expected, "what is read only or looked up is not read, and null is absent");
}

#[test]
fn every_mistake_is_told_and_a_missing_text_is_left_to_the_rules() {
    let rows = [
        (json!({}), vec!["litAt"]),
        (json!({"litAt": "now"}), vec!["litAt"]),
        (json!({"bulbs": [{}, {"isOn": null}]}), vec!["litAt", "bulbs[0].isOn", "bulbs[1].isOn"]),
        (json!({"litAt": "1970-01-01T00:00:01Z", "bulbs": [{}, {}, {}]}), vec!["bulbs"]),
    ];
    for (body, expected) in rows {
        let (_, problems) = read(body.clone());
        let text = problems.expect_err("there are problems");
        for field in &expected {
            assert!(text.contains(&format!("\"{field}\"")), "{body}: {field} is not in {text}");
        }
        for other in ["rank", "watts", "owner"] {
            assert!(!text.contains(&format!("\"{other}\"")), "{body}: {other} is in {text}");
        }
    }
}

#[test]
fn a_change_keeps_what_is_absent_and_null_empties() {
    let body = json!({"owner": null, "watts": null, "name": "b"});
    let Value::Object(object) = body else { panic!("{body} is no object") };
    let start = Lamp { watts: 40, owner: Some("a".to_owned()), lit_at: Some(Micros(5)), ..Lamp::blank() };
    let mut fields = Fields::of_object(object);
    let lamp = read_over(&mut fields, start);
    let values = (lamp.name.as_str(), lamp.watts, lamp.owner, lamp.lit_at);
    assert_eq!(values, ("b", 40, None, Some(Micros(5))));
    assert!(fields.finish(Vec::new()).is_ok(), "nothing is required of a change");
}

#[test]
fn lists_are_sorted_by_plain_fields() {
    assert_eq!(sort::sortable::<Lamp>(), ["rank", "name", "watts", "owner", "room", "litAt"]);
    let lamp = || Lamp { lit_at: Some(Micros(5)), ..Lamp::blank() };
    let rows = [
        ("watts", SortKey::Whole(60)),
        ("room", SortKey::Text("hall".to_owned())),
        ("litAt", SortKey::Whole(5)),
        ("owner", SortKey::Null),
        ("bulbs", SortKey::Null),
    ];
    for (property, expected) in rows {
        assert_eq!(sort::sort_key(lamp(), property), expected, "{property}");
    }
}

#[test]
fn schemas_have_roles_descriptions_and_defaults() {
    let json = |schema| serde_json::to_value(schema).unwrap_or_default();
    let (view, body) = (json(schemas::view::<Lamp>("Lamp").1), json(schemas::body::<Lamp>("LampBody").1));
    assert_eq!(body["required"], json!(["name", "room", "litAt"]));
    assert_eq!(body["properties"]["rank"], Value::Null);
    assert_eq!(body["properties"]["watts"]["default"], json!(60));
    assert_eq!(view["properties"]["watts"]["default"], Value::Null);
    assert_eq!(view["properties"]["rank"]["description"], json!("Rank of the lamp."));
    assert_eq!(view["required"].as_array().map(Vec::len), Some(7));
}
