//! Any bytes as a compressed body.

use std::io::Write;

use super::*;
use crate::app::body_memory::{Held, Holder};
use crate::domain::fuzz::{Decoder, Form, Target};

/// Of a decoded body here.
const LIMIT: usize = 4 << 20;

/// The encoding, then the body.
fn form() -> Form {
    let body = b"stream_id,ts,value\n1,2026-04-28T12:00:00Z,1.5\n".repeat(50);
    let mut gzip = flate2::write::GzEncoder::new(vec![0], flate2::Compression::default());
    gzip.write_all(&body).expect("into memory");
    let zstd = zstd::stream::encode_all(&body[..], 3).expect("into memory");
    let bomb = zstd::stream::encode_all(&vec![0; LIMIT * 4][..], 1).expect("into memory");
    let of = |encoding: u8, body: Vec<u8>| [vec![encoding], body].concat();
    let seeds =
        vec![gzip.finish().expect("into memory"), of(1, zstd.clone()), of(1, bomb), of(1, zstd.repeat(3))];
    Form { seeds, ..Form::default() }
}

fn decoder() -> Decoder {
    Box::new(|input| {
        let Some((encoding, body)) = input.split_first() else { return };
        let encoding = if encoding.is_multiple_of(2) { Encoding::Gzip } else { Encoding::Zstd };
        let wire = Counted { bytes: body.to_vec(), held: Held::nothing(Holder::Caller(0)), beside: 0 };
        drop(decode(encoding, wire, LIMIT));
    })
}

#[test]
fn compressed_bodies() {
    Target { module: module_path!(), name: "compressed_bodies", form, decoder }.run();
}
