//! Bodies, plain and compressed, and what bounds them.

use std::io::Write;

use axum::body::Body;
use axum::http::HeaderMap;
use bytes::Bytes;
use tokio::sync::Semaphore;

use super::{collect, read};
use crate::api::error::Fault;
use crate::domain::Kind;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn headers(encoding: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-encoding", encoding.parse().unwrap());
    headers
}

/// What reading came to: the bytes, or a word for the fault.
async fn outcome(encoding: &str, wire: Vec<u8>) -> Result<Vec<u8>, String> {
    match read(&headers(encoding), Body::from(wire), 1000).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(Fault::Core(e)) if e.kind == Kind::TooLarge => Err("too large".into()),
        Err(Fault::Core(e)) if e.kind == Kind::Invalid => Err("invalid".into()),
        Err(Fault::UnsupportedMedia(name)) => Err(format!("unsupported {name}")),
        Err(other) => Err(format!("{other:?}")),
    }
}

#[tokio::test]
async fn bodies_are_bounded_on_the_wire_and_decoded() {
    let bomb = vec![0u8; 1_000_000];
    type Row = (&'static str, &'static str, Vec<u8>, Result<Vec<u8>, String>);
    let cases: Vec<Row> = vec![
        ("plain", "identity", b"abc".to_vec(), Ok(b"abc".to_vec())),
        ("exactly_the_limit", "identity", vec![1; 1000], Ok(vec![1; 1000])),
        ("one_byte_over", "identity", vec![1; 1001], Err("too large".into())),
        ("gzip", "gzip", gzip(b"abc"), Ok(b"abc".to_vec())),
        ("gzip_bomb", "gzip", gzip(&bomb), Err("too large".into())),
        ("gzip_damaged", "gzip", b"not gzip".to_vec(), Err("invalid".into())),
        ("gzip_cut_short", "gzip", gzip(b"abcdef")[..15].to_vec(), Err("invalid".into())),
        ("zstd", "zstd", zstd::encode_all(&b"abc"[..], 1).unwrap(), Ok(b"abc".to_vec())),
        ("zstd_bomb", "zstd", zstd::encode_all(&bomb[..], 1).unwrap(), Err("too large".into())),
        ("zstd_damaged", "zstd", b"not zstd".to_vec(), Err("invalid".into())),
        ("another_encoding", "br", b"abc".to_vec(), Err("unsupported br".into())),
        ("nothing_at_all", "gzip", Vec::new(), Ok(Vec::new())),
    ];
    for (name, encoding, wire, expected) in cases {
        assert_eq!(outcome(encoding, wire).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_declared_length_is_refused_before_reading() {
    let mut headers = HeaderMap::new();
    headers.insert("content-length", "1000000000".parse().unwrap());
    headers.insert("expect", "100-continue".parse().unwrap());
    let never = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    let Err(Fault::Core(error)) = read(&headers, never, 1000).await else { panic!("must be refused") };
    assert_eq!(error.kind, Kind::TooLarge);
}

#[tokio::test]
async fn all_bodies_together_are_bounded() {
    let memory = Semaphore::new(4);
    let try_read = async |bytes: usize| {
        collect(&HeaderMap::new(), &mut Body::from(vec![1; bytes]), 10_000, &memory)
            .await
            .map(|(_, held)| held)
    };
    let first = try_read(3 * 1024 + 1).await.expect("four units are free");
    let Err(Fault::Core(error)) = try_read(1).await else { panic!("nothing is free") };
    assert_eq!(error.kind, Kind::Busy);
    drop(first);
    drop(try_read(4 * 1024).await.expect("freed by the first"));
    assert!(try_read(4 * 1024 + 1).await.is_err());
    assert_eq!(memory.available_permits(), 4, "a refused body holds nothing");
}
