//! The fields of a retention policy: its table, and its duration in one of three units.

use super::field_type::ANY_NUMBER;
use super::reader::FieldReader;
use super::visitor::Presence;
use crate::domain::policy::PolicyTable;
use crate::domain::time::{END_TIME, MICROS_PER_SECOND};
use crate::domain::{Error, FieldError, Result};

/// The field of a duration in seconds, with its unit in seconds.
const SECONDS: (&str, f64) = ("drop_after_seconds", 1.0);

/// The duration fields, with their unit in seconds.
pub const DURATION_UNITS: [(&str, f64); 3] =
    [SECONDS, ("drop_after_hours", 3600.0), ("drop_after_days", 86_400.0)];

/// The longest retention: the whole representable time range.
pub const MAX_DROP_AFTER_S: f64 = (END_TIME.0 / MICROS_PER_SECOND) as f64;

const ONE_UNIT: &str = "Set one of drop_after_seconds, drop_after_hours, drop_after_days.";

/// Reads a policy of one table: the table and whole seconds, or `None` to remove the policy.
///
/// # Errors
/// `Invalid` naming every wrong field.
pub fn read_table_policy(mut fields: FieldReader) -> Result<(PolicyTable, Option<i64>)> {
    let mut table = PolicyTable::Readings;
    fields.read("hypertable", Presence::Required, (), &mut table);
    Ok((table, read_drop_after(fields)?))
}

/// Reads a policy of a stream: its table, or `None` for both, and whole seconds, or `None` to remove the policy.
///
/// # Errors
/// `Invalid` naming every wrong field.
pub fn read_stream_policy(mut fields: FieldReader) -> Result<(Option<PolicyTable>, Option<i64>)> {
    let table = fields.read_or("hypertable", (), None);
    Ok((table, read_drop_after(fields)?))
}

/// Converts a duration in seconds to whole seconds, or to `None` if the policy is to be removed.
///
/// # Errors
/// `Invalid` naming `drop_after_seconds` when it is too long.
pub fn drop_after_seconds(seconds: f64) -> Result<Option<i64>> {
    let (name, unit_s) = SECONDS;
    let whole = in_seconds(name, seconds, unit_s);
    whole.map(at_least_one).map_err(|problem| Error::fields(vec![problem]))
}

/// Reads the duration. Errors of single fields are reported before those of the whole body, as Django REST framework
/// does.
fn read_drop_after(mut fields: FieldReader) -> Result<Option<i64>> {
    let mut durations = Vec::new();
    for (name, unit_s) in DURATION_UNITS {
        let number = fields.read_or(name, ANY_NUMBER, f64::NAN);
        if !number.is_nan() {
            durations.push((name, number, unit_s));
        }
    }
    let is_sound =
        DURATION_UNITS.iter().all(|(name, _)| fields.is_sound(name)) && fields.is_sound("hypertable");
    let mut problems = Vec::new();
    let mut seconds = 0.0;
    match durations.as_slice() {
        [(name, number, unit_s)] => match in_seconds(name, *number, *unit_s) {
            Ok(whole) => seconds = whole,
            Err(problem) => problems.push(problem),
        },
        _ if is_sound => problems.push(FieldError::new("non_field_errors", ONE_UNIT)),
        _ => {}
    }
    fields.finish(problems)?;
    Ok(at_least_one(seconds))
}

/// Converts to whole seconds; the error names the field.
fn in_seconds(name: &'static str, number: f64, unit_s: f64) -> Result<f64, FieldError> {
    let seconds = whole_seconds(number * unit_s);
    if seconds > MAX_DROP_AFTER_S {
        let most = (MAX_DROP_AFTER_S / unit_s).floor();
        return Err(FieldError::new(name, format!("Ensure this value is less than or equal to {most}.")));
    }
    Ok(seconds)
}

/// Zero or less removes a policy.
fn at_least_one(seconds: f64) -> Option<i64> {
    (seconds >= 1.0).then_some(seconds as i64)
}

/// Rounds down, but corrects the rounding error of the multiplication: 0.29 hours are 1044 seconds.
fn whole_seconds(seconds: f64) -> f64 {
    let near = seconds.round();
    if (seconds - near).abs() < 1e-6 { near } else { seconds.floor() }
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
