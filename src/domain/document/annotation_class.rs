//! Annotation classes: which values annotations of a class have, and what they may be about.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::DocumentContent;
use super::rules::{MAX_NAME, MAX_TEXT, check_key, check_required};
use crate::domain::FieldError;
use crate::domain::annotation::ScopeType;
use crate::domain::named_enum::named_enum;

/// Most fields of a class.
pub const MAX_CLASS_FIELDS: usize = 100;
/// Most options of a field.
pub const MAX_OPTIONS: usize = 100;
/// Most characters of the key of a class, and of the name of a field.
const MAX_KEY: usize = 128;

named_enum! {
    /// Type of the values of a field.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum AnnotationFieldType {
        /// A text of at most 4000 characters.
        String = "STRING",
        /// A number.
        Number = "NUMBER",
        /// True or false.
        Boolean = "BOOLEAN",
        /// One of the options.
        Enum = "ENUM",
    }
}

/// A field of the values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationField {
    /// 1..=128 letters, digits, `_`, `-` and dots; unique in the class.
    pub name: String,
    /// Type of the values.
    pub field_type: AnnotationFieldType,
    /// Whether every annotation must have it.
    pub required: bool,
    /// Values of an ENUM, 1..=100 of at most 255 characters; none of another type.
    pub options: Vec<String>,
}

/// Settable fields of a class.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AnnotationClassSpec {
    /// 1..=128 letters, digits, `_`, `-` and dots; unique in the organization.
    pub key: String,
    /// 1..=255 characters.
    pub name: String,
    /// `#RRGGBB`, in which annotations are drawn.
    pub color: Option<String>,
    /// Types that may be annotated, at least one.
    pub scopes: Vec<ScopeType>,
    /// At most 100 fields.
    pub fields: Vec<AnnotationField>,
    /// Pack that installed it.
    pub pack: Option<Uuid>,
}

impl AnnotationClassSpec {
    /// Contradictions to the class in the scope and the values of an annotation.
    pub fn annotation_problems(&self, scope: ScopeType, values: &Map<String, Value>) -> Vec<FieldError> {
        let mut found = Vec::new();
        if !self.scopes.contains(&scope) {
            let names: Vec<_> = self.scopes.iter().map(|scope| scope.name()).collect();
            found.push(FieldError::new("scope_type", format!("must be one of {}", names.join(", "))));
        }
        for field in &self.fields {
            let value = values.get(&field.name).filter(|value| !value.is_null());
            let message = match value {
                Some(value) => field.message_about(value),
                None => field.required.then(|| "must not be null".to_owned()),
            };
            found.extend(message.map(|message| FieldError::new(format!("values.{}", field.name), message)));
        }
        let is_known = |name: &String| self.fields.iter().any(|field| field.name == *name);
        for name in values.keys().filter(|name| !is_known(name)).take(MAX_CLASS_FIELDS) {
            // A name from outside has any length.
            let shown: String = name.chars().take(MAX_KEY).collect();
            found.push(FieldError::new(format!("values.{shown}"), "is no field of the class"));
        }
        found
    }
}

impl DocumentContent for AnnotationClassSpec {
    fn unique_name(&self) -> String {
        self.key.clone()
    }

    fn unique_title(&self) -> String {
        format!("An annotation class with the key '{}' exists", self.key)
    }

    fn pack(&self) -> Option<Uuid> {
        self.pack
    }

    fn pack_mut(&mut self) -> Option<&mut Option<Uuid>> {
        Some(&mut self.pack)
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_key(&mut found, "key", &self.key, MAX_KEY, ".");
        check_required(&mut found, "name", &self.name, MAX_NAME);
        if self.color.as_deref().is_some_and(|color| !is_color(color)) {
            found.push(FieldError::new("color", "must be a color such as #1A2B3C"));
        }
        if self.scopes.is_empty() {
            found.push(FieldError::new("scopes", "must not be empty"));
        }
        if self.fields.len() > MAX_CLASS_FIELDS {
            found.push(FieldError::new("fields", format!("size must be between 0 and {MAX_CLASS_FIELDS}")));
            return found;
        }
        for (index, field) in self.fields.iter().enumerate() {
            let path = format!("fields[{index}]");
            field.add_problems(&mut found, &path);
            if self.fields[..index].iter().any(|other| other.name == field.name) {
                found.push(FieldError::new(format!("{path}.name"), "must be unique"));
            }
        }
        found
    }
}

impl AnnotationField {
    fn add_problems(&self, found: &mut Vec<FieldError>, path: &str) {
        check_key(found, &format!("{path}.name"), &self.name, MAX_KEY, ".");
        let options = format!("{path}.options");
        if self.field_type != AnnotationFieldType::Enum {
            if !self.options.is_empty() {
                found.push(FieldError::new(options, "must be empty unless type is ENUM"));
            }
            return;
        }
        if !(1..=MAX_OPTIONS).contains(&self.options.len()) {
            found.push(FieldError::new(options, format!("size must be between 1 and {MAX_OPTIONS}")));
            return;
        }
        for (index, option) in self.options.iter().enumerate() {
            check_required(found, &format!("{options}[{index}]"), option, MAX_NAME);
            if self.options[..index].contains(option) {
                found.push(FieldError::new(format!("{options}[{index}]"), "must be unique"));
            }
        }
    }

    /// Why a value that is not null is none of this field; `None` if it is one.
    fn message_about(&self, value: &Value) -> Option<String> {
        match (self.field_type, value) {
            (AnnotationFieldType::String, Value::String(text)) => {
                (text.chars().count() > MAX_TEXT).then(|| format!("size must be between 0 and {MAX_TEXT}"))
            }
            (AnnotationFieldType::Enum, Value::String(text)) if self.options.contains(text) => None,
            (AnnotationFieldType::Number, Value::Number(_))
            | (AnnotationFieldType::Boolean, Value::Bool(_)) => None,
            (AnnotationFieldType::String, _) => Some("must be a string".to_owned()),
            (AnnotationFieldType::Number, _) => Some("must be a number".to_owned()),
            (AnnotationFieldType::Boolean, _) => Some("must be true or false".to_owned()),
            (AnnotationFieldType::Enum, _) => Some(format!("must be one of {}", self.options.join(", "))),
        }
    }
}

/// Whether a text is `#` and six hexadecimal digits.
fn is_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    digits.len() == 6 && digits.chars().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
#[path = "annotation_class_tests.rs"]
mod tests;
