//! Tests of plain and compressed bodies and their limits.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;

use super::{
    AccountedBuffer, BodyLimits, ContentEncoding, collect, decode, json_tree_bytes, read, read_json,
    read_unauthenticated, read_within,
};
use crate::api::error::HttpError;
use crate::app::body_memory::{BodyMemoryBudget, BodyMemoryLimits, BodyMemoryReservation, MemoryHolder};
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

/// Result of reading: the bytes, or a word for the error.
async fn outcome(encoding: &str, wire: Vec<u8>) -> Result<Vec<u8>, String> {
    match read(&headers(encoding), Body::from(wire), 1000).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(HttpError::Domain(e)) if e.kind == Kind::TooLarge => Err("too large".into()),
        Err(HttpError::Domain(e)) if e.kind == Kind::Invalid => Err("invalid".into()),
        Err(HttpError::UnsupportedMediaType(name)) => Err(format!("unsupported {name}")),
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
    let Err(HttpError::Domain(error)) = read(&headers, never, 1000).await else { panic!("must be refused") };
    assert_eq!(error.kind, Kind::TooLarge);
}

#[tokio::test]
async fn all_bodies_together_are_bounded() {
    let shares = BodyMemoryLimits {
        total: 256 << 10,
        bodies: 128 << 10,
        caller: 64 << 10,
        max_anonymous: 0,
        max_per_address: 0,
        resident_memory_limit: usize::MAX,
        wait_timeout: Duration::ZERO,
    };
    let account = Arc::new(BodyMemoryBudget::new(shares));
    let try_read = async |caller: u64, bytes: usize| {
        let reservation = BodyMemoryReservation::with_budget(account.clone(), MemoryHolder::Caller(caller));
        let mut body = Body::from(vec![1; bytes]);
        collect(&HeaderMap::new(), &mut body, 1 << 20, reservation).await
    };
    let first = try_read(1, 40 << 10).await.expect("its share is free");
    let Err(HttpError::Domain(error)) = try_read(1, 40 << 10).await else { panic!("a caller has a share") };
    assert_eq!(error.kind, Kind::Busy);
    let second = try_read(2, 60 << 10).await.expect("another caller has its own");
    assert!(try_read(3, 60 << 10).await.is_err(), "all of them together");
    drop((first, second));
    drop(try_read(3, 60 << 10).await.expect("freed by the others"));
    assert!(try_read(3, 65 << 10).await.is_err());
    assert_eq!(account.used(), 0, "a refused body holds nothing");
}

/// A block of Snappy of 3,137,007 bytes begins with the bytes of a byte order mark: what may be binary is left as it is.
#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_a_text() {
    let mut media = headers("identity");
    media.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    for (wire, text) in [(&b"\xef\xbb\xbf[1]"[..], &b"[1]"[..]), (b"[1]", b"[1]"), (b"\xef\xbb", b"\xef\xbb")]
    {
        let body = || Body::from(wire.to_vec());
        assert_eq!(read(&media, body(), 1000).await.unwrap(), text);
        assert_eq!(read(&headers("gzip"), Body::from(gzip(wire)), 1000).await.unwrap(), text);
        assert_eq!(read_json(&media, body(), 1000, "secret").await.unwrap(), text);
        assert_eq!(read_unauthenticated(&media, body(), None).await.unwrap(), text);
        let limits = BodyLimits { wire: 1000, decoded: 1000 };
        assert_eq!(read_within(&media, body(), limits).await.unwrap(), wire);
    }
}

