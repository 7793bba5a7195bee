//! Fuzz target: any bytes as a request of either version, and as a block of Snappy.

use super::request::Request;
use super::version::Version;
use crate::app::ingest::snappy;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat};

/// Maximum content of a block here, bytes.
const LIMIT: usize = 1 << 20;

fn format() -> InputFormat {
    let v1 = b"\x0a\x26\x0a\x0e\x0a\x08__name__\x12\x02up\x12\x0c\x09\0\0\0\0\0\0\xf0\x3f\x10\x80\x89\x7a\
               \x22\x06\x08\x07\x78\x80\x89\x7a\x1a\x04\x08\x01\x12\x00";
    let v2 = b"\x22\x00\x22\x08__name__\x22\x02up\x2a\x14\x0a\x02\x01\x02\x12\x0e\x09\0\0\0\0\0\0\xf0\x3f\x10\x80\x89\x7a\
               \x18\x01";
    let block = |content: &[u8]| snap::raw::Encoder::new().compress_vec(content).expect("a short content");
    InputFormat {
        seeds: vec![v1.to_vec(), v2.to_vec(), block(v1), block(&[7; 300])],
        nests: &[("\u{a}\u{7f}", ""), ("\"\0", ""), ("*\u{2}\u{a}\0", "")],
        ..InputFormat::default()
    }
}

/// Reads everything, and checks that both passes over a sound body find the same.
fn read(input: &[u8]) {
    for version in [Version::V1, Version::V2] {
        let Ok(request) = Request::open(version, input) else { continue };
        let counted = request.count_readings();
        let (mut labels, mut readings, mut is_sound) = (Vec::new(), 0, true);
        for series in request.series() {
            let Ok(series) = series else {
                is_sound = false;
                break;
            };
            drop(series.labels(&mut labels));
            assert!(labels.len() <= 101);
            for point in series.points() {
                match point {
                    Ok(point) => readings += point.value.reading_count(),
                    Err(_) => is_sound = false,
                }
            }
        }
        assert_eq!(counted.ok(), is_sound.then_some(readings));
    }
    if let Ok(length) = snappy::decoded_len(input, LIMIT) {
        let content = snappy::decode(input);
        assert!(content.is_err() || content.is_ok_and(|content| content.len() == length));
    }
}

#[test]
fn remote_write() {
    let decoder = || -> Decoder { Box::new(read) };
    FuzzTarget { module: module_path!(), name: "remote_write", form: format, decoder }.run();
}
