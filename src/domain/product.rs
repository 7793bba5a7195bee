//! Products: the types of devices, with templates of their streams.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::audit::differences;
use super::stream::StreamKind;
use super::validation::check_text;
use super::{FieldError, Micros, OrgId, ProductId};

/// Name of the product that every organization begins with.
pub const DEFAULT_PRODUCT: &str = "Default";

/// Maximum number of stream templates of a product.
pub const MAX_TEMPLATES: usize = 1000;

/// Template of a stream: what a stream of this name is on every device of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamTemplate {
    /// 1..=200 characters, unique in the product.
    pub name: String,
    /// Type of the values, by its name in APIs.
    #[serde(rename = "type", default = "default_kind")]
    pub kind: String,
    /// Virtual pin, 0..=2147483647, unique in the product; `None` is the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<i32>,
    /// 1..=200 characters; `None` is the name with `_` for each space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Engineering unit, at most 32 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// User-defined, and the bounds `min` and `max`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

fn default_kind() -> String {
    StreamKind::Fp64.name().to_owned()
}

impl StreamTemplate {
    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_text(&mut found, "templates", &self.name, 1, 200);
        check_text(&mut found, "templates", &self.unit, 0, 32);
        if let Some(label) = &self.label {
            check_text(&mut found, "templates", label, 1, 200);
        }
        if self.kind.parse::<StreamKind>().is_err() {
            let names = StreamKind::ALL.map(StreamKind::name).join(", ");
            let problem = format!("\"{}\" is not a valid choice. Use one of {names}.", self.kind);
            found.push(FieldError::new("templates", problem));
        }
        if self.pin.is_some_and(|pin| pin < 0) {
            found.push(FieldError::new("templates", "Ensure this value is greater than or equal to 0."));
        }
        let in_template =
            |problem: FieldError| FieldError::new("templates", format!("{}: {}", self.name, problem.message));
        found.into_iter().map(in_template).collect()
    }
}

/// Settable fields of a product.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductSpec {
    /// 1..=100 characters, unique in the organization.
    pub name: String,
    /// Product that this one is derived from; no product is derived from itself.
    pub parent: Option<ProductId>,
    /// User-defined, such as the description of a type.
    pub metadata: Map<String, Value>,
    /// Templates of the streams, at most 1,000.
    pub templates: Vec<StreamTemplate>,
}

impl ProductSpec {
    /// A product without templates.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), parent: None, metadata: Map::new(), templates: Vec::new() }
    }

    /// Names of the fields that differ from `other`.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        differences!(self, other, ProductSpec {
            name => "name",
            parent => "parent",
            metadata => "metadata",
            templates => "templates",
        })
    }

    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_text(&mut found, "name", &self.name, 1, 100);
        if self.templates.len() > MAX_TEMPLATES {
            let message = format!("Ensure this field has no more than {MAX_TEMPLATES} elements.");
            found.push(FieldError::new("templates", message));
            return found;
        }
        let (mut names, mut pins) = (BTreeSet::new(), BTreeSet::new());
        for template in &self.templates {
            found.extend(template.problems());
            if !names.insert(&template.name) {
                let message = format!("{}: This name is in use by another template.", template.name);
                found.push(FieldError::new("templates", message));
            }
            if template.pin.is_some_and(|pin| !pins.insert(pin)) {
                let message = format!("{}: This pin is in use by another template.", template.name);
                found.push(FieldError::new("templates", message));
            }
        }
        found
    }
}

/// A product as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// Row id, unique in the installation.
    pub id: ProductId,
    /// Organization that owns the product.
    pub org: OrgId,
    /// Assigned at creation, for systems that identify products by UUID; version 4.
    pub uuid: Uuid,
    /// Whether this is the product of the organization's devices that have no other; it cannot be deleted.
    pub is_default: bool,
    /// Current settings.
    pub spec: ProductSpec,
    /// Time of creation.
    pub created_at: Micros,
    /// Time of the last change of its settings.
    pub updated_at: Micros,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(name: &str) -> StreamTemplate {
        StreamTemplate {
            name: name.to_owned(),
            kind: default_kind(),
            pin: None,
            label: None,
            unit: String::new(),
            metadata: Map::new(),
        }
    }

    #[test]
    fn templates_say_what_is_wrong() {
        let rows = [
            ("sound", vec![template("a"), StreamTemplate { pin: Some(0), ..template("b") }], vec![]),
            (
                "same_name",
                vec![template("a"), template("a")],
                vec!["a: This name is in use by another template."],
            ),
            (
                "same_pin",
                vec![
                    StreamTemplate { pin: Some(1), ..template("a") },
                    StreamTemplate { pin: Some(1), ..template("b") },
                ],
                vec!["b: This pin is in use by another template."],
            ),
            (
                "kind",
                vec![StreamTemplate { kind: "complex".to_owned(), ..template("a") }],
                vec![
                    "a: \"complex\" is not a valid choice. Use one of bit, byte, int16, int32, int64, uint16, uint32, uint64, fp16, \
                     fp32, fp64, text, json, location, enum.",
                ],
            ),
            (
                "negative_pin",
                vec![StreamTemplate { pin: Some(-1), ..template("a") }],
                vec!["a: Ensure this value is greater than or equal to 0."],
            ),
            (
                "too_many",
                (0..=MAX_TEMPLATES).map(|n| template(&n.to_string())).collect(),
                vec!["Ensure this field has no more than 1000 elements."],
            ),
        ];
        for (name, templates, expected) in rows {
            let found = ProductSpec { templates, ..ProductSpec::new("p") }.problems();
            let found: Vec<_> = found.iter().map(|problem| problem.message.as_str()).collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn a_template_is_read_with_its_defaults_and_nothing_unknown() {
        let read = |text: &str| serde_json::from_str::<StreamTemplate>(text);
        assert_eq!(read(r#"{"name":"a"}"#).unwrap(), template("a"));
        assert!(read(r#"{"name":"a","colour":"red"}"#).is_err());
    }
}
