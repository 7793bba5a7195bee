//! What a body claims about its size is checked before it is believed.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::{DataType, Field};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};

use super::*;
use crate::domain::Kind;

const ROWS: usize = 1000;

/// An IPC stream of one column of 8000 bytes.
fn stream(compression: Option<CompressionType>) -> Vec<u8> {
    let schema = Arc::new(Schema::new(vec![Field::new("value", DataType::Float64, false)]));
    let column = Arc::new(Float64Array::from(vec![1.0; ROWS]));
    let batch = RecordBatch::try_new(schema.clone(), vec![column]).unwrap();
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// The stream with every buffer that says 8000 bytes saying `claimed`.
fn forged(claimed: i64) -> Vec<u8> {
    let mut bytes = stream(Some(CompressionType::LZ4_FRAME));
    let honest = (ROWS as i64 * 8).to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 8).filter(|at| bytes[*at..*at + 8] == honest).collect();
    assert!(!places.is_empty(), "no compressed buffer found");
    for at in places {
        bytes[at..at + 8].copy_from_slice(&claimed.to_le_bytes());
    }
    bytes
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
        assert_eq!(check_stream(&bytes).err().map(|e| e.kind), expected, "{name}");
    }
}
