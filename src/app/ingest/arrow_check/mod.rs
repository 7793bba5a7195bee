//! Validates Arrow IPC bytes before a library reads them: every length against the available bytes, compressed buffers
//! against a limit, schemas for depth and size, columns for the buffers they need. All interfaces that read such bytes
//! use it: bodies of /ingest, tickets and parameters of Flight SQL, and the schema in a Parquet file.
//!
//! The reader (arrow-ipc 59) allocates declared lengths without a check, and panics where a part is missing.

mod batch;
mod lz4;
mod schema;

use std::collections::HashMap;

use arrow::datatypes::{DataType, SchemaRef};
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::{Message, MessageHeader, root_as_message};

use crate::domain::{Error, Result};

/// Limit of dictionary bytes processed repeatedly: the reader processes all dictionaries again with every batch and
/// every delta. A large dictionary before very many small batches is hours of work in a small stream; 8 GiB take
/// seconds.
const MAX_REPEATED_BYTES: u64 = 8 << 30;
/// Marker before a message since version 0.15 of the format.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Checks the messages of one stream, one after the other.
pub struct ArrowStreamChecker {
    /// Maximum decompressed size of the whole stream, bytes.
    limit: usize,
    schema: Option<SchemaRef>,
    /// Value types of dictionaries, by id.
    dictionaries: HashMap<i64, DataType>,
    /// Decompressed bytes of the dictionaries so far.
    dictionary_bytes: u64,
    repeated_bytes: u64,
    decoded_bytes: usize,
}

impl ArrowStreamChecker {
    /// Starts the check of a stream whose decompressed size may be `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            schema: None,
            dictionaries: HashMap::new(),
            dictionary_bytes: 0,
            repeated_bytes: 0,
            decoded_bytes: 0,
        }
    }

    /// Checks the next message, given its metadata and its body.
    ///
    /// # Errors
    /// `Invalid` when the parts are inconsistent; `TooLarge` past the limit.
    pub fn message(&mut self, metadata: &[u8], body: &[u8]) -> Result<()> {
        let message = root_as_message(metadata).map_err(unreadable)?;
        match message.header_type() {
            MessageHeader::NONE => Ok(()),
            MessageHeader::Schema => self.schema(&message),
            MessageHeader::RecordBatch => {
                let batch = message.header_as_record_batch().ok_or_else(|| damaged("a batch is missing"))?;
                let schema =
                    self.schema.clone().ok_or_else(|| damaged("a batch stands before the schema"))?;
                let types = schema.fields().iter().map(|field| field.data_type());
                let decoded = batch::check(&batch, types, body)?;
                self.repeat(self.dictionary_bytes)?;
                self.count(decoded)
            }
            MessageHeader::DictionaryBatch => self.dictionary(&message, body),
            other => Err(damaged(&format!("messages of the type {other:?} are not read here"))),
        }
    }

    /// Returns the decompressed size of the messages so far, bytes.
    pub fn decoded_bytes(&self) -> usize {
        self.decoded_bytes
    }

    fn schema(&mut self, message: &Message<'_>) -> Result<()> {
        if self.schema.is_some() {
            return Err(damaged("there are two schemas"));
        }
        let schema_header = message.header_as_schema().ok_or_else(|| damaged("the schema is missing"))?;
        self.dictionaries = schema::check(&schema_header)?;
        self.schema = Some(fb_to_schema(schema_header).into());
        Ok(())
    }

    fn dictionary(&mut self, message: &Message<'_>, body: &[u8]) -> Result<()> {
        let dictionary =
            message.header_as_dictionary_batch().ok_or_else(|| damaged("a dictionary is missing"))?;
        let values = dictionary.data().ok_or_else(|| damaged("a dictionary has no values"))?;
        let known = self.dictionaries.get(&dictionary.id());
        let known = known.ok_or_else(|| damaged("a dictionary belongs to no column"))?;
        let decoded = batch::check(&values, std::iter::once(known), body)?;
        if dictionary.isDelta() {
            self.repeat(self.dictionary_bytes)?;
        }
        self.dictionary_bytes += decoded as u64;
        self.count(decoded)
    }

    fn repeat(&mut self, bytes: u64) -> Result<()> {
        self.repeated_bytes = self.repeated_bytes.saturating_add(bytes);
        if self.repeated_bytes <= MAX_REPEATED_BYTES {
            return Ok(());
        }
        Err(Error::too_large(
            "the Arrow stream has too many batches for so large a dictionary; use larger batches",
        ))
    }

    fn count(&mut self, decoded: usize) -> Result<()> {
        self.decoded_bytes = self.decoded_bytes.saturating_add(decoded);
        if self.decoded_bytes <= self.limit {
            return Ok(());
        }
        let limit = self.limit >> 20;
        Err(Error::too_large(format!("the Arrow data holds more than {limit} MiB; send it in parts")))
    }
}

/// Checks a whole stream and returns its decompressed size in bytes.
///
/// # Errors
/// The errors of [`ArrowStreamChecker::message`].
pub fn check_stream(stream: &[u8], limit: usize) -> Result<usize> {
    let mut check = ArrowStreamChecker::new(limit);
    let mut rest = stream;
    while let Some(message) = next_message(rest)? {
        check.message(message.metadata, message.body)?;
        rest = message.after;
    }
    Ok(check.decoded_bytes())
}

/// Checks the encapsulated schema in a Parquet file. It is read as the reader does: after the marker and the length,
/// if they are present.
pub fn check_schema(encapsulated: &[u8]) -> Result<()> {
    let has_marker = encapsulated.len() > 8 && encapsulated.starts_with(&CONTINUATION);
    let message = if has_marker { &encapsulated[8..] } else { encapsulated };
    let message = root_as_message(message).map_err(unreadable)?;
    let schema_header = message.header_as_schema().ok_or_else(|| damaged("the schema is missing"))?;
    schema::check(&schema_header).map(drop)
}

/// The bytes of the first message of a stream.
struct SplitMessage<'a> {
    metadata: &'a [u8],
    body: &'a [u8],
    /// The rest of the stream.
    after: &'a [u8],
}

fn next_message(stream: &[u8]) -> Result<Option<SplitMessage<'_>>> {
    let cut = || Error::invalid("the Arrow stream is cut short");
    let Some((head, after)) = stream.split_at_checked(4) else { return Ok(None) };
    // A length of zero ends the stream.
    let (length, after) =
        if head == CONTINUATION { after.split_at_checked(4).ok_or_else(cut)? } else { (head, after) };
    let length = u32::from_le_bytes(length.try_into().map_err(|_| cut())?) as usize;
    if length == 0 {
        return Ok(None);
    }
    let (metadata, after) = after.split_at_checked(length).ok_or_else(cut)?;
    let body = root_as_message(metadata).map_err(unreadable)?.bodyLength();
    let body = usize::try_from(body).map_err(|_| cut())?;
    let (body, after) = after.split_at_checked(body).ok_or_else(cut)?;
    Ok(Some(SplitMessage { metadata, body, after }))
}

fn unreadable(e: impl std::fmt::Display) -> Error {
    Error::invalid(format!("the Arrow stream cannot be read: {e}"))
}

fn damaged(what: &str) -> Error {
    Error::invalid(format!("the Arrow stream cannot be read: {what}"))
}

#[cfg(test)]
#[path = "arrow_check_tests.rs"]
pub mod tests;
