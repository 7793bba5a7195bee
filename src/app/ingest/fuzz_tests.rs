//! Fuzz tests: any bytes as a bulk body in each of the four formats. The streams that rows name do not exist: a body
//! that is refused for that reason was read completely.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::*;
use crate::fuzz_store::FuzzStore;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, Random, grammar, mutate};

fn decoder(format: IngestFormat) -> Decoder {
    let env = FuzzStore::open();
    Box::new(move |input| {
        let (store, owner) = (env.store.clone(), env.owner.clone());
        let rows = ReadingsBuilder::new(store, owner, BodyMemoryReservation::empty(MemoryHolder::Rows));
        drop(check(format, Bytes::copy_from_slice(input)).and_then(|checked| decode(rows, checked)));
    })
}

/// Returns rows with texts in several Arrow encodings.
fn batches() -> Vec<RecordBatch> {
    let rows = 20;
    let numbers: ArrayRef =
        Arc::new(Float64Array::from_iter((0..rows).map(|n| (n % 5 != 0).then_some(f64::from(n)))));
    let times: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from_iter_values((0..rows).map(i64::from)).with_timezone("UTC"));
    let ids: ArrayRef = Arc::new(Int32Array::from_iter_values(0..rows));
    let words = (0..rows).map(|n| (n % 3 != 0).then(|| format!("text {} that does not fit a view", n % 4)));
    let words: Vec<Option<String>> = words.collect();
    let texts: [ArrayRef; 3] = [
        Arc::new(StringArray::from(words.clone())),
        Arc::new(StringViewArray::from_iter(words.iter().map(Option::as_deref))),
        Arc::new(words.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>()),
    ];
    let with = |text: ArrayRef| {
        let columns =
            [("stream_id", ids.clone()), ("ts", times.clone()), ("value", numbers.clone()), ("text", text)];
        RecordBatch::try_from_iter(columns).expect("columns of one length")
    };
    texts.map(with).into()
}

fn arrow_form() -> InputFormat {
    let mut seeds = Vec::new();
    for batch in batches() {
        for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
            let options = IpcWriteOptions::default().try_with_compression(compression).expect("it is there");
            let mut writer =
                StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).expect("a writer");
            writer.write(&batch).expect("it is written");
            writer.write(&batch.slice(3, 5)).expect("it is written");
            seeds.push(writer.into_inner().expect("it is written"));
        }
    }
    InputFormat {
        seeds,
        words: &["\u{0}\u{0}\u{0}\u{0}"],
        finish: Some(end_of_stream),
        ..InputFormat::default()
    }
}

/// Usually completes a stream with its end marker, so that it is read to its end.
fn end_of_stream(random: &mut Random, bytes: &mut Vec<u8>) {
    if !random.one_in(4) {
        bytes.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    }
}

#[test]
fn arrow() {
    let decoder = || decoder(IngestFormat::Arrow);
    FuzzTarget { module: module_path!(), name: "arrow", form: arrow_form, decoder }.run();
}

fn parquet_form() -> InputFormat {
    let mut seeds = Vec::new();
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for (compression, encoding, is_coded) in [
        (Compression::UNCOMPRESSED, Encoding::PLAIN, false),
        (Compression::SNAPPY, Encoding::PLAIN, true),
        (zstd, Encoding::PLAIN, true),
        (zstd, Encoding::DELTA_BINARY_PACKED, false),
    ] {
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_column_encoding("ts".into(), if is_coded { Encoding::PLAIN } else { encoding })
            .set_dictionary_enabled(is_coded)
            .set_data_page_row_count_limit(8)
            .build();
        let batch = batches().swap_remove(0);
        let mut writer =
            ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writer");
        writer.write(&batch).expect("it is written");
        writer.flush().expect("it is written");
        writer.write(&batch).expect("it is written");
        seeds.push(writer.into_inner().expect("it is written"));
    }
    InputFormat { seeds, grammar: Some(footer), finish: Some(whole_footer), ..InputFormat::default() }
}

/// Builds a file that is only a footer: a schema of nested groups, and false counts.
fn footer(random: &mut Random) -> Vec<u8> {
    let depth = random.size(13);
    let mut thrift = vec![0x15, 0x02, 0x19];
    let list = |thrift: &mut Vec<u8>, count: u64, kind: u8| {
        thrift.push(if count < 15 { (count as u8) << 4 | kind } else { 0xf0 | kind });
        if count >= 15 {
            thrift.extend(mutate::varint(count));
        }
    };
    let claimed = if random.one_in(4) { random.length() } else { depth as u64 + 2 };
    list(&mut thrift, claimed, 0x0c);
    for level in 0..=depth {
        let children = if random.one_in(50) { random.length() } else { 1 };
        thrift.extend(if level == 0 { &[0x48][..] } else { &[0x35, 0x02, 0x18] });
        thrift.extend([1, b'g', 0x15]);
        thrift.extend(mutate::varint(children << 1));
        thrift.push(0);
    }
    thrift.extend([0x15, 0x0a, 0x25, 0x02, 0x18, 2, b't', b's', 0]);
    thrift.extend([0x16]);
    thrift.extend(mutate::varint(random.length()));
    thrift.push(0x19);
    let groups = random.length();
    list(&mut thrift, groups, 0x0c);
    thrift.push(0);
    [b"PAR1".to_vec(), thrift.clone(), (thrift.len() as u32).to_le_bytes().to_vec(), b"PAR1".to_vec()]
        .concat()
}

