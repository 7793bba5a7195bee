//! Everything that must not get in: a clear refusal that names what is wrong, nothing written, the server alive.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use futures::stream;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use reqwest::Body;
use serde_json::json;

use super::{ARROW, CSV, NDJSON, PARQUET, arrow_body, count, readings_batch};
use crate::rest::{stream_of, with_stream};
use crate::support::{Client, Server, row_vec};

const NOON: i64 = 1_777_377_600_000_000;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

/// A table as a file of Parquet.
pub fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let best = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(best).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a file");
    writer.write(batch).expect("written");
    writer.close().expect("finished");
    bytes
}

/// Name, media type, body, status, words of the refusal.
type Row<'a> = (&'a str, &'a str, Vec<u8>, u16, &'a [&'a str]);

/// Sends every row; each has to be refused with its status and words, and leave nothing behind.
async fn refuse(server: &Server, rows: Vec<Row<'_>>) {
    let client = server.client();
    for (name, media, body, status, words) in rows {
        let (got, answer) = client.ingest(media, body).await.outcome();
        let detail = answer["detail"].as_str().unwrap_or_default();
        let names_it = words.iter().all(|word| detail.contains(word));
        assert!(got == status && names_it, "{name}: got {got} {answer}\n  expected {status} with {words:?}");
    }
    still_sound(&client).await;
}

async fn still_sound(client: &Client) {
    assert_eq!(count(client).await, 0, "nothing was written");
    client.without_key().get("/healthz/").await.about("the server is alive").ok();
}

#[tokio::test]
async fn wrong_lines_are_told_by_their_number() {
    let server = Server::start(&[]).await;
    let (_, stream) = stream_of(&server.client(), "s", "fp64").await;
    let (_, text) = stream_of(&server.client(), "t", "text").await;
    let good = format!(r#"{{"stream_id": {stream}, "ts": 1777377600, "value": 1}}"#);
    let second = |line: &str| format!("{good}\n{line}").into_bytes();
    let with = |rest: &str| second(&format!(r#"{{"stream_id": {stream}, {rest}}}"#));
    let csv = |row: &str| format!("stream_id,ts,value\n{stream},1777377600,1\n{row}\n").into_bytes();
    let header = |line: &str| format!("{line}\n{stream},1777377600,1\n").into_bytes();
    refuse(
        &server,
        row_vec![
            "malformed_json", NDJSON, second("{\"stream_id\": 1,"), 400, &["row 2"];
            "not_an_object", NDJSON, second("[1, 2]"), 400, &["row 2"];
            "a_json_array_of_rows", NDJSON, format!("[{good}]").into_bytes(), 400, &["row 1"];
            "not_utf8", NDJSON, [good.as_bytes(), b"\n\xff\xfe"].concat(), 400, &["row 2"];
            "a_text_for_a_value", NDJSON, with(r#""ts": 1777377600, "value": "1""#), 400, &["row 2", "value"];
            "nan_is_no_json", NDJSON, with(r#""ts": 1777377600, "value": NaN"#), 400, &["row 2"];
            "an_infinite_number", NDJSON, with(r#""ts": 1777377600, "value": 1e999"#), 400, &["row 2"];
            "no_value", NDJSON, with(r#""ts": 1777377600"#), 400, &["row 2", "value"];
            "a_misspelt_member", NDJSON, with(r#""ts": 1777377600, "valeu": 1"#), 400, &["row 2", "valeu"];
            "no_time", NDJSON, with(r#""value": 1"#), 400, &["row 2", "ts"];
            "a_time_of_no_kind", NDJSON, with(r#""ts": [], "value": 1"#), 400, &["row 2", "ts"];
            "year_9999", NDJSON, with(r#""ts": "9999-01-01T00:00:00Z", "value": 1"#), 400, &["row 2", "ts"];
            "year_9999_as_a_number", NDJSON, with(r#""ts": 253370764800, "value": 1"#), 400, &["row 2", "ts"];
            "a_negative_epoch", NDJSON, with(r#""ts": -1, "value": 1"#), 400, &["row 2", "ts"];
            "a_year_before_1970", NDJSON, with(r#""ts": "1969-12-31T23:59:59Z", "value": 1"#), 400, &["row 2", "ts"];
            "too_far_ahead", NDJSON, with(r#""ts": "2200-01-01", "value": 1"#), 400, &["row 2", "ts", "future"];
            "an_unknown_quality", NDJSON, with(r#""ts": 1777377600, "value": 1, "quality": "so-so""#), 400, &["row 2", "so-so"];
            "a_value_of_bad_quality", NDJSON, with(r#""ts": 1777377600, "value": 1, "quality": "bad""#), 400, &["row 2", "value"];
            "an_unknown_stream", NDJSON, second(r#"{"stream_id": 999, "ts": 1777377600, "value": 1}"#), 400,
                &["row 2", "stream_id", "999"];
            "an_unknown_name", NDJSON, second(r#"{"device": "s device", "stream": "x", "ts": 1777377600, "value": 1}"#), 400,
                &["row 2", "`x`"];
            "an_id_beyond_counting", NDJSON, second(r#"{"stream_id": 99999999999, "ts": 1777377600, "value": 1}"#), 400,
                &["row 2"];
            "id_and_names", NDJSON, with(r#""device": "s device", "ts": 1777377600, "value": 1"#), 400, &["row 2", "stream_id"];
            "a_number_for_a_text", NDJSON, second(&format!(r#"{{"stream_id": {text}, "ts": 1777377600, "value": 1}}"#)), 400,
                &["row 2", "text"];
            "csv_nan", CSV, csv(&format!("{stream},1777377601,NaN")), 400, &["row 2", "value"];
            "csv_infinity", CSV, csv(&format!("{stream},1777377601,inf")), 400, &["row 2", "value"];
            "csv_year_9999", CSV, csv(&format!("{stream},9999-01-01,1")), 400, &["row 2", "ts"];
            "csv_negative_epoch", CSV, csv(&format!("{stream},-5,1")), 400, &["row 2", "ts"];
            "csv_a_day_of_a_spreadsheet", CSV, csv(&format!("{stream},45382.02,1")), 400,
                &["row 2", "ts", "2024-03-31T00:28:48Z"];
            "csv_a_whole_day_of_a_spreadsheet", CSV, csv(&format!("{stream},45382,1")), 400,
                &["row 2", "ts", "2024-03-31T00:00:00Z"];
            "csv_a_year", CSV, csv(&format!("{stream},2024,1")), 400, &["row 2", "ts", "is a year", "2024-01-01"];
            "csv_a_date_without_hyphens", CSV, csv(&format!("{stream},20240331,1")), 400, &["row 2", "ts", "2024-03-31"];
            "csv_unknown_stream", CSV, csv("999,1777377601,1"), 400, &["row 2", "stream_id"];
            "csv_short_row", CSV, csv(&format!("{stream},1777377601")), 400, &["row 2", "fields"];
            "csv_unknown_column", CSV, header("stream_id,ts,valeu"), 400, &["valeu"];
            "csv_column_twice", CSV, header("value,ts,value"), 400, &["value", "twice"];
            "csv_without_ts", CSV, header("stream_id,value,text"), 400, &["ts"];
            "csv_of_nothing", CSV, Vec::new(), 400, &["ts"];
        ],
    )
    .await;
}

#[tokio::test]
async fn kinds_take_numbers_of_their_range() {
    let (server, client, device, small) = with_stream("small", "int16").await;
    let (_, wide) = stream_of(&client, "wide", "int64").await;
    let (_, half) = stream_of(&client, "half", "fp16").await;
    let (_, single) = stream_of(&client, "single", "fp32").await;
    let (_, bit) = stream_of(&client, "bit", "bit").await;
    let line = |id: i64, value: &str| {
        let line = |ts: i64, value: &str| format!(r#"{{"stream_id": {id}, "ts": {ts}, "value": {value}}}"#);
        let first = if id == wide { "9223372036854775807" } else { "1" };
        format!("{}\n{}", line(1_777_377_600, first), line(1_777_377_601, value)).into_bytes()
    };
    let csv = |id: i64, value: &str| format!("stream_id,ts,value\n{id},1777377600,{value}\n").into_bytes();
    refuse(
        &server,
        row_vec![
            "beyond_int16", NDJSON, line(small, "32768"), 400, &["row 2", "value", "-32768 to 32767", "int16"];
            "a_fraction", NDJSON, line(small, "1.5"), 400, &["row 2", "value", "integer"];
            "below_int64", NDJSON, line(wide, "-9223372036854775809"), 400, &["row 2", "value", "int64"];
            "above_int64", NDJSON, line(wide, "9223372036854775808"), 400, &["row 2", "value", "int64"];
            "beyond_fp16", NDJSON, line(half, "65520"), 400, &["row 2", "value", "65504", "fp16"];
            "beyond_fp32", NDJSON, line(single, "1e39"), 400, &["row 2", "value", "3.4028234663852886e38", "fp32"];
            "two_for_a_bit", NDJSON, line(bit, "2"), 400, &["row 2", "value: must be 0 or 1", "bit"];
            "half_a_bit", CSV, csv(bit, "0.5"), 400, &["row 1", "value: must be 0 or 1", "bit"];
            "csv_beyond_int16", CSV, csv(small, "-32769"), 400, &["row 1", "value"];
            "csv_below_int64", CSV, csv(wide, "-9223372036854775809"), 400, &["row 1", "value"];
            "arrow", ARROW, arrow_body(&readings_batch(&[(small, NOON, 1.0), (small, NOON + 1, 40_000.0)])), 400, &["row 2", "value", "int16"];
            "parquet", PARQUET, parquet(&readings_batch(&[(small, NOON, 0.5)])), 400, &["row 1", "value", "int16"];
            "arrow_bit", ARROW, arrow_body(&readings_batch(&[(bit, NOON, 1.0), (bit, NOON + 1, -1.0)])), 400, &["row 2", "0 or 1"];
        ],
    )
    .await;
    // The least and the greatest fit; and a scaled stream takes engineering values.
    let body = json!({ "device": device, "name": "scaled", "type": "int16", "scale": 0.1 });
    let scaled = client.post("/api/data/", &body).await.id();
    let good = [(small, "-32768"), (wide, "-9223372036854775808"), (scaled, "1.5"), (scaled, "40000")];
    let bits = [(bit, "0"), (bit, "1"), (bit, "true"), (bit, "FALSE")];
    for (id, value) in [&good[..], &[(half, "-65504"), (single, "3.4028234e38")], &bits].concat() {
        client.ingest(CSV, csv(id, value)).await.ok();
    }
}

#[tokio::test]
async fn wrong_columns_and_cells_of_arrow_and_parquet() {
    let server = Server::start(&[]).await;
    let (_, id) = stream_of(&server.client(), "s", "fp64").await;
    let good = (id, NOON, 1.0);
    let ids = || Arc::new(Int32Array::from(vec![id as i32])) as ArrayRef;
    let times = || Arc::new(TimestampMicrosecondArray::from(vec![NOON])) as ArrayRef;
    let texts = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
    let batches: Vec<(&str, RecordBatch, &[&str])> = row_vec![
        "nan", readings_batch(&[good, (id, NOON + 1, f64::NAN)]), &["row 2", "value"];
        "infinity", readings_batch(&[good, (id, NOON + 1, f64::INFINITY)]), &["row 2", "value"];
        "year_9999", readings_batch(&[good, (id, 253_370_764_800_000_000, 1.0)]), &["row 2", "ts"];
        "negative_epoch", readings_batch(&[good, (id, -1, 1.0)]), &["row 2", "ts"];
        "unknown_stream", readings_batch(&[good, (999, NOON, 1.0)]), &["row 2", "stream_id"];
        "texts_for_values", batch(vec![("stream_id", ids()), ("ts", times()), ("value", texts("1"))]), &["value"];
        "a_time_that_is_none", batch(vec![("stream_id", ids()), ("ts", texts("soon")), ("value", ids())]),
            &["row 1", "ts", "soon"];
        "an_unknown_column", batch(vec![("stream_id", ids()), ("ts", times()), ("velue", ids())]), &["velue"];
        "no_ts", batch(vec![("stream_id", ids()), ("value", ids())]), &["ts"];
        "no_value", batch(vec![("stream_id", ids()), ("ts", times())]), &["row 1", "value"];
    ];
    for (name, batch, words) in batches {
        refuse(
            &server,
            vec![(name, ARROW, arrow_body(&batch), 400, words), (name, PARQUET, parquet(&batch), 400, words)],
        )
        .await;
    }
}

#[tokio::test]
async fn bodies_cut_anywhere_or_of_noise_are_refused() {
    let (server, client, _, id) = with_stream("s", "fp64").await;
    let rows: Vec<_> = (0..100).map(|i| (id, NOON + i, i as f64)).collect();
    for (media, whole) in
        [(ARROW, arrow_body(&readings_batch(&rows))), (PARQUET, parquet(&readings_batch(&rows)))]
    {
        for end in (0..whole.len()).step_by(41).chain([whole.len() - 1]) {
            let answer = client.ingest(media, whole[..end].to_vec()).await;
            answer.about(&format!("{media} cut at {end} of {}", whole.len())).expect(400);
        }
        // Every tenth byte turned: refused, or read as rows that are wrong or right, but never a fault of ours.
        let other = server.client_with(&["--scope", "value:write"]).await;
        for at in (0..whole.len()).step_by(whole.len() / 60) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            let (status, answer) = other.ingest(media, damaged).await.outcome();
            assert!(status < 500, "{media} damaged at {at}: {status} {answer}\n{}", server.log());
        }
    }
    for media in [ARROW, PARQUET, NDJSON, CSV] {
        let noise: Vec<u8> = (0..10_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        client.ingest(media, noise).await.expect(400);
    }
    client.without_key().get("/healthz/").await.ok();
}

#[tokio::test]
async fn bodies_too_large_or_packed_too_well() {
    let (server, client, _, id) = with_stream("s", "text").await;
    client.ingest(NDJSON, vec![b' '; 100 << 20]).await.about("a length that is told").expect(413);
    let parts = (0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
    let answer = client.ingest(NDJSON, Body::wrap_stream(stream::iter(parts))).await;
    answer.about("a length that is not").expect(413);

    // Past what a body may be once it is decoded.
    let huge = vec![b' '; 260 << 20];
    let gzip = |plain: &[u8]| {
        use std::io::Write;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(plain).expect("in memory");
        packer.finish().expect("in memory")
    };
    for (encoding, body, expected) in [
        ("gzip", gzip(&huge), 413),
        ("zstd", zstd::encode_all(&huge[..], 1).expect("in memory"), 413),
        ("gzip", b"no gzip at all".to_vec(), 400),
        ("zstd", b"no zstd at all".to_vec(), 400),
        ("br", b"x".to_vec(), 415),
    ] {
        let headers = [("content-type", NDJSON), ("content-encoding", encoding)];
        client.send("POST", "/ingest", &headers, body).await.about(&encoding).expect(expected);
    }
    refuse(
        &server,
        vec![
            ("a_dictionary_of_one_long_text", ARROW, arrow_body(&repeated(id, 1 << 20, 60_000)), 413, &[]),
            ("a_text_that_parquet_stores_once", PARQUET, parquet(&repeated(id, 16 << 10, 60_000)), 413, &[]),
            ("of_no_media_type_we_know", "text/html", b"x".to_vec(), 415, &["text/html"]),
        ],
    )
    .await;
    let peak = server.peak_memory_mib().unwrap_or(0);
    assert!(peak < 1300, "bodies of at most 64 MiB, 256 MiB decoded, took {peak} MiB of memory");
}

/// One text in every row: small as sent, large once it is spelt out.
fn repeated(id: i64, text_bytes: usize, rows: usize) -> RecordBatch {
    let keys = Int32Array::from_iter_values(std::iter::repeat_n(0, rows));
    let text = Arc::new(StringArray::from(vec!["x".repeat(text_bytes)]));
    let texts = DictionaryArray::<Int32Type>::try_new(keys, text).expect("keys fit");
    let times = TimestampMicrosecondArray::from_iter_values((0..rows as i64).map(|i| NOON + i));
    let ids = Int32Array::from_iter_values(std::iter::repeat_n(id as i32, rows));
    batch(vec![("stream_id", Arc::new(ids)), ("ts", Arc::new(times)), ("text", Arc::new(texts))])
}
