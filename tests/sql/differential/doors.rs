//! Asks generated statements over HTTP, Flight SQL and PostgreSQL's extended protocol, with parameters in the place of constants, the
//! last with values and results in binary and as texts. Each answers what a simple query does, which PostgreSQL has judged.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, TimestampMicrosecondArray};
use bytes::{Buf, Bytes};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::{Value, json};

use super::answers::{Answer, NULL, is_same};
use super::statements::Statement;
use crate::support::Server;
use crate::tools::flight;
use crate::tools::wire::{self, PgClient};

/// Of so many statements one goes through all ways.
const STRIDE: usize = 10;
/// 2000-01-01, from which PostgreSQL counts, in microseconds and in days since 1970.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const EPOCH_DAYS: i32 = 10_957;

type Rows = Vec<Vec<String>>;

/// A constant whose place a parameter takes.
#[derive(Debug, Clone, Copy)]
enum Constant {
    Float(f64),
    /// Of UTC.
    Instant(&'static str),
    Day(&'static str),
}

/// Constants of the generator with their types. All have a cast: what a parameter is beside does not decide its type then.
const CONSTANTS: [(&str, &str, Constant); 10] = [
    ("-2.25::double precision", "double precision", Constant::Float(-2.25)),
    ("20.0::double precision", "double precision", Constant::Float(20.0)),
    ("1.5::double precision", "double precision", Constant::Float(1.5)),
    ("1e3::double precision", "double precision", Constant::Float(1000.0)),
    ("'2024-03-30 12:00:00+00'::timestamptz", "timestamptz", Constant::Instant("2024-03-30 12:00:00")),
    ("'2024-03-31 01:00:00+00'::timestamptz", "timestamptz", Constant::Instant("2024-03-31 01:00:00")),
    ("'2024-10-27 00:30:00+00'::timestamptz", "timestamptz", Constant::Instant("2024-10-27 00:30:00")),
    ("'2024-10-27 01:00:00+00'::timestamptz", "timestamptz", Constant::Instant("2024-10-27 01:00:00")),
    ("'2024-03-31'::date", "date", Constant::Day("2024-03-31")),
    ("'2024-10-27'::date", "date", Constant::Day("2024-10-27")),
];

impl Constant {
    fn oid(self) -> u32 {
        match self {
            Constant::Float(_) => 701,
            Constant::Instant(_) => 1184,
            Constant::Day(_) => 1082,
        }
    }

    fn json(self) -> Value {
        match self {
            Constant::Float(number) => json!(number),
            Constant::Instant(text) => json!(format!("{text}+00")),
            Constant::Day(text) => json!(text),
        }
    }

    fn text(self) -> String {
        match self {
            Constant::Float(number) => number.to_string(),
            Constant::Instant(text) => format!("{text}+00"),
            Constant::Day(text) => text.to_owned(),
        }
    }

    fn array(self) -> ArrayRef {
        match self {
            Constant::Float(number) => Arc::new(Float64Array::from(vec![number])),
            Constant::Instant(text) => {
                Arc::new(TimestampMicrosecondArray::from(vec![micros(text)]).with_timezone("UTC"))
            }
            Constant::Day(text) => Arc::new(Date32Array::from(vec![days(text)])),
        }
    }

    fn binary(self) -> Vec<u8> {
        match self {
            Constant::Float(number) => number.to_be_bytes().to_vec(),
            Constant::Instant(text) => (micros(text) - EPOCH_MICROS).to_be_bytes().to_vec(),
            Constant::Day(text) => (days(text) - EPOCH_DAYS).to_be_bytes().to_vec(),
        }
    }
}

/// Microseconds since 1970.
fn micros(text: &str) -> i64 {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").expect("a time");
    time.and_utc().timestamp_micros()
}

/// Days since 1970.
fn days(text: &str) -> i32 {
    let day: NaiveDate = text.parse().expect("a day");
    (day - NaiveDate::default()).num_days() as i32
}

/// Returns the answers of the other ways that differ from a simple query's.
pub async fn differences(server: &Server, statements: &[Statement], answers: &[Answer]) -> Vec<String> {
    let mut pg = PgClient::connect(&server.pg_address(), &server.key).await.expect("it connects");
    let mut found = Vec::new();
    for (statement, answer) in statements.iter().zip(answers).step_by(STRIDE) {
        let Answer::Rows(rows) = answer else { continue };
        let (text, values) = with_parameters(&statement.text);
        let binary = by_extended(&mut pg, &text, &values).await;
        let expected = pg.query(&as_texts(statement, &statement.text)).await.map(shown);
        let expected = expected.map_err(|error| error.message);
        let text = as_texts(statement, &text);
        let as_shown = by_texts(&mut pg, &text, &values).await;
        for (way, expected, answer) in [
            ("extended, binary", &Ok(rows.clone()), binary),
            ("extended, texts", &expected, as_shown),
            ("HTTP", &expected, by_http(server, &text, &values).await),
            ("Flight SQL", &expected, by_flight(server, &text, &values).await),
        ] {
            let is_right = match (expected, &answer) {
                (Ok(expected), Ok(rows)) => is_same(expected, rows, statement.compared, false),
                (Err(_), Err(_)) => true,
                _ => false,
            };
            if !is_right {
                found.push(format!("{way}: {text} {values:?}\n  {expected:?}\n  {answer:?}"));
            }
        }
    }
    found
}

/// Puts a parameter in the place of each constant; those that are alike have one.
fn with_parameters(text: &str) -> (String, Vec<Constant>) {
    let (mut text, mut values) = (text.to_owned(), Vec::new());
    for (literal, data_type, constant) in CONSTANTS {
        if text.contains(literal) {
            values.push(constant);
            text = text.replace(literal, &format!("${}::{data_type}", values.len()));
        }
    }
    (text, values)
}

/// The statement with its columns as texts, which every way shows alike.
fn as_texts(statement: &Statement, text: &str) -> String {
    let columns: Vec<String> =
        (1..=statement.columns).map(|place| format!("c{place}::text AS c{place}")).collect();
    format!("SELECT {} FROM ({text}) AS answer", columns.join(", "))
}

fn shown(rows: wire::Rows) -> Rows {
    let cell = |cell: Option<String>| cell.unwrap_or_else(|| NULL.to_owned());
    rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect()
}

async fn by_http(server: &Server, text: &str, values: &[Constant]) -> Result<Rows, String> {
    let params: Vec<Value> = values.iter().map(|value| value.json()).collect();
    let body = match params.is_empty() {
        true => json!({ "query": text }),
        false => json!({"query": text, "params": params}),
    };
    let answer = server.client().post("/sql", &body).await;
    let Value::Array(rows) = &answer.body else { return Err(answer.body.to_string()) };
    let cell = |cell: &Value| cell.as_str().unwrap_or(NULL).to_owned();
    let row = |row: &Value| {
        let members = row.as_object().expect("a row");
        (1..=members.len()).map(|place| cell(&members[&format!("c{place}")])).collect()
    };
    Ok(rows.iter().map(row).collect())
}

async fn by_flight(server: &Server, text: &str, values: &[Constant]) -> Result<Rows, String> {
    let values = values.iter().map(|value| value.array()).collect();
    flight::text_rows(server, &server.key, text, values).await.map(shown)
}

async fn by_texts(pg: &mut PgClient, text: &str, values: &[Constant]) -> Result<Rows, String> {
    let values: Vec<String> = values.iter().map(|value| value.text()).collect();
    let values: Vec<Option<&str>> = values.iter().map(|value| Some(value.as_str())).collect();
    pg.query_with_params(text, &values).await.map(shown).map_err(|error| error.message)
}

async fn by_extended(pg: &mut PgClient, text: &str, values: &[Constant]) -> Result<Rows, String> {
    let types: Vec<u32> = values.iter().map(|value| value.oid()).collect();
    let bound: Vec<Vec<u8>> = values.iter().map(|value| value.binary()).collect();
    let bound: Vec<Option<&[u8]>> = bound.iter().map(|value| Some(value.as_slice())).collect();
    pg.parse("", text, &types).await;
    pg.bind("", "", [1, 1], &bound).await;
    pg.send('D', b"P\0").await;
    pg.execute("", 0).await;
    pg.send('S', b"").await;
    let messages = pg.until_ready().await.map_err(|error| format!("{} {}", error.code, error.message))?;
    let columns = wire::columns(&messages);
    let row = |row: Vec<Option<Bytes>>| {
        let cells = row.into_iter().zip(&columns);
        cells.map(|(cell, (_, oid))| cell.map_or_else(|| NULL.to_owned(), |cell| read(*oid, cell))).collect()
    };
    Ok(wire::values(&messages).into_iter().map(row).collect())
}

/// A value in binary, as psql shows it.
fn read(oid: u32, mut value: Bytes) -> String {
    match oid {
        16 => String::from(if value.get_u8() == 1 { "t" } else { "f" }),
        20 => value.get_i64().to_string(),
        21 => value.get_i16().to_string(),
        23 => value.get_i32().to_string(),
        700 => value.get_f32().to_string(),
        701 => value.get_f64().to_string(),
        1082 => {
            let days = i64::from(value.get_i32() + EPOCH_DAYS);
            (NaiveDate::default() + chrono::Duration::days(days)).to_string()
        }
        1184 => {
            let time = DateTime::from_timestamp_micros(value.get_i64() + EPOCH_MICROS).expect("a time");
            let shown = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            format!("{}+00", shown.trim_end_matches('0').trim_end_matches('.'))
        }
        1700 => numeric(value),
        _ => String::from_utf8(value.to_vec()).expect("a text"),
    }
}

/// Digits to the base 10,000, of which the first has a weight.
fn numeric(mut value: Bytes) -> String {
    let (count, weight) = (value.get_u16(), i32::from(value.get_i16()));
    let sign = if value.get_u16() == 0x4000 { -1.0 } else { 1.0 };
    value.advance(2);
    let digits =
        (0..i32::from(count)).map(|place| f64::from(value.get_u16()) * 10_000_f64.powi(weight - place));
    (sign * digits.sum::<f64>()).to_string()
}
