//! Fuzz test: any bytes as a compressed body.

use std::io::Write;

use super::*;
use crate::app::body_memory::{BodyMemoryReservation, MemoryHolder};
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat};

/// Limit of a decoded body in this test.
const LIMIT: usize = 4 << 20;

/// Input: one byte for the encoding, then the body.
fn form() -> InputFormat {
    let body = b"stream_id,ts,value\n1,2026-04-28T12:00:00Z,1.5\n".repeat(50);
    let mut gzip = flate2::write::GzEncoder::new(vec![0], flate2::Compression::default());
    gzip.write_all(&body).expect("into memory");
    let zstd = zstd::stream::encode_all(&body[..], 3).expect("into memory");
    let bomb = zstd::stream::encode_all(&vec![0; LIMIT * 4][..], 1).expect("into memory");
    let of = |encoding: u8, body: Vec<u8>| [vec![encoding], body].concat();
    let seeds =
        vec![gzip.finish().expect("into memory"), of(1, zstd.clone()), of(1, bomb), of(1, zstd.repeat(3))];
    InputFormat { seeds, ..InputFormat::default() }
}

fn decoder() -> Decoder {
    Box::new(|input| {
        let Some((encoding, body)) = input.split_first() else { return };
        let encoding = if encoding.is_multiple_of(2) { ContentEncoding::Gzip } else { ContentEncoding::Zstd };
        let wire = AccountedBuffer {
            bytes: body.to_vec(),
            reservation: BodyMemoryReservation::empty(MemoryHolder::Caller(0)),
            extra_bytes: 0,
        };
        drop(decode(encoding, wire, LIMIT));
    })
}

#[test]
fn compressed_bodies() {
    FuzzTarget { module: module_path!(), name: "compressed_bodies", form, decoder }.run();
}
