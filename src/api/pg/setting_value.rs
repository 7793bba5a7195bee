//! Values of settings as SET gives them: what each may be, and what the client is told of one that has no effect.
//!
//! A setting that would change answers has the one value that the server acts by; others are refused.

use std::time::Duration;

use super::error::PgError;
use super::token_cursor::plain_name;
use crate::app::sql::{FIXED_SETTINGS, ROLLUP_SETTING};

/// Units of `statement_timeout` in microseconds, the longest first.
const UNITS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];
/// The longest `statement_timeout`, as in PostgreSQL.
const MAX_TIMEOUT_MS: f64 = i32::MAX as f64;

/// Parts of a search path, the last of which are empty in every connection.
const SCHEMAS: [&str; 6] = ["public", "pg_catalog", "information_schema", "pg_temp", "$user", ""];

const MESSAGE_LEVELS: [&str; 8] =
    ["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning"];

/// A value that a setting may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingValue {
    pub value: String,
    /// Message to the client.
    pub notice: Option<String>,
}

impl SettingValue {
    fn kept(value: impl Into<String>) -> Result<Self, PgError> {
        Ok(Self { value: value.into(), notice: None })
    }

    fn noted(value: impl Into<String>, notice: String) -> Result<Self, PgError> {
        Ok(Self { value: value.into(), notice: Some(notice) })
    }
}

/// Reads the value of a setting; the name is in small letters.
///
/// # Errors
/// 0A000 for a value that would change answers, 22023 for one that PostgreSQL refuses, 3F000 for an unknown schema.
pub fn read(name: &str, value: &str) -> Result<SettingValue, PgError> {
    if let Some((_, fixed)) = FIXED_SETTINGS.iter().find(|(known, _)| *known == name) {
        return read_fixed(name, value, fixed);
    }
    match name {
        ROLLUP_SETTING => read_switch(name, value),
        "application_name" => SettingValue::kept(value),
        "client_min_messages" if is_message_level(value) => SettingValue::kept(value.to_ascii_lowercase()),
        "client_min_messages" => Err(invalid(name, value)),
        "default_transaction_isolation" | "transaction_isolation" => read_isolation(name, value),
        "extra_float_digits" => read_float_digits(value),
        "role" | "session_authorization" => {
            let message = "not supported: another role; a connection has the rights of its key";
            Err(PgError::Protocol("0A000", message.to_owned()))
        }
        "search_path" => read_search_path(value),
        "statement_timeout" => SettingValue::kept(shown(read_timeout(value)?)),
        _ => SettingValue::noted(value, format!("the setting \"{name}\" has no effect here")),
    }
}

/// Returns the time limit that a value of `statement_timeout` sets; `None` for none.
pub fn time_limit(value: &str) -> Option<Duration> {
    read_timeout(value).ok().filter(|millis| *millis > 0).map(Duration::from_millis)
}

fn invalid(name: &str, value: &str) -> PgError {
    PgError::Protocol("22023", format!("invalid value for parameter \"{name}\": \"{value}\""))
}

fn read_fixed(name: &str, value: &str, fixed: &str) -> Result<SettingValue, PgError> {
    if value.eq_ignore_ascii_case(fixed) || has_same_meaning(name, &value.to_ascii_lowercase()) {
        return SettingValue::kept(fixed);
    }
    // Answers are the same with each value of these.
    if ["default_transaction_read_only", "jit", "transaction_read_only"].contains(&name) {
        return SettingValue::noted(fixed, format!("the setting \"{name}\" stays at {fixed}"));
    }
    let instead = match name {
        "timezone" => {
            "name a zone in the statement, as in ts AT TIME ZONE 'Europe/Berlin' or \
             time_bucket('1 day', ts, 'Europe/Berlin')"
        }
        "datestyle" => "times have the form 2024-03-31 10:00:00+00; to_char writes others",
        "intervalstyle" => "intervals have the form 1 day 02:00:00",
        "bytea_output" => "bytes have the form \\x00ff; encode writes others",
        "standard_conforming_strings" => "texts with escapes have the form E'...'",
        _ => "no other value is supported",
    };
    let message =
        format!("not supported: the setting \"{name}\" is {fixed} and cannot be {value}; {instead}");
    Err(PgError::Protocol("0A000", message))
}

