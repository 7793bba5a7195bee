//! Fuzz tests of tickets, which clients can forge, with the Arrow stream of the parameters inside.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::params;
use super::statement_handle::StatementHandle;
use crate::domain::{OrgId, Principal};
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, Random, mutate};

fn owner() -> Principal {
    Principal::system(OrgId(1))
}

fn stream(compression: Option<CompressionType>) -> Vec<u8> {
    let columns: [(&str, ArrayRef); 5] = [
        ("a", Arc::new(Int64Array::from(vec![1]))),
        (
            "b",
            Arc::new(StringArray::from(vec![
                "a text long enough to be compressed: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ])),
        ),
        ("c", Arc::new(Float64Array::from(vec![None]))),
        ("d", Arc::new(TimestampMicrosecondArray::from(vec![5]).with_timezone("UTC"))),
        ("e", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None])]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let options = IpcWriteOptions::default().try_with_compression(compression).expect("it is there");
    let mut writer =
        StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).expect("a writer");
    writer.write(&batch).expect("it is written");
    writer.into_inner().expect("it is written")
}

/// A valid handle with a mutated stream.
fn made(random: &mut Random) -> Vec<u8> {
    let compression = [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)][random.below(3)];
    let mut values = stream(compression);
    for _ in 0..random.size(3) {
        mutate::change_bytes(random, &mut values);
    }
    let handle = json!({
        "caller": owner().caller.to_string(), "query": "SELECT $1", "values": STANDARD.encode(values),
    });
    handle.to_string().into_bytes()
}

fn form() -> InputFormat {
    InputFormat { grammar: Some(made), nests: &[("[", "]"), ("{\"a\":", "}")], ..InputFormat::default() }
}

fn decoder() -> Decoder {
    let owner = owner();
    Box::new(move |input| {
        // The ticket as given, and the stream alone, so that a broken ticket around it does not hide its errors.
        let values = StatementHandle::read(&owner, input).and_then(|handle| handle.values());
        drop(values.and_then(params::parameter_values));
    })
}

#[test]
fn flight_tickets() {
    FuzzTarget { module: module_path!(), name: "flight_tickets", form, decoder }.run();
}
