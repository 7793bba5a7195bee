//! Files to chunks: columns, times, numbered errors, resumption.

use std::sync::Arc;

use arrow::array::cast::AsArray;
use arrow::array::{
    Array, ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray, UInt8Array,
};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;

use super::*;
use basalt_fuzz::rows;

const FIXED: ImportDestination = ImportDestination::Stream(StreamId(7));

fn csv(text: &str, destination: ImportDestination, from_row: u64) -> Result<Vec<ImportChunk>> {
    let mut file = CsvFile::open(text.as_bytes(), text.len() as u64, destination, from_row)?;
    let mut chunks = Vec::new();
    while let Some(chunk) = file.next_chunk()? {
        chunks.push(chunk);
    }
    Ok(chunks)
}

/// Formats a row of a chunk for comparison.
fn shown(batch: &RecordBatch, i: usize) -> String {
    let text = |name: &str| batch.column_by_name(name).map(|c| c.as_string::<i32>().clone());
    let of = match batch.column_by_name("stream_id") {
        Some(ids) => ids.as_primitive::<Int32Type>().value(i).to_string(),
        None => ["device", "stream"].map(|n| text(n).expect("by name").value(i).to_owned()).join("/"),
    };
    let ts = batch["ts"].as_primitive::<TimestampMicrosecondType>().value(i);
    let values = batch["value"].as_primitive::<Float64Type>();
    let value = if values.is_null(i) { "-".to_owned() } else { values.value(i).to_string() };
    let words = text("text").filter(|texts| texts.is_valid(i)).map(|texts| texts.value(i).to_owned());
    let words = words.unwrap_or_else(|| "-".to_owned());
    format!("{of} {ts} {value} {words} {}", text("quality").expect("always there").value(i))
}

fn all_shown(chunks: &[ImportChunk]) -> Vec<String> {
    chunks.iter().flat_map(|c| (0..c.len()).map(|i| shown(&c.batch, i))).collect()
}

#[test]
fn rows_of_csv_become_readings() {
    let rows = rows![
        "time_without_a_zone_is_utc", "timestamp,value\n1970-01-01 00:00:01,69.88", FIXED,
            "7 1000000 69.88 - good";
        "a_zone_counts", "ts,value\n1970-01-01T01:00:01+01:00,1", FIXED, "7 1000000 1 - good";
        "epoch_seconds", "time,value\n1.5,-2e3", FIXED, "7 1500000 -2000 - good";
        "by_id", "stream_id,ts,value\n9,1,1", ImportDestination::ByRow, "9 1000000 1 - good";
        "by_names", "device,stream,ts,value\nOven,temp,1,1", ImportDestination::ByRow,
            "Oven/temp 1000000 1 - good";
        "text", "ts,text\n1,\"door, open\"", FIXED, "7 1000000 - door, open good";
        "an_empty_text", "ts,value,text\n1,,", FIXED, "7 1000000 -  good";
        "a_lost_text", "ts,text,quality\n1,,bad", FIXED, "7 1000000 - - bad";
        "a_number_beside_an_empty_text", "ts,value,text\n1,2,", FIXED, "7 1000000 2 - good";
        "quality", "ts,value,quality\n1,,bad", FIXED, "7 1000000 - - bad";
        "a_wide_integer_stays_exact", "ts,value\n1,9007199254740993", FIXED,
            "7 1000000 9007199254740992 9007199254740993 good";
        "spaces_and_a_byte_order_mark", "\u{feff}ts , value\n 1 , 2 ", FIXED, "7 1000000 2 - good";
    ];
    for (name, text, destination, expected) in rows {
        let chunks = csv(text, destination, 1).expect(name);
        assert_eq!(all_shown(&chunks), [expected], "{name}");
    }
}

