//! Tests that declared sizes are checked before they are trusted.

use std::sync::Arc;

use arrow::array::{Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use proptest::prelude::*;

use super::*;
use crate::app::ingest::catch_decoder_panic;
use crate::domain::Kind;

const ROWS: usize = 1000;
const LIMIT: usize = 256 << 20;

/// Returns an IPC stream with one column of 8000 bytes.
fn stream(compression: Option<CompressionType>) -> Vec<u8> {
    stream_of(vec![1.0; ROWS], compression)
}

/// Returns an IPC stream with one column.
fn stream_of(values: Vec<f64>, compression: Option<CompressionType>) -> Vec<u8> {
    let schema = Arc::new(Schema::new(vec![Field::new("value", DataType::Float64, false)]));
    let column = Arc::new(Float64Array::from(values));
    let batch = RecordBatch::try_new(schema.clone(), vec![column]).unwrap();
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// Returns the stream with every declared buffer length of 8000 bytes replaced by `claimed`.
fn forged(claimed: i64) -> Vec<u8> {
    let mut bytes = stream(Some(CompressionType::LZ4_FRAME));
    replace(&mut bytes, ROWS as i64 * 8, claimed, "a compressed buffer");
    bytes
}

/// Replaces a number, which is somewhere, wherever it is.
fn replace(bytes: &mut [u8], from: i64, to: i64, what: &str) {
    let (from, to) = (from.to_le_bytes(), to.to_le_bytes());
    let places: Vec<usize> = (0..bytes.len() - 8).filter(|at| bytes[*at..*at + 8] == from).collect();
    assert!(!places.is_empty(), "{what} is not found");
    places.into_iter().for_each(|at| bytes[at..at + 8].copy_from_slice(&to));
}

#[test]
fn compressed_buffers_are_metered_by_what_they_claim() {
    for (name, bytes, expected) in [
        ("plain", stream(None), None),
        ("compressed", stream(Some(CompressionType::LZ4_FRAME)), None),
        ("claims_64_tib", forged(1 << 46), Some(Kind::TooLarge)),
        ("claims_the_most_there_is", forged(i64::MAX), Some(Kind::TooLarge)),
        ("cut_in_the_middle", stream(None)[..200].to_vec(), Some(Kind::Invalid)),
        ("not_arrow", b"1234abcd1234abcd".to_vec(), Some(Kind::Invalid)),
        ("empty", Vec::new(), None),
    ] {
        assert_eq!(check_stream(&bytes, LIMIT).err().map(|e| e.kind), expected, "{name}");
    }
}

/// Returns a schema with shared columns: 12 levels of two references each.
pub fn shared_columns() -> Vec<u8> {
    // Built by hand, because no writer does this: every table is a field with a struct's type and two children.
    let mut fbb = flatbuffer::Tables::default();
    let mut field = fbb.leaf();
    for _ in 0..12 {
        field = fbb.group([field, field]);
    }
    fbb.message(field)
}

/// A minimal flatbuffer writer: tables are written one after the other, and a referenced table stands behind those
/// that refer to it.
mod flatbuffer {
    /// A written table, by its distance from the end.
    #[derive(Clone, Copy)]
    pub struct Table(usize);

    /// The bytes, from the end to the beginning.
    #[derive(Default)]
    pub struct Tables {
        back: Vec<u8>,
    }

    impl Tables {
        fn put(&mut self, bytes: &[u8]) {
            self.back.extend(bytes.iter().rev());
        }

        fn align(&mut self) {
            while !self.back.len().is_multiple_of(8) {
                self.back.push(0);
            }
        }

        fn refer(&mut self, to: Table) {
            let distance = (self.back.len() + 4 - to.0) as u32;
            self.put(&distance.to_le_bytes());
        }

        /// Writes a table with its vtable slots: their number, and the offset of each field in the table.
        fn table(&mut self, slots: &[u16], size: u16, fields: impl FnOnce(&mut Self)) -> Table {
            fields(self);
            // The vtable stands directly before the table.
            let length = 4 + 2 * slots.len() as i32;
            self.put(&length.to_le_bytes());
            let table = Table(self.back.len());
            for slot in slots.iter().rev() {
                self.put(&slot.to_le_bytes());
            }
            self.put(&size.to_le_bytes());
            self.put(&(length as u16).to_le_bytes());
            table
        }

        fn empty(&mut self) -> Table {
            self.align();
            self.table(&[], 4, |_| {})
        }

        fn children(&mut self, children: &[Table]) -> Table {
            self.align();
            for child in children.iter().rev() {
                self.refer(*child);
            }
            self.put(&(children.len() as u32).to_le_bytes());
            Table(self.back.len())
        }

        /// Writes a field of the type `kind` (of the union Type) with these children.
        fn field(&mut self, kind: u8, children: &[Table]) -> Table {
            let (of, children) = (self.empty(), self.children(children));
            self.align();
            // name, nullable, type_type, type, dictionary, children
            self.table(&[0, 0, 12, 4, 0, 8], 16, |t| {
                t.put(&[kind, 0, 0, 0]);
                t.refer(children);
                t.refer(of);
            })
        }

        pub fn leaf(&mut self) -> Table {
            self.field(6, &[])
        }

        pub fn group(&mut self, children: [Table; 2]) -> Table {
            self.field(13, &children)
        }

        /// Writes a message with a schema of one column.
        pub fn message(mut self, field: Table) -> Vec<u8> {
            let fields = self.children(&[field]);
            self.align();
            // endianness, fields
            let schema = self.table(&[0, 4], 8, |t| t.refer(fields));
            self.align();
            // version, header_type, header, bodyLength
            let message = self.table(&[8, 10, 4, 0], 12, |t| {
                t.put(&[4, 0, 1, 0]);
                t.refer(schema);
            });
            self.align();
            let pad = (8 - (self.back.len() + 4) % 8) % 8;
            self.back.extend(std::iter::repeat_n(0, pad));
            self.refer(message);
            let mut bytes = self.back;
            bytes.reverse();
            bytes
        }
    }
}

fn encapsulated(message: &[u8]) -> Vec<u8> {
    [&[0xff; 4], &(message.len() as u32).to_le_bytes()[..], message].concat()
}

#[test]
fn schemas_are_judged_before_they_are_spelt_out() {
    let mut few = flatbuffer::Tables::default();
    let leaf = few.leaf();
    let group = few.group([leaf, leaf]);
    let few = few.message(group);
    assert_eq!(check_stream(&encapsulated(&few), LIMIT).map_err(|e| e.message), Ok(0), "it is a schema");
    let shared = shared_columns();
    assert!(shared.len() < 2000, "small as sent");
    let refused = check_stream(&encapsulated(&shared), LIMIT).unwrap_err();
    assert!(refused.message.contains("deep"), "{}", refused.message);
    assert!(check_schema(&shared).is_err());
}

/// Returns a stream with changed batch metadata: `change` gets the bytes of every message after the schema.
fn with_messages(stream: &[u8], change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let message = next_message(stream).unwrap().unwrap();
    let schema = encapsulated(message.metadata);
    let mut rest = message.after.to_vec();
    change(&mut rest);
    [schema, rest].concat()
}

#[test]
fn lengths_are_held_against_the_bytes_there_are() {
    let plain = stream(None);
    let batch = next_message(&plain).unwrap().unwrap().after;
    let body_bytes = next_message(batch).unwrap().unwrap().body.len() as i64;
    let lengths: Vec<(&str, i64, i64)> = vec![
        ("a_body_of_2_60", body_bytes, 1 << 60),
        ("a_negative_body", body_bytes, -1),
        ("a_buffer_of_2_60", 8000, 1 << 60),
        ("a_negative_buffer", 8000, -8),
        ("a_buffer_past_its_body", 8000, 9000),
        ("rows_without_end", 1000, i64::MAX),
        ("fewer_rows_than_none", 1000, -1),
    ];
    for (name, from, to) in lengths {
        let lying = with_messages(&plain, |bytes| {
            let end = bytes.len().min(400);
            replace(&mut bytes[..end], from, to, name);
        });
        assert_eq!(check_stream(&lying, LIMIT).unwrap_err().kind, Kind::Invalid, "{name}");
    }
    let endless = [&[0xff; 4], &(i32::MAX as u32).to_le_bytes()[..], &[0; 100]].concat();
    assert_eq!(check_stream(&endless, LIMIT).unwrap_err().kind, Kind::Invalid, "metadata of 2 GiB");
}

#[test]
fn lz4_is_held_to_what_it_says() {
    // 1 MiB of zeros in a few KiB, declared as 8 bytes.
    let bytes = stream_of(vec![0.0; 1 << 20], Some(CompressionType::LZ4_FRAME));
    assert!(check_stream(&bytes, LIMIT).is_ok_and(|decoded| decoded >= 8 << 20), "an honest one");
    let mut lying = bytes;
    replace(&mut lying, 8 << 20, 8, "the length of the column");
    assert_eq!(check_stream(&lying, LIMIT).unwrap_err().kind, Kind::Invalid);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A stream that passes is read without a panic; any other is refused.
    #[test]
    fn no_change_of_a_stream_does_more_than_refuse_it(
        codec in 0..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let codec = match codec {
            0 => None,
            1 => Some(CompressionType::LZ4_FRAME),
            _ => Some(CompressionType::ZSTD),
        };
        let mut bytes = stream(codec);
        for (at, byte) in changes {
            // Mostly changes the metadata, which is at the beginning.
            let at = at.index(bytes.len().min(900));
            bytes[at] = byte;
        }
        if check_stream(&bytes, LIMIT).is_ok() {
            let read = catch_decoder_panic(|| {
                let reader = StreamReader::try_new(&bytes[..], None).map_err(|e| Error::invalid(e.to_string()))?;
                Ok(reader.map_while(|batch| batch.ok()).map(|batch| batch.num_rows()).sum::<usize>())
            });
            prop_assert!(read.unwrap_or_default() <= i32::MAX as usize);
        }
    }
}