/// Whether a value, in small letters, is a synonym of the fixed value.
fn has_same_meaning(name: &str, value: &str) -> bool {
    const UTC: [&str; 14] = [
        "utc",
        "etc/utc",
        "uct",
        "etc/uct",
        "gmt",
        "etc/gmt",
        "zulu",
        "etc/zulu",
        "universal",
        "z",
        "0",
        "+00",
        "+00:00",
        "-00:00",
    ];
    const DATE_PARTS: [&str; 8] = ["iso", "ymd", "mdy", "dmy", "us", "euro", "european", "noneuro"];
    match name {
        "client_encoding" => matches!(value, "utf-8" | "unicode" | "utf8" | "sql_ascii"),
        "timezone" => UTC.contains(&value),
        // The order of day and month is that of forms which are not read at all.
        "datestyle" => value.split(',').all(|part| DATE_PARTS.contains(&part.trim())),
        "lc_monetary" | "lc_numeric" | "lc_time" => {
            value == "posix" || value.starts_with("c.") || value.starts_with("en_")
        }
        "transform_null_equals" | "jit" => matches!(value, "off" | "false" | "no" | "0"),
        "array_nulls"
        | "standard_conforming_strings"
        | "default_transaction_read_only"
        | "transaction_read_only" => {
            matches!(value, "on" | "true" | "yes" | "1")
        }
        _ => false,
    }
}

fn is_message_level(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    value == "error" || value == "debug" || value == "info" || MESSAGE_LEVELS.contains(&value.as_str())
}

/// Statements see what is stored when each begins: a stronger level is told to be none.
fn read_isolation(name: &str, value: &str) -> Result<SettingValue, PgError> {
    const LEVEL: &str = "read committed";
    match value.to_ascii_lowercase().as_str() {
        LEVEL | "read uncommitted" => SettingValue::kept(LEVEL),
        "repeatable read" | "serializable" => SettingValue::noted(
            LEVEL,
            format!(
                "the setting \"{name}\" stays at {LEVEL}: each statement sees what is stored when it begins"
            ),
        ),
        _ => Err(invalid(name, value)),
    }
}

fn read_switch(name: &str, value: &str) -> Result<SettingValue, PgError> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => SettingValue::kept("on"),
        "off" | "false" | "no" | "0" => SettingValue::kept("off"),
        _ => Err(invalid(name, value)),
    }
}

/// Numbers are shown with the digits that tell them apart, which is what 1 to 3 mean.
fn read_float_digits(value: &str) -> Result<SettingValue, PgError> {
    const NAME: &str = "extra_float_digits";
    match value.trim().parse::<i32>() {
        Ok(1..=3) => SettingValue::kept(value.trim()),
        Ok(-15..=0) => {
            let message = format!(
                "not supported: the setting \"{NAME}\" is 1 to 3 and cannot be {value}; numbers have all their digits, round \
                 those of a statement with round(x::numeric, 3)"
            );
            Err(PgError::Protocol("0A000", message))
        }
        _ => Err(invalid(NAME, value)),
    }
}

fn read_search_path(value: &str) -> Result<SettingValue, PgError> {
    let name = |part: &str| match part.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(inner) => inner.replace("''", "'"),
        None => plain_name(part.trim()),
    };
    let parts: Vec<String> = value.split(',').map(name).collect();
    if let Some(unknown) = parts.iter().find(|part| !SCHEMAS.contains(&part.as_str())) {
        let message = format!(
            "schema \"{unknown}\" does not exist: the setting \"search_path\" takes public, pg_catalog and information_schema"
        );
        return Err(PgError::Protocol("3F000", message));
    }
    match parts.iter().any(|part| part == "public") {
        true => SettingValue::kept(value),
        false => SettingValue::noted(
            value,
            "tables of the schema public are found although the setting \"search_path\" lacks it".to_owned(),
        ),
    }
}

/// Reads a time limit in milliseconds, which are its unit when it has none; 0 is no limit.
fn read_timeout(value: &str) -> Result<u64, PgError> {
    const NAME: &str = "statement_timeout";
    let text = value.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (text[..digits].parse::<f64>(), text[digits..].trim());
    let micros = match unit {
        "" => Some(1_000),
        unit => UNITS.iter().find(|(known, _)| *known == unit).map(|(_, micros)| *micros),
    };
    match (number, micros) {
        (Ok(number), Some(micros)) => {
            let millis = (number * micros as f64 / 1_000.0).round();
            if millis <= MAX_TIMEOUT_MS { Ok(millis as u64) } else { Err(invalid(NAME, value)) }
        }
        _ => Err(invalid(NAME, value)),
    }
}

/// Shows milliseconds as PostgreSQL does: in the longest unit of which they are a multiple.
fn shown(millis: u64) -> String {
    let fits = |(_, micros): &&(&str, u64)| (millis * 1_000).is_multiple_of(*micros);
    match UNITS.iter().find(fits) {
        Some((unit, micros)) if millis > 0 => format!("{}{unit}", millis * 1_000 / micros),
        _ => millis.to_string(),
    }
}

#[cfg(test)]
#[path = "setting_value_tests.rs"]
mod tests;
