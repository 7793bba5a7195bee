//! Validates the footer of a Parquet file: the depth of its schema, and the numbers of columns, row groups and chunks,
//! against the available bytes. The reader recurses for each level of the schema and allocates lists at their declared
//! length (parquet 59).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::damaged;
use super::thrift::{ThriftReader, ThriftValue, ThriftVisitor};
use super::thrift_schema::FILE;
use crate::app::ingest::arrow_check;
use crate::domain::Result;

const MAGIC: &[u8] = b"PAR1";
/// Bytes after the footer: its length and the magic bytes.
const TAIL_BYTES: usize = 8;
/// Maximum footer length; files that fit a request have footers of far less than one MiB.
const MAX_FOOTER_BYTES: usize = 8 << 20;
/// Maximum nodes of the schema: /ingest reads nine columns and refuses the others by name.
const MAX_ELEMENTS: usize = 512;
/// Maximum levels of the schema; nested columns are refused by name as well.
const MAX_LEVELS: usize = 12;
/// Maximum column chunks (row groups times columns); each takes half a KiB in memory.
const MAX_CHUNKS: usize = 1 << 15;
/// Metadata key of the Arrow schema that Arrow's writers store in a file.
const ARROW_SCHEMA: &[u8] = b"ARROW:schema";

/// Checks that the reader can read the footer safely.
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
    let mut counts = FooterCounts::default();
    ThriftReader(&file[start..tail]).structure(&FILE, &mut counts)?;
    counts.schema_is_whole()
}

#[derive(Default)]
struct FooterCounts<'a> {
    elements: usize,
    /// Children still expected, for each open group.
    open: Vec<i64>,
    children: i64,
    chunks: usize,
    key: &'a [u8],
}

impl<'a> ThriftVisitor<'a> for FooterCounts<'a> {
    fn visit_field(&mut self, form: &'static str, field: i16, value: ThriftValue<'a>) -> Result<()> {
        match (form, field, value) {
            ("SchemaElement", 5, ThriftValue::Int(children)) => self.children = children,
            ("SchemaElement", 0, ThriftValue::End) => return self.element(),
            ("RowGroup", 1, ThriftValue::List(columns)) => {
                self.chunks += columns;
                if self.chunks > MAX_CHUNKS {
                    return Err(damaged(&format!("it has more than {MAX_CHUNKS} chunks of columns")));
                }
            }
            ("KeyValue", 1, ThriftValue::Bytes(key)) => self.key = key,
            ("KeyValue", 2, ThriftValue::Bytes(text)) if self.key == ARROW_SCHEMA => {
                return arrow_schema(text);
            }
            ("KeyValue", 0, ThriftValue::End) => self.key = &[],
            _ => {}
        }
        Ok(())
    }
}

impl FooterCounts<'_> {
    /// Counts a complete schema element: a leaf, or a group whose children follow.
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
    // The reader itself refuses invalid base64.
    let Ok(bytes) = STANDARD.decode(text) else { return Ok(()) };
    arrow_check::check_schema(&bytes)
}
