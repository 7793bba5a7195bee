//! Results in every output format.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::ipc::reader::{FileReader, StreamReader};
use futures::{StreamExt, stream};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn rows(n: usize) -> RecordBatch {
    let ts = TimestampMicrosecondArray::from_iter_values((0..n as i64).map(|i| i * 1_500_000));
    let value = Float64Array::from_iter((0..n).map(|i| (i != 1).then_some(i as f64 + 0.5)));
    let text = StringArray::from_iter((0..n).map(|i| (i == 1).then_some("a,\"b\"")));
    RecordBatch::try_from_iter_with_nullable([
        ("ts", Arc::new(ts.with_timezone("UTC")) as ArrayRef, false),
        ("value", Arc::new(value), true),
        ("text", Arc::new(text), true),
    ])
    .expect("columns of one length")
}

async fn written(batches: Vec<RecordBatch>, form: RowFormat) -> Vec<u8> {
    let batches = stream::iter(batches.into_iter().map(Ok)).boxed();
    write_rows(&rows(0).schema(), batches, form, Vec::new()).await.expect("written")
}

#[tokio::test]
async fn answers_are_written_with_their_nulls_and_times() {
    let json = concat!(
        r#"[{"ts":"1970-01-01T00:00:00Z","value":0.5,"text":null},"#,
        r#"{"ts":"1970-01-01T00:00:01.500Z","value":null,"text":"a,\"b\""}]"#,
        "\n"
    );
    let csv = "ts,value,text\n1970-01-01T00:00:00Z,0.5,\n1970-01-01T00:00:01.500Z,,\"a,\"\"b\"\"\"\n";
    let table = "\
+--------------------------+-------+-------+
| ts                       | value | text  |
+--------------------------+-------+-------+
| 1970-01-01T00:00:00Z     | 0.5   |       |
| 1970-01-01T00:00:01.500Z |       | a,\"b\" |
+--------------------------+-------+-------+
(2 rows)
";
    let ndjson = concat!(
        r#"{"ts":"1970-01-01T00:00:00Z","value":0.5,"text":null}"#,
        "\n",
        r#"{"ts":"1970-01-01T00:00:01.500Z","value":null,"text":"a,\"b\""}"#,
        "\n"
    );
    let cases = [
        ("json", RowFormat::Json, json),
        ("ndjson", RowFormat::Ndjson, ndjson),
        ("csv", RowFormat::Csv, csv),
        ("table", RowFormat::Table, table),
    ];
    for (name, form, expected) in cases {
        let text = String::from_utf8(written(vec![rows(2)], form).await).expect("text");
        assert_eq!(text, expected, "{name}");
    }
}

#[tokio::test]
async fn an_answer_without_rows_still_has_its_shape() {
    let cases = [
        ("json", RowFormat::Json, "[]\n"),
        ("ndjson", RowFormat::Ndjson, ""),
        ("csv", RowFormat::Csv, "ts,value,text\n"),
    ];
    for (name, form, expected) in cases {
        let text = String::from_utf8(written(vec![], form).await).expect("text");
        assert_eq!(text, expected, "{name}");
    }
    let table = String::from_utf8(written(vec![], RowFormat::Table).await).expect("text");
    assert!(table.contains("| ts | value | text |") && table.ends_with("(0 rows)\n"), "{table}");
}

#[tokio::test]
async fn parquet_comes_back_as_it_went() {
    let file = written(vec![rows(3), rows(2)], RowFormat::Parquet).await;
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).expect("Parquet");
    let back: Vec<_> = reader.build().expect("readable").collect::<Result<_, _>>().expect("readable");
    let back = arrow::compute::concat_batches(&rows(0).schema(), &back).expect("one schema");
    assert_eq!(
        back,
        arrow::compute::concat_batches(&rows(0).schema(), &[rows(3), rows(2)]).expect("one schema")
    );
}

#[tokio::test]
async fn arrow_comes_back_as_it_went() {
    let file = written(vec![rows(3), rows(2)], RowFormat::ArrowFile).await;
    let stream = written(vec![rows(3), rows(2)], RowFormat::ArrowStream).await;
    let of_file = FileReader::try_new(std::io::Cursor::new(file), None).expect("Arrow, with a footer");
    let of_stream = StreamReader::try_new(stream.as_slice(), None).expect("Arrow");
    for back in [of_file.collect::<Result<Vec<_>, _>>(), of_stream.collect()] {
        assert_eq!(back.expect("readable"), [rows(3), rows(2)]);
    }
}
