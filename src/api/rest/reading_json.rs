//! DataStone's JSON of readings: numbers of integer kinds have no fraction, bits are booleans, 64-bit integers are
//! exact. Written straight into bytes, because lists are long.

use std::io::Write;

use serde_json::value::RawValue;

use crate::domain::Micros;
use crate::domain::StreamId;
use crate::domain::integer::exact_integer;
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::StreamKind;

/// Whether a row carries its `id`, as the lists over all streams do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowForm {
    /// Without the id: the path names the stream.
    Bare,
    /// With the id, which names stream and time.
    WithId,
}

/// Writes rows as comma-separated JSON objects. Rows whose stream `kind_of` does not know are left out.
pub fn write_rows(
    rows: &Readings,
    form: RowForm,
    kind_of: impl Fn(StreamId) -> Option<StreamKind>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 72);
    let mut known: Option<(i32, Option<StreamKind>)> = None;
    for i in 0..rows.len() {
        let stream = rows.stream[i];
        // Rows of one stream are adjacent, so the last kind is remembered.
        let kind = match known {
            Some((same, kind)) if same == stream => kind,
            _ => kind_of(StreamId(stream)),
        };
        known = Some((stream, kind));
        let Some(kind) = kind else { continue };
        if !out.is_empty() {
            out.push(b',');
        }
        let text = rows.text.get(i).and_then(Option::as_deref);
        write_row(&mut out, form, stream, Micros(rows.ts[i]));
        write_value(&mut out, kind, rows.value[i], text);
        out.push(b'}');
    }
    out
}

/// Writes one row as a JSON object.
pub fn write_reading(reading: &Reading, form: RowForm, kind: StreamKind) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    write_row(&mut out, form, reading.stream.0, reading.ts);
    write_value(&mut out, kind, reading.value.unwrap_or(f64::NAN), reading.text.as_deref());
    out.push(b'}');
    out
}

/// Returns only the value of a reading, as JSON.
pub fn raw_value(reading: &Reading, kind: StreamKind) -> Box<RawValue> {
    let mut out = Vec::new();
    write_value(&mut out, kind, reading.value.unwrap_or(f64::NAN), reading.text.as_deref());
    let text = String::from_utf8(out).expect("JSON written here is UTF-8");
    RawValue::from_string(text).expect("what is written here is JSON")
}

/// Parses the opaque id of a value, `<stream>-<ts>`: stable for the life of the row, and safe for JavaScript.
pub fn parse_id(text: &str) -> Option<(StreamId, Micros)> {
    let (stream, ts) = text.split_once('-')?;
    let is_canonical =
        |part: &str| part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
    if !is_canonical(stream) || !is_canonical(ts) {
        return None;
    }
    Some((StreamId(stream.parse().ok()?), Micros(ts.parse().ok()?)))
}

/// Writes the part of a row before its value.
fn write_row(out: &mut Vec<u8>, form: RowForm, stream: i32, ts: Micros) {
    let iso = ts.to_iso();
    match form {
        RowForm::Bare => put(out, format_args!(r#"{{"data":{stream},"timestamp":"{iso}","value":"#)),
        RowForm::WithId => put(
            out,
            format_args!(r#"{{"id":"{stream}-{}","data":{stream},"timestamp":"{iso}","value":"#, ts.0),
        ),
    }
}

fn write_value(out: &mut Vec<u8>, kind: StreamKind, value: f64, text: Option<&str>) {
    match kind {
        StreamKind::Bit if !value.is_nan() => put(out, format_args!("{}", value != 0.0)),
        StreamKind::Json | StreamKind::Location => match text {
            // A columnar write may hold any text; text that is not JSON is shown as a string.
            Some(text) if serde_json::from_str::<&RawValue>(text).is_ok() => {
                out.extend_from_slice(text.as_bytes())
            }
            _ => write_plain(out, kind, value, text),
        },
        StreamKind::Int64 | StreamKind::Uint64 => match text {
            Some(digits) if is_integer(digits) => out.extend_from_slice(digits.as_bytes()),
            _ => write_plain(out, kind, value, None),
        },
        StreamKind::Byte
        | StreamKind::Int16
        | StreamKind::Int32
        | StreamKind::Uint16
        | StreamKind::Uint32
        | StreamKind::Fp16
        | StreamKind::Fp32
        | StreamKind::Fp64
        | StreamKind::Enum => match text {
            // The stream had 64-bit integers before its kind was changed, and has numbers still.
            Some(digits) if is_integer(digits) => out.extend_from_slice(digits.as_bytes()),
            _ => write_plain(out, kind, value, text),
        },
        StreamKind::Bit | StreamKind::Text => write_plain(out, kind, value, text),
    }
}

/// Writes text as a string, else the number, else null. Also used for rows older than a change of the stream's kind.
fn write_plain(out: &mut Vec<u8>, kind: StreamKind, value: f64, text: Option<&str>) {
    // A scaled stream of an integer kind holds engineering values; those keep their fraction.
    let whole = kind.integer_range().and_then(|_| exact_integer(value));
    match (text, whole) {
        (Some(text), _) => put_json(out, text),
        (None, _) if value.is_nan() => out.extend_from_slice(b"null"),
        (None, Some(whole)) => put(out, format_args!("{whole}")),
        (None, None) => put_json(out, &value),
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to memory does not fail");
}

fn put_json(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("text and finite numbers are JSON");
}

#[cfg(test)]
#[path = "reading_json_tests.rs"]
mod tests;
