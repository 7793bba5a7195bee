//! Decodes CSV with a header line: columns by name, in any order.

use csv::{ByteRecord, ReaderBuilder};

use super::readings_builder::{InputNumber, InputRow, ReadingsBuilder};
use crate::domain::reading::Quality;
use crate::domain::{Error, FieldError, Micros, Result, mistaken_time};

/// Index of each column.
#[derive(Default)]
struct CsvColumns {
    stream_id: Option<usize>,
    device: Option<usize>,
    stream: Option<usize>,
    ts: Option<usize>,
    value: Option<usize>,
    text: Option<usize>,
    quality: Option<usize>,
}

impl CsvColumns {
    fn read(header: &ByteRecord) -> Result<CsvColumns> {
        let mut columns = CsvColumns::default();
        let mut wrong = Vec::new();
        for (i, name) in header.iter().enumerate() {
            let name =
                String::from_utf8_lossy(name).trim().trim_start_matches('\u{feff}').to_ascii_lowercase();
            let place = match name.as_str() {
                "stream_id" => &mut columns.stream_id,
                "device" => &mut columns.device,
                "stream" => &mut columns.stream,
                "ts" | "timestamp" | "time" => &mut columns.ts,
                "value" => &mut columns.value,
                "text" => &mut columns.text,
                "quality" => &mut columns.quality,
                _ => {
                    let message = "is not one of stream_id, device, stream, ts, value, text, quality";
                    wrong.push(FieldError::new(format!("column `{name}`"), message));
                    continue;
                }
            };
            if place.replace(i).is_some() {
                wrong.push(FieldError::new(format!("column `{name}`"), "is given twice"));
            }
        }
        if wrong.is_empty() && columns.ts.is_none() {
            wrong.push(FieldError::new("ts", "the header has no such column"));
        }
        Error::check(wrong)?;
        Ok(columns)
    }

    /// Whether a row may have an empty text, which CSV does not tell from none: it has a cell for it and no value.
    fn may_be_empty_text(&self, row: &InputRow<'_>) -> bool {
        let is_empty = row.text.is_none() && row.value.is_none();
        self.text.is_some() && is_empty && row.quality != Quality::Bad
    }

    fn row<'a>(&self, record: &'a ByteRecord) -> Result<InputRow<'a>, String> {
        let cell = |at: Option<usize>| -> Result<Option<&'a str>, String> {
            let Some(bytes) = at.and_then(|i| record.get(i)).filter(|b| !b.is_empty()) else {
                return Ok(None);
            };
            std::str::from_utf8(bytes).map(Some).map_err(|_| "is not UTF-8".to_owned())
        };
        let id = cell(self.stream_id)?;
        let ts = cell(self.ts)?;
        Ok(InputRow {
            stream_id: id
                .map(|t| t.trim().parse().map_err(|_| format!("stream_id: `{t}` is not an integer")))
                .transpose()?,
            device: cell(self.device)?,
            stream: cell(self.stream)?,
            ts: ts.map(time).transpose()?,
            value: cell(self.value)?.map(number).transpose()?,
            text: cell(self.text)?,
            quality: match cell(self.quality)? {
                None => Quality::Good,
                Some(text) => text.parse().map_err(|e: Error| e.message)?,
            },
        })
    }
}

/// Parses a time. Numbers that spreadsheets write for days are refused: they would be times of 1970.
fn time(text: &str) -> Result<Micros, String> {
    match mistaken_time::hint(text) {
        Some(hint) => Err(format!("ts: {hint}")),
        None => Micros::parse(text).ok_or_else(|| format!("ts: `{text}` is not a time")),
    }
}

/// Parses a CSV number; `true` and `false` are 1 and 0, as in the other formats. `NaN` and infinities are refused.
pub fn number(text: &str) -> Result<InputNumber, String> {
    let trimmed = text.trim();
    match trimmed {
        "true" | "True" | "TRUE" => return Ok(InputNumber::Int(1)),
        "false" | "False" | "FALSE" => return Ok(InputNumber::Int(0)),
        _ => {}
    }
    if let Ok(int) = trimmed.parse() {
        return Ok(InputNumber::Int(int));
    }
    if let Ok(int) = trimmed.parse() {
        return Ok(InputNumber::Uint(int));
    }
    let float: Option<f64> = trimmed.parse().ok();
    float
        .filter(|f| f.is_finite())
        .map(InputNumber::Float)
        .ok_or_else(|| format!("value: `{text}` is not a finite number"))
}

/// Reads every row below the header. A wrong row is refused alone; a header or text that cannot be read fails all.
pub fn decode(rows: &mut ReadingsBuilder, body: &[u8]) -> Result<()> {
    let mut reader = ReaderBuilder::new().has_headers(true).from_reader(body);
    let header = reader.byte_headers().map_err(unreadable)?.clone();
    let columns = CsvColumns::read(&header)?;
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => match columns.row(&record) {
                Ok(row) if columns.may_be_empty_text(&row) => rows.push_with_empty_text(row)?,
                Ok(row) => rows.push(row)?,
                Err(problem) => rows.refuse(problem)?,
            },
            Err(e) => match e.kind() {
                csv::ErrorKind::UnequalLengths { len, expected_len, .. } => {
                    rows.refuse(format!("has {len} fields, the header {expected_len}"))?;
                }
                _ => return Err(unreadable(e)),
            },
        }
    }
}

fn unreadable(e: csv::Error) -> Error {
    Error::invalid(format!("the CSV cannot be read: {e}")).with_source(e)
}
