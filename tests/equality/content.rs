//! Values of every kind: how they are made, sent through a door, and shown by each vocabulary.

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// Integers up to this size are exact as an f64.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// Kind of a stream. Its values are kept as JSON of the kind: numbers, booleans of bits, texts, pairs, documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Fp64,
    Int32,
    Uint64,
    Bit,
    Enum,
    Text,
    Location,
    Json,
}

impl Kind {
    /// Name in every API.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Fp64 => "fp64",
            Kind::Int32 => "int32",
            Kind::Uint64 => "uint64",
            Kind::Bit => "bit",
            Kind::Enum => "enum",
            Kind::Text => "text",
            Kind::Location => "location",
            Kind::Json => "json",
        }
    }

    /// A value that every door takes. Fractions are of sixteenths, which are exact.
    pub fn random(self, rng: &mut StdRng) -> Value {
        match self {
            Kind::Fp64 if rng.random_bool(0.3) => json!(rng.random_range(-50..150)),
            Kind::Fp64 => json!(f64::from(rng.random_range(-800..2400_i32)) / 16.0),
            Kind::Int32 => json!(rng.random_range(i32::MIN..=i32::MAX)),
            Kind::Uint64 if rng.random_bool(0.5) => json!(u64::MAX - rng.random_range(0..1000_u64)),
            Kind::Uint64 => json!(rng.random_range(0..1_000_000_u64)),
            Kind::Bit => json!(rng.random_bool(0.5)),
            Kind::Enum => json!(rng.random_range(0..8)),
            Kind::Text => json!(format!("Größe \"{}\"", rng.random_range(0..1000))),
            Kind::Location => {
                let degrees =
                    |most: i32, rng: &mut StdRng| f64::from(rng.random_range(-most * 16..=most * 16)) / 16.0;
                json!([degrees(180, rng), degrees(90, rng)])
            }
            Kind::Json => json!({"n": rng.random_range(0..1000), "list": [true, null, "x"]}),
        }
    }

    /// The value that is kept of a number in a fact; `None` when the stream does not take it.
    pub fn of_number(self, number: &Value) -> Option<Value> {
        let fits = match self {
            Kind::Fp64 | Kind::Json => true,
            Kind::Int32 | Kind::Enum => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
            Kind::Uint64 => number.is_u64(),
            Kind::Bit => {
                return [false, true].get(usize::try_from(number.as_u64()?).ok()?).map(|on| json!(on));
            }
            Kind::Text | Kind::Location => false,
        };
        fits.then(|| number.clone())
    }

    fn is_number(self) -> bool {
        !matches!(self, Kind::Text | Kind::Location | Kind::Json)
    }

    /// Columns `value` and `text` of SQL and GraphQL. The text of a location and of JSON is shown parsed.
    pub fn columns(self, value: &Value) -> (Value, Value) {
        let number = || if self == Kind::Bit { bit(value) } else { json!(value.as_f64()) };
        match self {
            Kind::Text | Kind::Location | Kind::Json => (Value::Null, value.clone()),
            Kind::Uint64 if value.as_f64().is_some_and(|number| number > MAX_EXACT_INTEGER) => {
                (plain(&number()), json!(value.to_string()))
            }
            _ => (plain(&number()), Value::Null),
        }
    }

    /// Content of the column `text` of SQL and GraphQL, as [`Kind::columns`] shows it.
    pub fn read_text(self, text: &Value) -> Value {
        match (self, text) {
            (Kind::Location | Kind::Json, Value::String(text)) => {
                plain(&serde_json::from_str(text).expect("the text is JSON"))
            }
            _ => text.clone(),
        }
    }

    /// Columns `value` and `text` as they are written: a large integer has its digits as text.
    pub fn row(self, value: &Value) -> (Value, Value) {
        let (number, text) = self.columns(value);
        match self {
            Kind::Location | Kind::Json => (number, json!(text.to_string())),
            _ => (number, text),
        }
    }

    /// The value as Blynk has it, read and written: bits are numbers, JSON is a compact text.
    pub fn blynk(self, value: &Value) -> Value {
        match self {
            Kind::Bit => bit(value),
            Kind::Json => json!(value.to_string()),
            _ => plain(value),
        }
    }

    /// The value of a sensor: a number or null.
    pub fn sensor(self, value: &Value) -> Value {
        match self {
            Kind::Bit => bit(value),
            _ if self.is_number() => plain(value),
            _ => Value::Null,
        }
    }
}

fn bit(value: &Value) -> Value {
    json!(u8::from(value == &json!(true)))
}

/// JSON in which numbers without a fraction are integers, however they were printed.
pub fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) if float.fract() == 0.0 && float.abs() <= MAX_EXACT_INTEGER => json!(float as i64),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}
