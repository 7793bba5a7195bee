//! YAML parser to a tree with line numbers. Anchors, aliases and tags are refused: inventories do not need them, and a
//! few bytes of them can expand to gigabytes.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

use super::ImportProblem;
use super::raw_rows::RawFieldValue;

/// Maximum nesting: deeper than any inventory, shallow enough for any stack.
const DEPTH: usize = 32;

/// A node and the line on which it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct YamlNode {
    pub line: u64,
    pub value: YamlValue,
}

/// The value of a node.
#[derive(Debug, Clone, PartialEq)]
pub enum YamlValue {
    /// A scalar; `is_plain` means without quotes.
    Scalar {
        text: String,
        is_plain: bool,
    },
    List(Vec<YamlNode>),
    /// The entries in file order; each begins with the line of its key.
    Map(Vec<(u64, String, YamlNode)>),
}

/// Parses a text with a single document; `None` when it is empty.
pub fn parse(text: &str) -> Result<Option<YamlNode>, ImportProblem> {
    let mut events = Events(Parser::new_from_str(text));
    let mut root = None;
    loop {
        match events.next()? {
            (Event::StreamEnd, _) => return Ok(root),
            (Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd, _) => {}
            (_, line) if root.is_some() => {
                return Err(wrong(line, "there is a second document in the file: keep one."));
            }
            (event, line) => root = Some(events.node(event, line, 0)?),
        }
    }
}

struct Events<'a>(Parser<'a, saphyr_parser::StrInput<'a>>);

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<(Event<'a>, u64), ImportProblem> {
        match self.0.next_event() {
            Some(Ok((event, span))) => Ok((event, line_of(&span))),
            Some(Err(error)) => {
                Err(wrong(error.marker().line() as u64, &format!("this is no YAML: {}.", error.info())))
            }
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn node(&mut self, event: Event<'a>, line: u64, depth: usize) -> Result<YamlNode, ImportProblem> {
        if depth > DEPTH {
            return Err(wrong(line, &format!("this is nested deeper than {DEPTH} levels.")));
        }
        let is = match event {
            Event::Scalar(text, style, 0, None) => {
                YamlValue::Scalar { text: text.into_owned(), is_plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(0, None) => self.list(depth)?,
            Event::MappingStart(0, None) => self.map(depth)?,
            Event::Alias(_) | Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                return Err(wrong(line, "anchors, aliases and tags are not read: write it out."));
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(wrong(line, "a value is missing here.")),
        };
        Ok(YamlNode { line, value: is })
    }

    fn list(&mut self, depth: usize) -> Result<YamlValue, ImportProblem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(YamlValue::List(items)),
                (event, line) => items.push(self.node(event, line, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<YamlValue, ImportProblem> {
        let mut entries: Vec<(u64, String, YamlNode)> = Vec::new();
        let mut lines: HashMap<String, u64> = HashMap::new();
        loop {
            let (event, line) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(YamlValue::Map(entries));
            }
            let YamlValue::Scalar { text: key, .. } = self.node(event, line, depth + 1)?.value else {
                return Err(wrong(line, "a key is one word, no list and no map."));
            };
            let (event, of_value) = self.next()?;
            let value = self.node(event, of_value, depth + 1)?;
            if let Some(before) = lines.insert(key.clone(), line) {
                return Err(wrong(line, &format!("`{key}` was said in line {before} already.")));
            }
            entries.push((line, key, value));
        }
    }
}

impl YamlNode {
    /// Converts the node to the value of a field.
    pub fn into_raw(self) -> RawFieldValue {
        match self.value {
            YamlValue::Scalar { text, is_plain: true } if is_null(&text) => RawFieldValue::Null,
            YamlValue::Scalar { text, .. } => RawFieldValue::Text(text),
            YamlValue::List(_) | YamlValue::Map(_) => RawFieldValue::Json(self.json()),
        }
    }

    fn json(self) -> Value {
        match self.value {
            YamlValue::Scalar { text, is_plain: true } => plain(text),
            YamlValue::Scalar { text, is_plain: false } => Value::String(text),
            YamlValue::List(items) => Value::Array(items.into_iter().map(YamlNode::json).collect()),
            YamlValue::Map(entries) => Value::Object(
                entries.into_iter().map(|(_, key, node)| (key, node.json())).collect::<Map<_, _>>(),
            ),
        }
    }
}

/// Resolves an unquoted word by the core schema of YAML 1.2.
fn plain(text: String) -> Value {
    if is_null(&text) {
        return Value::Null;
    }
    match text.as_str() {
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix("0x").map(|digits| (digits, 16));
    let digits = digits.or_else(|| text.strip_prefix("0o").map(|digits| (digits, 8)));
    let whole = digits.and_then(|(digits, radix)| u64::from_str_radix(digits, radix).ok());
    let exact = whole.map(Number::from).or_else(|| serde_json::from_str(&text).ok());
    let is_numeric = text.chars().all(|c| matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
    let loose = || text.parse::<f64>().ok().filter(|_| is_numeric).and_then(Number::from_f64);
    exact.or_else(loose).map_or_else(|| Value::String(text.clone()), Value::Number)
}

/// Whether a scalar without quotes is null, as the core schema of YAML 1.2 (10.3.2) has it.
pub fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn line_of(span: &Span) -> u64 {
    span.start.line() as u64
}

fn wrong(line: u64, message: &str) -> ImportProblem {
    ImportProblem { line, column: "*".to_owned(), message: message.to_owned() }
}
