//! Server responses are decoded or explained.

use std::sync::Arc;

use arrow::array::{Float64Array, Int32Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::StreamWriter;
use futures::TryStreamExt;

use super::*;

#[test]
fn the_servers_own_words_are_shown() {
    let rows = [
        ("a_detail", r#"{"detail":"Invalid API key."}"#, "Invalid API key."),
        ("an_error", r#"{"error":"Server Error (500)"}"#, "Server Error (500)"),
        ("fields", r#"{"name":["a.","b."],"port":["c."]}"#, "name: a. b.; port: c."),
        ("no_json", "Bad Gateway\n<html>", "the server answered 400 Bad Request Bad Gateway"),
        ("nothing", "", "the server answered 400 Bad Request"),
    ];
    for (name, body, expected) in rows {
        assert_eq!(error_message(StatusCode::BAD_REQUEST, body), expected, "{name}");
    }
}

#[test]
fn a_url_that_names_no_server_is_refused() {
    for url in ["plant", "plant:8000", "ftp://plant", "http://", ""] {
        let error = RemoteClient::connect_with_key(url, "k").err().expect(url);
        assert_eq!(error.fields[0].field, "url", "{url}");
    }
    let remote = RemoteClient::connect_with_key("http://plant:8000/behind/a/proxy/", "k").expect("valid");
    assert_eq!(remote.endpoint("/sql").as_str(), "http://plant:8000/behind/a/proxy/sql");
}

fn arrow_stream(batches: usize) -> Vec<u8> {
    let fields = vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Float64, true)];
    let schema = Arc::new(Schema::new(fields));
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).expect("a writer");
    for i in 0..batches {
        let (a, b) = (Int32Array::from(vec![i as i32, 7]), Float64Array::from(vec![Some(0.5), None]));
        let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(a), Arc::new(b)]).expect("a batch");
        writer.write(&batch).expect("written");
    }
    writer.into_inner().expect("finished")
}

fn in_parts(bytes: Vec<u8>, size: usize) -> BoxStream<'static, Result<bytes::Bytes>> {
    let parts: Vec<_> = bytes.chunks(size).map(|part| Ok(bytes::Bytes::copy_from_slice(part))).collect();
    stream::iter(parts).boxed()
}

#[tokio::test]
async fn an_answer_is_decoded_however_it_is_cut_into_packets() {
    for batches in [0, 1, 3] {
        for size in [1, 7, 64, 1 << 20] {
            let answer = decode(in_parts(arrow_stream(batches), size)).await.expect("decodes");
            assert_eq!(answer.schema.fields().len(), 2);
            let rows: usize = answer
                .batches
                .map_ok(|b| b.num_rows())
                .try_fold(0, |n, m| async move { Ok(n + m) })
                .await
                .expect("all");
            assert_eq!(rows, batches * 2, "{batches} batches in parts of {size}");
        }
    }
}

#[tokio::test]
async fn an_answer_cut_short_is_an_error() {
    let mut bytes = arrow_stream(2);
    bytes.truncate(bytes.len() - 100);
    let answer = decode(in_parts(bytes, 64)).await.expect("the schema came");
    answer.batches.try_collect::<Vec<_>>().await.expect_err("the last batch did not");
}