#[test]
fn wrong_rows_are_numbered_from_one_without_the_header() {
    let rows = rows![
        "a_time", "ts,value\n1,1\nyesterday,1", FIXED, "row 2: ts: `yesterday`";
        "a_spreadsheets_day", "ts,value\n45382.02,1", FIXED, "row 1: ts: `45382.02` is a day of a spreadsheet";
        "a_spreadsheets_day_without_a_time", "ts,value\n1,1\n45382,1", FIXED,
            "row 2: ts: `45382` is a day of a spreadsheet: write 2024-03-31T00:00:00Z";
        "a_year", "ts,value\n2024,1", FIXED, "row 1: ts: `2024` is a year: write a date such as 2024-01-01";
        "a_number", "ts,value\n1,one", FIXED, "row 1: value: `one`";
        "not_finite", "ts,value\n1,1\n2,1\n3,NaN", FIXED, "row 3: value: `NaN`";
        "a_quality", "ts,value,quality\n1,1,fine", FIXED, "row 1: quality: `fine`";
        "an_id", "stream_id,ts,value\nx,1,1", ImportDestination::ByRow, "row 1: stream_id: `x`";
        "too_few_columns", "ts,value\n1,1\n2", FIXED, "row 2: 1 columns where the header has 2 (line 3)";
        "after_a_quoted_line_break", "ts,text\n1,\"a\nb\"\nx,c", FIXED, "row 2: ts: `x`";
        "no_header", "1,1\n2,2", FIXED, "`1` is no column";
        "empty", "", FIXED, "no column ts";
    ];
    for (name, text, destination, part) in rows {
        let message = csv(text, destination, 1).expect_err(name).to_string();
        assert!(message.contains(part), "{name}: `{part}` is missing in: {message}");
    }
}

#[test]
fn chunks_end_at_their_size_and_know_their_first_row() {
    let mut text = "ts,value\n".to_owned();
    (0..chunk::MAX_CHUNK_ROWS * 2 + 5).for_each(|i| text.push_str(&format!("{},1\n", 1_777_377_600 + i)));
    let sizes = |from_row| -> Vec<_> {
        let chunks = csv(&text, FIXED, from_row).expect("valid");
        chunks.iter().map(|c| (c.first_row, c.len())).collect()
    };
    assert_eq!(sizes(1), [(1, 50_000), (50_001, 50_000), (100_001, 5)]);
    assert_eq!(sizes(100_003), [(100_003, 3)]);
    assert_eq!(sizes(100_006), []);
    let message = csv(&text, FIXED, 100_007).expect_err("past the end").to_string();
    assert!(message.contains("from-row") && message.contains("100005"), "{message}");
}

#[test]
fn a_row_keeps_its_number_when_reading_began_later() {
    let message = csv("ts,value\n1,1\n2,2\n3,three", FIXED, 2).expect_err("row 3").to_string();
    assert!(message.starts_with("row 3: "), "{message}");
}

#[test]
fn long_texts_close_a_chunk_early() {
    let word = "x".repeat(1 << 20);
    let mut text = "ts,text\n".to_owned();
    (0..20).for_each(|i| text.push_str(&format!("{i},{word}\n")));
    let sizes: Vec<_> = csv(&text, FIXED, 1).expect("valid").iter().map(ImportChunk::len).collect();
    assert_eq!(sizes, [16, 4]);
}

fn parquet_file(columns: Vec<(&str, ArrayRef)>) -> File {
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let mut file = tempfile::tempfile().expect("a file");
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    file.rewind().expect("rewound");
    file
}

fn parquet(
    columns: Vec<(&str, ArrayRef)>,
    destination: ImportDestination,
    from_row: u64,
) -> Result<Vec<ImportChunk>> {
    let mut file = BatchFile::parquet(parquet_file(columns), destination, from_row)?;
    let mut chunks = Vec::new();
    while let Some(chunk) = file.next_chunk()? {
        chunks.push(chunk);
    }
    Ok(chunks)
}

