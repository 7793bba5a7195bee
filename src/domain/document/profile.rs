//! Profiles: what the readings of a sensor hold, and of which components a type of device consists. A version of a profile
//! never changes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::DocumentContent;
use super::rules::{MAX_NAME, check_key, check_required};
use crate::domain::named_enum::named_enum;
use crate::domain::stream::StreamKind;
use crate::domain::{Error, FieldError, Result};

/// Most fields of a profile, and components of a device profile.
pub const MAX_PARTS: usize = 256;
/// Most elements of an array field.
const MAX_ARRAY: u32 = 1024;

named_enum! {
    /// Type of the values of a field or sensor.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum ValueType {
        /// A number of 64 bits with a fraction.
        Double = "DOUBLE",
        /// A whole number of 64 bits.
        Bigint = "BIGINT",
        /// True or false.
        Boolean = "BOOLEAN",
        /// A string.
        Text = "TEXT",
    }
}

impl ValueType {
    /// Kind of the streams that are made for this type.
    pub fn stream_kind(self) -> StreamKind {
        match self {
            ValueType::Double => StreamKind::Fp64,
            ValueType::Bigint => StreamKind::Int64,
            ValueType::Boolean => StreamKind::Bit,
            ValueType::Text => StreamKind::Text,
        }
    }

    /// Type that a stream of a kind is shown with.
    pub fn of_stream_kind(kind: StreamKind) -> ValueType {
        match kind {
            StreamKind::Bit => ValueType::Boolean,
            StreamKind::Int64 => ValueType::Bigint,
            StreamKind::Text | StreamKind::Json | StreamKind::Location => ValueType::Text,
            StreamKind::Byte
            | StreamKind::Int16
            | StreamKind::Int32
            | StreamKind::Uint16
            | StreamKind::Uint32
            | StreamKind::Uint64
            | StreamKind::Fp16
            | StreamKind::Fp32
            | StreamKind::Fp64
            | StreamKind::Enum => ValueType::Double,
        }
    }
}

/// Version of a profile: a change that only adds is a higher minor version, any other a higher major one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileVersion {
    /// Rises with what readers must know of.
    pub major: u32,
    /// Rises with additions.
    pub minor: u32,
}

impl fmt::Display for ProfileVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for ProfileVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let part = |text: &str| -> Option<u32> {
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let is_short = text == "0" || !text.starts_with('0');
            text.parse().ok().filter(|_| is_plain && is_short)
        };
        let read = text
            .split_once('.')
            .and_then(|(major, minor)| Some(ProfileVersion { major: part(major)?, minor: part(minor)? }));
        read.ok_or_else(|| Error::field("version", "must be a version such as 1.2"))
    }
}

impl TryFrom<String> for ProfileVersion {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ProfileVersion> for String {
    fn from(version: ProfileVersion) -> Self {
        version.to_string()
    }
}

/// A field of the readings of a sensor, or of a device's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileField {
    /// 1..=128 letters, digits, `_`, `-` and dots; unique in the profile.
    pub name: String,
    /// Type of its values.
    pub value_type: ValueType,
    /// Engineering unit, at most 32 characters.
    pub unit: Option<String>,
    /// Smallest value, of numbers.
    pub min: Option<f64>,
    /// Largest value, of numbers.
    pub max: Option<f64>,
    /// Whether every reading must have it.
    pub required: bool,
    /// Whether a configuration may set it.
    pub writable: bool,
    /// Number of elements, 1..=1024, of a field that is an array.
    pub array_size: Option<u32>,
}

impl ProfileField {
    /// A field that may have any value of its type, that readings may leave out, and that no configuration sets.
    pub fn new(name: impl Into<String>, value_type: ValueType) -> Self {
        Self {
            name: name.into(),
            value_type,
            unit: None,
            min: None,
            max: None,
            required: false,
            writable: false,
            array_size: None,
        }
    }

    fn problems(&self, path: &str) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_key(&mut found, &format!("{path}.name"), &self.name, 128, ".");
        if self.unit.as_ref().is_some_and(|unit| unit.chars().count() > 32) {
            found.push(FieldError::new(format!("{path}.unit"), "size must be between 0 and 32"));
        }
        let is_numeric = matches!(self.value_type, ValueType::Double | ValueType::Bigint);
        for (name, bound) in [("min", self.min), ("max", self.max)] {
            if bound.is_some_and(|bound| !bound.is_finite() || !is_numeric) {
                found.push(FieldError::new(format!("{path}.{name}"), "is for numbers only"));
            }
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            found.push(FieldError::new(format!("{path}.min"), "must not exceed max"));
        }
        if self.array_size.is_some_and(|size| !(1..=MAX_ARRAY).contains(&size)) {
            found.push(FieldError::new(
                format!("{path}.array_size"),
                format!("must be between 1 and {MAX_ARRAY}"),
            ));
        }
        found
    }

    /// Whether readings of `self` are valid for `older` too.
    fn is_compatible_with(&self, older: &ProfileField) -> bool {
        let is_wider = |new: Option<f64>, old: Option<f64>, is_within: fn(f64, f64) -> bool| match (new, old)
        {
            (Some(new), Some(old)) => is_within(new, old),
            (Some(_), None) => false,
            (None, _) => true,
        };
        self.value_type == older.value_type
            && self.unit == older.unit
            && self.array_size == older.array_size
            && self.writable == older.writable
            && (!self.required || older.required)
            && is_wider(self.min, older.min, |new, old| new <= old)
            && is_wider(self.max, older.max, |new, old| new >= old)
    }
}

