//! Checks who gets compressed content and that all get the same.

use axum::body::to_bytes;
use axum::http::HeaderValue;
use axum::http::header::ACCEPT_ENCODING;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

use super::*;

fn request(encodings: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(encodings))])
}

#[test]
fn gzip_is_for_those_who_name_it() {
    let cases = [
        ("gzip", true),
        ("gzip, deflate", true),
        ("br;q=1.0, GZIP;q=0.5", true),
        ("gzip;q=0", false),
        ("gzip;q=many", false),
        ("identity", false),
        ("", false),
        ("gzipped", false),
    ];
    for (encodings, expected) in cases {
        assert_eq!(accepts_gzip(&request(encodings)), expected, "{encodings}");
    }
    assert!(!accepts_gzip(&HeaderMap::new()));
}

#[tokio::test]
async fn both_encodings_carry_the_same_content() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"let a = 1;").unwrap();
    let content: &'static [u8] = Box::leak(encoder.finish().unwrap().into_boxed_slice());

    let packed = compressed(content, &request("gzip")).unwrap();
    assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
    assert_eq!(to_bytes(packed.into_body(), 1000).await.unwrap(), content);

    let plain = compressed(content, &HeaderMap::new()).unwrap();
    assert!(!plain.headers().contains_key(CONTENT_ENCODING));
    assert_eq!(plain.headers()[VARY], "Accept-Encoding");
    assert_eq!(to_bytes(plain.into_body(), 1000).await.unwrap(), "let a = 1;");

    assert!(compressed(b"no gzip", &HeaderMap::new()).is_err());
}
