//! Answers as a table, JSON, CSV and Parquet.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
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

async fn written(batches: Vec<RecordBatch>, format: Format) -> Vec<u8> {
    let answer =
        Answer { schema: rows(0).schema(), batches: stream::iter(batches.into_iter().map(Ok)).boxed() };
    let mut out = Vec::new();
    write(answer, format, &mut out).await.expect("written");
    out
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
    let cases = [("json", Format::Json, json), ("csv", Format::Csv, csv), ("table", Format::Table, table)];
    for (name, format, expected) in cases {
        let text = String::from_utf8(written(vec![rows(2)], format).await).expect("text");
        assert_eq!(text, expected, "{name}");
    }
}

#[tokio::test]
async fn an_answer_without_rows_still_has_its_shape() {
    let cases = [("json", Format::Json, "[]\n"), ("csv", Format::Csv, "ts,value,text\n")];
    for (name, format, expected) in cases {
        let text = String::from_utf8(written(vec![], format).await).expect("text");
        assert_eq!(text, expected, "{name}");
    }
    let table = String::from_utf8(written(vec![], Format::Table).await).expect("text");
    assert!(table.contains("| ts | value | text |") && table.ends_with("(0 rows)\n"), "{table}");
}

#[tokio::test]
async fn parquet_comes_back_as_it_went() {
    let file = written(vec![rows(3), rows(2)], Format::Parquet).await;
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).expect("Parquet");
    let back: Vec<_> = reader.build().expect("readable").collect::<Result<_, _>>().expect("readable");
    let back = arrow::compute::concat_batches(&rows(0).schema(), &back).expect("one schema");
    assert_eq!(
        back,
        arrow::compute::concat_batches(&rows(0).schema(), &[rows(3), rows(2)]).expect("one schema")
    );
}
