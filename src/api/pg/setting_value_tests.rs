//! Tests of the values of settings.

use super::*;

#[test]
fn values_are_kept_or_the_client_is_told() {
    for (name, value, kept, notice) in [
        ("application_name", "psql", "psql", ""),
        ("extra_float_digits", "3", "3", ""),
        ("client_encoding", "utf-8", "UTF8", ""),
        ("timezone", "Etc/UTC", "UTC", ""),
        ("timezone", "GMT", "UTC", ""),
        ("datestyle", "ISO, MDY", "ISO, YMD", ""),
        ("standard_conforming_strings", "true", "on", ""),
        ("lc_time", "en_US.UTF-8", "C", ""),
        ("search_path", "\"$user\", Public", "\"$user\", Public", ""),
        ("search_path", "pg_catalog", "pg_catalog", "search_path"),
        ("transaction_isolation", "READ UNCOMMITTED", "read committed", ""),
        ("transaction_isolation", "serializable", "read committed", "stays at read committed"),
        ("default_transaction_read_only", "off", "on", "stays at on"),
        ("jit", "on", "off", "stays at off"),
        ("my.own", "1", "1", "has no effect"),
        ("basalt.rollup", "OFF", "off", ""),
        ("basalt.rollup", "true", "on", ""),
        ("statement_timeout", "0", "0", ""),
        ("statement_timeout", "1500", "1500ms", ""),
        ("statement_timeout", "1.5 min", "90s", ""),
        ("statement_timeout", "7200s", "2h", ""),
    ] {
        let read = read(name, value).unwrap();
        let shown = read.notice.unwrap_or_default();
        assert!(read.value == kept && shown.contains(notice), "{name} = {value}: {} {shown}", read.value);
        assert_eq!(shown.is_empty(), notice.is_empty(), "{name} = {value}: {shown}");
    }
}

#[test]
fn values_that_change_answers_are_refused() {
    for (name, value, code, words) in [
        ("timezone", "Europe/Berlin", "0A000", "AT TIME ZONE"),
        ("timezone", "+02:00", "0A000", "AT TIME ZONE"),
        ("datestyle", "German", "0A000", "to_char"),
        ("datestyle", "SQL, DMY", "0A000", "to_char"),
        ("intervalstyle", "iso_8601", "0A000", "1 day"),
        ("bytea_output", "escape", "0A000", "encode"),
        ("client_encoding", "LATIN1", "0A000", "UTF8"),
        ("standard_conforming_strings", "off", "0A000", "E'"),
        ("transform_null_equals", "on", "0A000", "off"),
        ("lc_numeric", "de_DE.UTF-8", "0A000", "is C"),
        ("extra_float_digits", "0", "0A000", "all their digits"),
        ("extra_float_digits", "4", "22023", "invalid value"),
        ("role", "admin", "0A000", "rights of its key"),
        ("search_path", "other, public", "3F000", "\"other\" does not exist"),
        ("transaction_isolation", "none", "22023", "invalid value"),
        ("statement_timeout", "-1", "22023", "invalid value"),
        ("statement_timeout", "1 hour", "22023", "invalid value"),
        ("statement_timeout", "25d", "22023", "invalid value"),
        ("statement_timeout", "", "22023", "invalid value"),
        ("client_min_messages", "loud", "22023", "invalid value"),
        ("basalt.rollup", "sometimes", "22023", "invalid value"),
    ] {
        let PgError::Protocol(found, message) = read(name, value).unwrap_err() else { panic!("{name}") };
        assert!(found == code && message.contains(words), "{name} = {value}: {found} {message}");
    }
}

#[test]
fn a_time_limit_is_a_duration() {
    assert_eq!(time_limit("0"), None);
    assert_eq!(time_limit("250ms"), Some(Duration::from_millis(250)));
    assert_eq!(time_limit("2h"), Some(Duration::from_secs(7200)));
}