/// Settable fields of a sensor profile.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SensorProfileSpec {
    /// 1..=128 letters, digits, `_`, `-` and dots, such as `env.temp`; unique with the version.
    pub key: String,
    /// 1..=255 characters.
    pub name: String,
    /// Version.
    pub version: ProfileVersion,
    /// 1..=256 fields.
    pub fields: Vec<ProfileField>,
    /// Pack by which it was installed.
    pub pack: Option<Uuid>,
}

impl SensorProfileSpec {
    /// Whether this version only adds to an older one: every field of that is still there and takes what it took.
    pub fn only_adds_to(&self, older: &SensorProfileSpec) -> bool {
        fields_only_add(&self.fields, &older.fields)
    }
}

impl DocumentContent for SensorProfileSpec {
    fn unique_name(&self) -> String {
        format!("{}@{}", self.key, self.version)
    }

    fn unique_title(&self) -> String {
        format!("Version {} of the sensor profile '{}' exists", self.version, self.key)
    }

    fn pack(&self) -> Option<Uuid> {
        self.pack
    }

    fn pack_mut(&mut self) -> Option<&mut Option<Uuid>> {
        Some(&mut self.pack)
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_key(&mut found, "key", &self.key, 128, ".");
        check_required(&mut found, "name", &self.name, MAX_NAME);
        found.extend(field_problems("fields", &self.fields));
        found
    }
}

/// Whether every older field is still there and takes what it took, and no new one is required.
fn fields_only_add(new: &[ProfileField], older: &[ProfileField]) -> bool {
    let kept =
        |old: &ProfileField| new.iter().any(|field| field.name == old.name && field.is_compatible_with(old));
    let is_new = |field: &&ProfileField| !older.iter().any(|old| old.name == field.name);
    older.iter().all(kept) && !new.iter().filter(is_new).any(|field| field.required)
}

fn field_problems(path: &str, fields: &[ProfileField]) -> Vec<FieldError> {
    if fields.len() > MAX_PARTS {
        return vec![FieldError::new(path.to_owned(), format!("size must be between 0 and {MAX_PARTS}"))];
    }
    let mut found = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        found.extend(field.problems(&format!("{path}[{index}]")));
        if fields[..index].iter().any(|other| other.name == field.name) {
            found.push(FieldError::new(format!("{path}[{index}].name"), "must be unique"));
        }
    }
    found
}

/// A component of a device profile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProfileComponent {
    /// Key of the component on its device.
    pub key: String,
    /// 1..=255 characters.
    pub name: String,
    /// Key of the sensor profile.
    pub sensor_profile_key: String,
    /// Version of the sensor profile.
    pub sensor_profile_version: ProfileVersion,
}

impl ProfileComponent {
    /// Whether readings for the component as it was are readings for it as it is.
    fn is_compatible_with(&self, older: &ProfileComponent) -> bool {
        let (new, old) = (self.sensor_profile_version, older.sensor_profile_version);
        self.sensor_profile_key == older.sensor_profile_key
            && new.major == old.major
            && new.minor >= old.minor
    }
}

/// Settable fields of a device profile.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeviceProfileSpec {
    /// 1..=128 letters, digits, `_`, `-` and dots; unique with the version.
    pub key: String,
    /// 1..=255 characters.
    pub name: String,
    /// Version.
    pub version: ProfileVersion,
    /// At most 256 components.
    pub components: Vec<ProfileComponent>,
    /// At most 256 fields that a configuration may set.
    pub writable_fields: Vec<ProfileField>,
    /// Pack by which it was installed.
    pub pack: Option<Uuid>,
}

impl DeviceProfileSpec {
    /// Whether this version only adds to an older one: every component of that is still there, with the same sensor profile
    /// in the same major version, and every writable field takes what it took.
    pub fn only_adds_to(&self, older: &DeviceProfileSpec) -> bool {
        let kept = |old: &ProfileComponent| {
            self.components.iter().any(|new| new.key == old.key && new.is_compatible_with(old))
        };
        older.components.iter().all(kept) && fields_only_add(&self.writable_fields, &older.writable_fields)
    }
}

impl DocumentContent for DeviceProfileSpec {
    fn unique_name(&self) -> String {
        format!("{}@{}", self.key, self.version)
    }

    fn unique_title(&self) -> String {
        format!("Version {} of the device profile '{}' exists", self.version, self.key)
    }

    fn pack(&self) -> Option<Uuid> {
        self.pack
    }

    fn pack_mut(&mut self) -> Option<&mut Option<Uuid>> {
        Some(&mut self.pack)
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_key(&mut found, "key", &self.key, 128, ".");
        check_required(&mut found, "name", &self.name, MAX_NAME);
        if self.components.len() > MAX_PARTS {
            found.push(FieldError::new("components", format!("size must be between 0 and {MAX_PARTS}")));
            return found;
        }
        for (index, component) in self.components.iter().enumerate() {
            let path = format!("components[{index}]");
            check_key(&mut found, &format!("{path}.key"), &component.key, 64, "");
            check_required(&mut found, &format!("{path}.name"), &component.name, MAX_NAME);
            let profile = &component.sensor_profile_key;
            check_key(&mut found, &format!("{path}.sensor_profile_key"), profile, 128, ".");
            if self.components[..index].iter().any(|other| other.key == component.key) {
                found.push(FieldError::new(format!("{path}.key"), "must be unique"));
            }
        }
        found.extend(field_problems("writable_fields", &self.writable_fields));
        found
    }
}