/// Returns the chunks of a file whose format its first bytes show.
fn source(bytes: &[u8], destination: ImportDestination, from_row: u64) -> Result<Vec<ImportChunk>> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    let mut source = ImportFile::open(file.path(), destination, from_row)?;
    let mut chunks = Vec::new();
    while let Some(chunk) = source.next_chunk()? {
        chunks.push(chunk);
    }
    Ok(chunks)
}

fn nanos(times: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(times))
}

#[test]
fn parquet_of_other_tools_is_understood() {
    let of_pandas: Vec<(&str, ArrayRef)> = vec![
        ("time", nanos(vec![1_000_000_999, 2_000_000_000])),
        ("value", Arc::new(Float32Array::from(vec![Some(0.5), None]))),
        ("quality", Arc::new(UInt8Array::from(vec![0, 2]))),
    ];
    let chunks = parquet(of_pandas, FIXED, 1).expect("understood");
    assert_eq!(all_shown(&chunks), ["7 1000000 0.5 - good", "7 2000000 - - bad"]);

    let of_our_lake: Vec<(&str, ArrayRef)> = vec![
        ("stream_id", Arc::new(Int64Array::from(vec![3, 4]))),
        ("ts", nanos(vec![1_000, 2_000])),
        ("value", Arc::new(Int64Array::from(vec![1, 9_007_199_254_740_993]))),
        ("seq", Arc::new(Int64Array::from(vec![8, 9]))),
    ];
    let chunks = parquet(of_our_lake, ImportDestination::ByRow, 2).expect("understood");
    assert_eq!(all_shown(&chunks), ["4 2 9007199254740992 9007199254740993 good"]);
    assert_eq!(chunks[0].first_row, 2);
}

#[test]
fn wrong_rows_of_parquet_are_numbered_too() {
    type Case = (&'static str, Vec<(&'static str, ArrayRef)>, &'static str);
    let rows: [Case; 4] = rows![
        "before_1970", vec![("ts", nanos(vec![0, -1_000])), ("value", Arc::new(Int64Array::from(vec![1, 2])))],
            "row 2: ts: `1969-12-31T23:59:59.999999Z`";
        "not_finite",
            vec![("ts", nanos(vec![0])), ("value", Arc::new(Float32Array::from(vec![f32::INFINITY])))],
            "row 1: value: `inf`";
        "no_stream_id",
            vec![
                ("stream_id", Arc::new(Int64Array::from(vec![Some(1), None]))),
                ("ts", nanos(vec![0, 1])),
                ("value", Arc::new(Int64Array::from(vec![1, 2]))),
            ],
            "row 2: stream_id: `null`";
        "words_as_values", vec![("ts", nanos(vec![0])), ("value", Arc::new(StringArray::from(vec!["RUN"])))],
            "row 1: value: `RUN`";
    ];
    for (name, columns, part) in rows {
        let by_row = columns.iter().any(|(name, _)| *name == "stream_id");
        let destination = if by_row { ImportDestination::ByRow } else { FIXED };
        let message = parquet(columns, destination, 1).expect_err(name).to_string();
        assert!(message.contains(part), "{name}: `{part}` is missing in: {message}");
    }
}