#[tokio::test]
async fn what_is_allocated_is_what_is_counted() {
    let plain: Vec<u8> = (0..3_000_000_u32).map(|i| (i / 7) as u8).collect();
    let packed = gzip(&plain);
    // A correct declared length, another member after it, and a wrong declared length.
    let (mut members, mut lies) = ([packed.clone(), gzip(b"x")].concat(), packed.clone());
    let end = lies.len();
    lies[end - 4..].fill(0xff);
    let zstd_whole = zstd::bulk::compress(&plain, 1).unwrap();
    let zstd_streamed = zstd::encode_all(&plain[..], 1).unwrap();
    members.shrink_to_fit();
    for (name, encoding, wire, expected) in [
        ("gzip", ContentEncoding::Gzip, packed, Some(plain.len())),
        ("gzip_of_two_members", ContentEncoding::Gzip, members, Some(plain.len() + 1)),
        ("gzip_that_lies", ContentEncoding::Gzip, lies, None),
        ("zstd", ContentEncoding::Zstd, zstd_whole, Some(plain.len())),
        ("zstd_without_its_length", ContentEncoding::Zstd, zstd_streamed, Some(plain.len())),
    ] {
        let much = 64 << 20;
        let shares = BodyMemoryLimits {
            total: much,
            bodies: much,
            caller: much,
            max_anonymous: 0,
            max_per_address: 0,
            resident_memory_limit: usize::MAX,
            wait_timeout: Duration::ZERO,
        };
        let account = Arc::new(BodyMemoryBudget::new(shares));
        let mut reservation = BodyMemoryReservation::with_budget(account.clone(), MemoryHolder::Caller(1));
        reservation.try_grow_to(wire.capacity()).unwrap();
        let decoded = decode(encoding, AccountedBuffer { bytes: wire, reservation, extra_bytes: 0 }, 8 << 20);
        assert_eq!(decoded.as_ref().ok().map(|decoded| decoded.bytes.len()), expected, "{name}");
        let Ok(decoded) = decoded else { continue };
        let decoded = Bytes::from_owner(decoded);
        assert!((decoded.len()..=2 * decoded.len()).contains(&account.used()), "{name}: {}", account.used());
        let part = decoded.slice(10..20);
        drop(decoded);
        assert!(account.used() > 0, "{name}: a part of it holds all of it");
        drop(part);
        assert_eq!(account.used(), 0, "{name}");
    }
}

/// A body of undeclared decoded length takes no more memory than one that declares it.
#[test]
fn the_largest_bodies_fit_the_share_of_a_caller() {
    let shares = BodyMemoryLimits {
        total: 112 << 20,
        bodies: 112 << 20,
        caller: 112 << 20,
        max_anonymous: 0,
        max_per_address: 0,
        resident_memory_limit: usize::MAX,
        wait_timeout: Duration::ZERO,
    };
    // Undeclared lengths up to the limit; below it, doubling alone would take 64 MiB and 70 more.
    for (name, plain, fits) in [("below", 70 << 20, true), ("above", (70 << 20) + 1, false)] {
        let wire = zstd::encode_all(&vec![7_u8; plain][..], 1).unwrap();
        let reservation = BodyMemoryReservation::with_budget(
            Arc::new(BodyMemoryBudget::new(shares)),
            MemoryHolder::Caller(1),
        );
        let decoded = decode(
            ContentEncoding::Zstd,
            AccountedBuffer { bytes: wire, reservation, extra_bytes: 0 },
            70 << 20,
        );
        match decoded {
            Ok(decoded) => assert!(fits && decoded.bytes.len() == plain, "{name}"),
            Err(error) => assert!(!fits && error.kind == Kind::TooLarge, "{name}: {error:?}"),
        }
    }
}

#[test]
fn values_are_counted_before_they_are_parsed() {
    let list = |count: usize| format!("[{}1]", "1,".repeat(count)).into_bytes();
    assert_eq!(json_tree_bytes(&list(1000)).unwrap(), 0, "small");
    assert_eq!(json_tree_bytes(&list(100_000)).unwrap(), 6_400_128);
    assert_eq!(json_tree_bytes(&vec![b'x'; 10 << 20]).unwrap(), 0, "one text");
    assert_eq!(json_tree_bytes(&list(5_000_000)).unwrap_err().kind, Kind::TooLarge);
}

/// NDJSON is read line by line: its values are never there all at once. A body of it may be as long as any other.
#[tokio::test]
async fn only_what_is_parsed_as_a_whole_is_counted_by_its_values() {
    let many_values = vec![b','; 5_000_000];
    let limits = BodyLimits { wire: 8 << 20, decoded: 8 << 20 };
    let of_media = |media: &str| {
        let mut headers = headers("identity");
        headers.insert("x-api-key", "one with a share of its own".parse().unwrap());
        headers.insert(header::CONTENT_TYPE, media.parse().unwrap());
        headers
    };
    for (media, is_read) in [("application/json", false), ("text/csv", true)] {
        let whole = read(&of_media(media), Body::from(many_values.clone()), limits.wire).await;
        assert_eq!(whole.is_ok(), is_read, "{media}: {:?}", whole.err());
    }
    let ndjson = of_media("application/x-ndjson");
    assert!(read_within(&ndjson, Body::from(many_values), limits).await.is_ok());
}
