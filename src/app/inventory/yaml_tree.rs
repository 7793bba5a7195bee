//! YAML as a tree whose every node knows its line. Anchors, aliases and tags are refused: nothing here needs them, and a
//! few bytes of them can stand for gigabytes.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

use super::Problem;
use super::cell::Given;

/// Deeper than any file of devices, shallower than any stack.
const DEPTH: usize = 32;

/// A node and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub line: u64,
    pub is: Is,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Is {
    /// A scalar; `is_plain` when it is written without quotes.
    Scalar {
        text: String,
        is_plain: bool,
    },
    List(Vec<Node>),
    /// In the order written; the key's own line first.
    Map(Vec<(u64, String, Node)>),
}

/// The one document of a text; `None` when it is empty.
pub fn parse(text: &str) -> Result<Option<Node>, Problem> {
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
    fn next(&mut self) -> Result<(Event<'a>, u64), Problem> {
        match self.0.next_event() {
            Some(Ok((event, span))) => Ok((event, line_of(&span))),
            Some(Err(error)) => {
                Err(wrong(error.marker().line() as u64, &format!("this is no YAML: {}.", error.info())))
            }
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn node(&mut self, event: Event<'a>, line: u64, depth: usize) -> Result<Node, Problem> {
        if depth > DEPTH {
            return Err(wrong(line, &format!("this is nested deeper than {DEPTH} levels.")));
        }
        let is = match event {
            Event::Scalar(text, style, 0, None) => {
                Is::Scalar { text: text.into_owned(), is_plain: style == ScalarStyle::Plain }
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
        Ok(Node { line, is })
    }

    fn list(&mut self, depth: usize) -> Result<Is, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Is::List(items)),
                (event, line) => items.push(self.node(event, line, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Is, Problem> {
        let mut entries: Vec<(u64, String, Node)> = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Is::Map(entries));
            }
            let Is::Scalar { text: key, .. } = self.node(event, line, depth + 1)?.is else {
                return Err(wrong(line, "a key is one word, no list and no map."));
            };
            let (event, of_value) = self.next()?;
            let value = self.node(event, of_value, depth + 1)?;
            if let Some((before, ..)) = entries.iter().find(|(_, known, _)| *known == key) {
                return Err(wrong(line, &format!("`{key}` was said in line {before} already.")));
            }
            entries.push((line, key, value));
        }
    }
}

impl Node {
    /// As the value of a field.
    pub fn given(self) -> Given {
        match self.is {
            Is::Scalar { text, is_plain: true } if is_null(&text) => Given::Null,
            Is::Scalar { text, .. } => Given::Text(text),
            Is::List(_) | Is::Map(_) => Given::Json(self.json()),
        }
    }

    fn json(self) -> Value {
        match self.is {
            Is::Scalar { text, is_plain: true } => plain(text),
            Is::Scalar { text, is_plain: false } => Value::String(text),
            Is::List(items) => Value::Array(items.into_iter().map(Node::json).collect()),
            Is::Map(entries) => Value::Object(
                entries.into_iter().map(|(_, key, node)| (key, node.json())).collect::<Map<_, _>>(),
            ),
        }
    }
}

/// What a word without quotes is, by the core schema of YAML 1.2.
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

pub fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn line_of(span: &Span) -> u64 {
    span.start.line() as u64
}

fn wrong(line: u64, message: &str) -> Problem {
    Problem { line, column: "*".to_owned(), message: message.to_owned() }
}