#[test]
fn the_kind_of_a_file_is_in_its_first_bytes() {
    let columns = || {
        vec![
            ("ts", nanos(vec![1_000, 2_000])),
            ("value", Arc::new(Int64Array::from(vec![1, 9_007_199_254_740_993])) as ArrayRef),
        ]
    };
    let batch = RecordBatch::try_from_iter(columns()).expect("columns of one length");
    let mut parquet = Vec::new();
    parquet_file(columns()).read_to_end(&mut parquet).expect("readable");
    let mut of_file = FileWriter::try_new(Vec::new(), &batch.schema()).expect("a writer");
    let mut of_stream = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("a writer");
    of_file.write(&batch).and_then(|()| of_stream.write(&batch)).expect("written");
    let csv = "ts,value\n0.000001,1\n0.000002,9007199254740993\n";
    let ndjson = "\n{\"ts\":\"0.000001\",\"value\":1}\n\n{\"ts\":\"0.000002\",\"value\":9007199254740993}";
    let rows: [(&str, Vec<u8>); 5] = [
        ("parquet", parquet),
        ("arrow_file", of_file.into_inner().expect("finished")),
        ("arrow_stream", of_stream.into_inner().expect("finished")),
        ("csv", csv.into()),
        ("ndjson", ndjson.into()),
    ];
    for (name, bytes) in rows {
        let chunks = source(&bytes, FIXED, 1).expect(name);
        let shown = all_shown(&chunks);
        assert_eq!(shown, ["7 1 1 - good", "7 2 9007199254740992 9007199254740993 good"], "{name}");
        let rest = source(&bytes, FIXED, 2).expect(name);
        assert_eq!((all_shown(&rest).len(), rest[0].first_row), (1, 2), "{name}");
        assert!(source(&bytes, FIXED, 3).expect(name).is_empty(), "{name}");
        let message = source(&bytes, FIXED, 4).expect_err(name).to_string();
        assert!(message.contains("ends after row 2"), "{name}: {message}");
    }
}

#[test]
fn rows_of_ndjson_become_readings() {
    let rows = rows![
        "null_is_no_cell", r#"{"stream_id":9,"ts":1,"value":null,"text":"x"}"#, vec!["9 1000000 - x good"];
        "a_column_may_be_missing_or_come_later",
            "{\"stream_id\":9,\"ts\":1,\"value\":1}\n{\"ts\":2,\"text\":\"x\",\"stream_id\":9}",
            vec!["9 1000000 1 - good", "9 2000000 - x good"];
        "a_truth", r#"{"device":"Oven","stream":"on","ts":"1970-01-01","value":true}"#,
            vec!["Oven/on 0 1 - good"];
    ];
    for (name, text, expected) in rows {
        let shown = all_shown(&source(text.as_bytes(), ImportDestination::ByRow, 1).expect(name));
        assert_eq!(shown, expected, "{name}");
    }
    let wrong = [
        ("no_object", "{\"ts\":1,\"value\":1}\n[1]", "row 2: this is no JSON object"),
        ("cut_off", "{\"ts\":1,\"value\":1}\n{\"ts\":1,", "row 2: this is no JSON object"),
        ("no_time", "{\"ts\":1,\"value\":1}\n{\"value\":1}", "row 2: ts: there is none"),
        ("a_list", "{\"ts\":1,\"text\":[1]}", "row 1: text: a list"),
        ("a_stranger", "{\"ts\":1,\"value\":1}\n{\"ts\":1,\"colour\":1}", "row 2: `colour`"),
        ("another_address", "{\"ts\":1,\"value\":1}\n{\"ts\":1,\"stream_id\":1}", "row 2: the rows say"),
    ];
    for (name, text, part) in wrong {
        let message = source(text.as_bytes(), FIXED, 1).expect_err(name).to_string();
        assert!(message.contains(part), "{name}: `{part}` is missing in: {message}");
    }
}

#[test]
fn a_failure_says_how_to_go_on() {
    let files = [PathBuf::from("b.csv"), PathBuf::from("c.csv")];
    let hint = resume_hint(&files, 50_001);
    assert_eq!(hint, "the rows before 50001 were imported; resume with: b.csv c.csv --from-row 50001");
    assert_eq!(resume_hint(&files, 1), "no row of this file was imported; resume with: b.csv c.csv");
}

#[test]
fn a_file_that_cannot_be_opened_is_named_once() {
    let message = ImportFile::open(Path::new("nowhere.csv"), FIXED, 1).err().expect("missing").to_string();
    assert_eq!(message.matches("nowhere.csv").count(), 1, "{message}");
}
