//! Reference pairs as an inventory file has them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::app::mk::reference_pairs::ReferencePairFields;
use crate::domain::document::{DocumentContent, ReferencePairSpec};
use crate::domain::{DeviceId, FieldError, Micros, Result};

/// A reference pair. A file tells pairs apart by their components, in either order, and their begin: two pairs of the same
/// components have no time in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileReferencePair {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Component that is observed, `<device>/<key>`.
    pub primary_component: String,
    /// Component that it is compared with.
    pub reference_component: String,
    /// Begin, ISO-8601.
    pub valid_from: FileTime,
    /// End, which does not belong to it; absent while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<FileTime>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// A time, in a file as ISO-8601 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileTime(pub Micros);

impl Serialize for FileTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FileTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Without a hyphen it is a number of seconds.
        let time = Micros::parse(&text).filter(|_| text.contains('-')).map(FileTime);
        time.ok_or_else(|| D::Error::custom(format!("`{text}` is no ISO-8601 time between 1970 and 2261")))
    }
}

impl FileReferencePair {
    /// A pair as a file has it. `components` are the names of both.
    pub fn new(pair: &ReferencePairSpec, components: (String, String)) -> Self {
        Self {
            name: pair.name.clone(),
            primary_component: components.0,
            reference_component: components.1,
            valid_from: FileTime(pair.valid_from),
            valid_to: pair.valid_to.map(FileTime),
            metadata: pair.metadata.clone(),
        }
    }

    /// Name of the pair among all: its components in alphabetical order, and its begin.
    pub fn row_name(&self) -> String {
        let (first, second) = self.components();
        format!("{first} and {second} from {}", self.valid_from.0)
    }

    /// Both components in alphabetical order.
    pub fn components(&self) -> (&str, &str) {
        let (one, other) = (self.primary_component.as_str(), self.reference_component.as_str());
        if one <= other { (one, other) } else { (other, one) }
    }

    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let is_same = self.primary_component == self.reference_component;
        let spec = ReferencePairSpec {
            handle: Uuid::nil(),
            name: self.name.clone(),
            primary: Uuid::nil(),
            reference: if is_same { Uuid::nil() } else { Uuid::max() },
            primary_device: DeviceId(0),
            reference_device: DeviceId(0),
            valid_from: self.valid_from.0,
            valid_to: self.valid_to.map(|end| end.0),
            metadata: self.metadata.clone(),
        };
        let in_words_of_file = |problem: FieldError| match &*problem.field {
            "reference_component" => {
                FieldError::new("reference_component", "must differ from primary_component")
            }
            "valid_to" => FieldError::new("valid_to", "must be after valid_from"),
            _ => problem,
        };
        spec.problems().into_iter().map(in_words_of_file).collect()
    }

    /// Settable fields of the pair. `components` are the UUIDs of both.
    pub fn fields(self, components: (Uuid, Uuid)) -> ReferencePairFields {
        ReferencePairFields {
            name: self.name,
            primary: components.0,
            reference: components.1,
            valid_from: self.valid_from.0,
            valid_to: self.valid_to.map(|end| end.0),
            metadata: self.metadata,
        }
    }
}
