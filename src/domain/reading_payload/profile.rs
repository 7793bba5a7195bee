//! Structured payloads against the fields of a sensor profile: all values are accepted, or none.

use serde_json::{Map, Value};

use super::value::SentValue;
use crate::domain::document::{ProfileField, ValueType};
use crate::domain::quarantine::{Mistake, QuarantineReason};

/// A value of a structured payload, for the sensor of its field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldValue<'a> {
    /// Key of the sensor within the component: the name of the field; elements of an array have `.` and their index.
    pub key: String,
    /// Field of the profile.
    pub field: &'a ProfileField,
    /// The value.
    pub value: SentValue,
}

/// Returns the values of a structured payload in the order of the fields. An absent or null field that is not required
/// has none.
///
/// # Errors
/// `UNKNOWN_SENSOR` for a member that is no field, `REQUIRED_FIELD`, `TYPE_MISMATCH`, `ARRAY_SIZE`, `OUT_OF_RANGE` or
/// `TOO_LARGE`: the first of these in the order of the fields.
pub fn check<'a>(
    fields: &'a [ProfileField],
    values: &Map<String, Value>,
) -> Result<Vec<FieldValue<'a>>, Mistake> {
    if let Some(name) = values.keys().find(|name| fields.iter().all(|field| field.name != **name)) {
        let message = "is no field of the sensor profile";
        return Err(Mistake::new(QuarantineReason::UnknownSensor, member(name), message));
    }
    let mut checked = Vec::with_capacity(values.len());
    for field in fields {
        match values.get(&field.name) {
            None | Some(Value::Null) if field.required => {
                let message = "the sensor profile requires it";
                return Err(Mistake::new(QuarantineReason::RequiredField, member(&field.name), message));
            }
            None | Some(Value::Null) => {}
            Some(value) => add(&mut checked, field, value)?,
        }
    }
    Ok(checked)
}

fn add<'a>(checked: &mut Vec<FieldValue<'a>>, field: &'a ProfileField, value: &Value) -> Result<(), Mistake> {
    let Some(size) = field.array_size else {
        checked.push(field_value(field.name.clone(), field, value)?);
        return Ok(());
    };
    let Value::Array(elements) = value else {
        let message = format!("must be an array of {size} elements");
        return Err(Mistake::new(QuarantineReason::TypeMismatch, member(&field.name), message));
    };
    if u32::try_from(elements.len()) != Ok(size) {
        let message = format!("has {} elements; the sensor profile has {size}", elements.len());
        return Err(Mistake::new(QuarantineReason::ArraySize, member(&field.name), message));
    }
    for (index, element) in elements.iter().enumerate() {
        checked.push(field_value(format!("{}.{index}", field.name), field, element)?);
    }
    Ok(())
}

fn field_value<'a>(key: String, field: &'a ProfileField, json: &Value) -> Result<FieldValue<'a>, Mistake> {
    let name = member(&key);
    let value = SentValue::read(&name, json).map_err(|mistake| match json {
        // Null is an element that is missing, not a payload that cannot be read.
        Value::Null => Mistake { reason: QuarantineReason::TypeMismatch, ..mistake },
        _ => mistake,
    })?;
    let value = match (field.value_type, value) {
        (ValueType::Double, SentValue::Integer(whole)) => SentValue::Double(whole as f64),
        (_, value) => value,
    };
    if value.value_type() != field.value_type {
        let message = format!("must be {}", field.value_type.name());
        return Err(Mistake::new(QuarantineReason::TypeMismatch, name, message));
    }
    let number = match value {
        SentValue::Double(number) => Some(number),
        SentValue::Integer(whole) => Some(whole as f64),
        SentValue::Boolean(_) | SentValue::Text(_) => None,
    };
    let is_below = number.zip(field.min).is_some_and(|(number, min)| number < min);
    let is_above = number.zip(field.max).is_some_and(|(number, max)| number > max);
    if is_below || is_above {
        let bound = |bound: Option<f64>| bound.map_or("any".to_owned(), |bound| bound.to_string());
        let message = format!("must be from {} to {}", bound(field.min), bound(field.max));
        return Err(Mistake::new(QuarantineReason::OutOfRange, name, message));
    }
    Ok(FieldValue { key, field, value })
}

fn member(name: &str) -> String {
    // The name comes from the payload and is shown to people.
    format!("values.{}", name.chars().take(200).collect::<String>())
}
