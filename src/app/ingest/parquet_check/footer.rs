//! The footer of a file: how deep its schema is, how many columns, row groups and chunks it has, against the bytes there
//! are. The reader calls itself for each level of the schema and allocates lists at their word (parquet 59).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::damaged;
use super::grammar::FILE;
use super::thrift::{Thrift, Value, Visit};
use crate::app::ingest::arrow_check;
use crate::domain::Result;

const MAGIC: &[u8] = b"PAR1";
/// What stands behind the footer: its length and the magic bytes.
const TAIL_BYTES: usize = 8;
/// A footer; those of the largest files that fit a request have far less than one MiB.
const MAX_FOOTER_BYTES: usize = 8 << 20;
/// Nodes of the schema: /ingest reads nine columns, the rest is refused by its name.
const MAX_ELEMENTS: usize = 512;
/// Levels of the schema; what nests is refused by its name as well.
const MAX_LEVELS: usize = 12;
/// Row groups times columns: each is half a KiB in memory.
const MAX_CHUNKS: usize = 1 << 15;
/// The Arrow schema that Arrow's writers leave in a file.
const ARROW_SCHEMA: &[u8] = b"ARROW:schema";

/// Checks the footer, so that the reader can read it.
pub fn check(file: &[u8]) -> Result<()> {
    let tail = file.len().checked_sub(TAIL_BYTES).ok_or_else(|| damaged("it is cut short"))?;
    let (length, magic) = file[tail..].split_at(4);
    if magic != MAGIC {
        return Err(damaged("it does not end as a Parquet file does"));
    }
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
    if length > MAX_FOOTER_BYTES {
        return Err(damaged(&format!("its footer is longer than {} MiB", MAX_FOOTER_BYTES >> 20)));
    }
    let start = tail.checked_sub(length).ok_or_else(|| damaged("its footer is longer than the file"))?;
    let mut counts = Counts::default();
    Thrift(&file[start..tail]).structure(&FILE, &mut counts)?;
    counts.schema_is_whole()
}

#[derive(Default)]
struct Counts<'a> {
    elements: usize,
    /// Children that are still to come, for each open group.
    open: Vec<i64>,
    children: i64,
    chunks: usize,
    key: &'a [u8],
}

impl<'a> Visit<'a> for Counts<'a> {
    fn see(&mut self, form: &'static str, field: i16, value: Value<'a>) -> Result<()> {
        match (form, field, value) {
            ("SchemaElement", 5, Value::Int(children)) => self.children = children,
            ("SchemaElement", 0, Value::End) => return self.element(),
            ("RowGroup", 1, Value::List(columns)) => {
                self.chunks += columns;
                if self.chunks > MAX_CHUNKS {
                    return Err(damaged(&format!("it has more than {MAX_CHUNKS} chunks of columns")));
                }
            }
            ("KeyValue", 1, Value::Bytes(key)) => self.key = key,
            ("KeyValue", 2, Value::Bytes(text)) if self.key == ARROW_SCHEMA => return arrow_schema(text),
            ("KeyValue", 0, Value::End) => self.key = &[],
            _ => {}
        }
        Ok(())
    }
}

impl Counts<'_> {
    /// An element of the schema is over: a leaf, or a group whose children follow.
    fn element(&mut self) -> Result<()> {
        let children = std::mem::take(&mut self.children);
        self.elements += 1;
        if self.elements > MAX_ELEMENTS || !(0..=MAX_ELEMENTS as i64).contains(&children) {
            return Err(damaged(&format!("its schema has more than {MAX_ELEMENTS} columns and groups")));
        }
        if self.elements > 1 {
            while self.open.last() == Some(&0) {
                self.open.pop();
            }
            let parent = self.open.last_mut().ok_or_else(|| damaged("its schema has columns of no group"))?;
            *parent -= 1;
        }
        if children > 0 || self.elements == 1 {
            self.open.push(children);
        }
        if self.open.len() > MAX_LEVELS {
            return Err(damaged(&format!("its schema has more than {MAX_LEVELS} levels")));
        }
        Ok(())
    }

    fn schema_is_whole(&self) -> Result<()> {
        let is_whole = self.elements > 0 && self.open.iter().all(|missing| *missing == 0);
        if is_whole { Ok(()) } else { Err(damaged("its schema is not whole")) }
    }
}

fn arrow_schema(text: &[u8]) -> Result<()> {
    // What is no base64, the reader refuses by itself.
    let Ok(bytes) = STANDARD.decode(text) else { return Ok(()) };
    arrow_check::check_schema(&bytes)
}