/// Writes the footer length and the magic bytes at both ends, as far as there is room.
#[allow(clippy::ptr_arg, reason = "as `InputFormat::finish` takes it")]
fn whole_footer(random: &mut Random, bytes: &mut Vec<u8>) {
    let end = bytes.len();
    if end > 12 && !random.one_in(4) {
        bytes[..4].copy_from_slice(b"PAR1");
        bytes[end - 4..].copy_from_slice(b"PAR1");
    }
}

#[test]
fn parquet() {
    let decoder = || decoder(IngestFormat::Parquet);
    FuzzTarget { module: module_path!(), name: "parquet", form: parquet_form, decoder }.run();
}

const LINES: grammar::Rules = grammar::rules! {
    lines = "<line>" | "<line>\n<lines>" | "<line>\r\n<lines>" | "\n<lines>";
    line = "{\"stream_id\":9,\"ts\":0}" | "{<members>}" | "<value>";
    members = "\"ts\":1" | "<member>" | "<member>,<members>" | "<member>, <members>";
    member = "\"stream_id\":<number>" | "\"device\":<text>" | "\"stream\":<text>" | "\"ts\":<value>"
        | "\"timestamp\":\"2026-04-28T12:00:00Z\"" | "\"value\":<value>" | "\"text\":<text>"
        | "\"quality\":\"good\"" | "<text>:<value>";
    value = "1" | "<number>" | "<text>" | "true" | "null" | "[<value>]" | "{<members>}";
    number = "1" | "<int>" | "<float>" | "<int>.<small>e<int>" | "-0" | "1e999" | "18446744073709551615"
        | "-9223372036854775809";
    text = "\"\"" | "\"<inside>\"" | "\"\\ud800<inside>\"" | "\"<inside>";
    inside = "" | "<letter><inside>" | "\\n<inside>" | "\\u0000<inside>" | "\\\"<inside>" | "é<inside>";
};

fn lines(random: &mut Random) -> Vec<u8> {
    grammar::write(LINES, "lines", random)
}

fn ndjson_form() -> InputFormat {
    InputFormat {
        grammar: Some(lines),
        words: &["{", "}", "\"", "\\", "\\u", "\n", "\"value\":", "1e400", "-", "NaN", ":"],
        nests: &[("[", "]"), ("{\"value\":", "}"), ("{\"stream_id\":9,\"ts\":[", "]}"), ("\"", "\"")],
        ..InputFormat::default()
    }
}

#[test]
fn ndjson() {
    let decoder = || decoder(IngestFormat::Ndjson);
    FuzzTarget { module: module_path!(), name: "ndjson", form: ndjson_form, decoder }.run();
}

const TABLE: grammar::Rules = grammar::rules! {
    table = "stream_id,ts,value\n<rows>" | "<header>\n<rows>";
    header = "ts" | "<column>" | "<column>,<header>" | "\"<column>\",<header>";
    column = "ts" | "stream_id" | "value" | "text" | "quality" | "device" | "stream" | " TIME "
        | "\u{feff}ts";
    rows = "" | "<row>\n<rows>" | "<row>\r\n<rows>" | "<row>";
    row = "9,2026-04-28T12:00:00Z,1.5" | "<cell>" | "<cell>,<row>";
    cell = "" | "1" | "<int>" | "<float>" | "2026-04-28 12:00:00" | "\"<inside>\"" | "<inside>" | "good"
        | "inf" | "NaN";
    inside = "" | "<letter><inside>" | "\"\"<inside>" | ",<inside>" | "\n<inside>" | "é<inside>"
        | "\"<inside>";
};

fn table(random: &mut Random) -> Vec<u8> {
    grammar::write(TABLE, "table", random)
}

fn csv_form() -> InputFormat {
    InputFormat {
        grammar: Some(table),
        words: &[",", "\"", "\"\"", "\n", "\r", "\u{feff}", "stream_id,", "ts,", "1e400"],
        nests: &[("\"", "\""), (",", ""), ("\n", ""), ("9,0,1\n", "")],
        ..InputFormat::default()
    }
}

#[test]
fn csv() {
    let decoder = || decoder(IngestFormat::Csv);
    FuzzTarget { module: module_path!(), name: "csv", form: csv_form, decoder }.run();
}
