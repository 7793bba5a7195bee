//! Random numbers that are the same every time, changes of bytes by them, packing, and how other files begin.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// How files of other kinds begin, by kind.
pub const OTHER_FILES: [(&str, &[u8]); 18] = [
    ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    ("jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
    ("pdf", b"%PDF-1.7\n"),
    ("zip", b"PK\x03\x04\x14\0\0\0\x08\0"),
    ("program", b"\x7fELF\x02\x01\x01\0"),
    ("script", b"#!/bin/sh\ntouch /tmp/basalt_malformed_ran\n"),
    ("json", b"{\"scale_\": [1.0], \"min_\": [0.0]}"),
    ("html", b"<!doctype html><script>alert(1)</script>"),
    ("csv", b"ts,value\n2026-01-01T00:00:00Z,1.0\n"),
    ("hdf5", b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0"),
    ("npy", b"\x93NUMPY\x01\0\x76\0{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"),
    ("onnx", b"\x08\x07\x12\x07pytorch\x1a\x03\x32\x2e\x30"),
    ("bz2", b"BZh91AY&SY"),
    ("xz", b"\xfd7zXZ\0\0\x04"),
    ("lzma", b"\x5d\0\0\x80\0\xff\xff\xff\xff"),
    ("lz4", b"\x04\x22\x4d\x18\x64\x40\xa7"),
    ("zstd", b"\x28\xb5\x2f\xfd\x04\x58"),
    ("older_tflite", b"\x1c\0\0\0TFL2\0\0\0\0"),
];

/// SplitMix64: small, and good enough to choose places.
pub struct Rng(pub u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below a bound; 0 if there is none below.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// A place and another after it.
    fn span(&mut self, len: usize) -> std::ops::Range<usize> {
        let (one, other) = (self.below(len), self.below(len));
        one.min(other)..one.max(other).max(one.min(other) + 1).min(len)
    }

    /// The bytes with one kind of change, and its name. Never the bytes themselves.
    pub fn mutate(&mut self, good: &[u8]) -> (&'static str, Vec<u8>) {
        loop {
            let (what, changed) = self.change(good);
            if changed != good {
                return (what, changed);
            }
        }
    }

    fn change(&mut self, good: &[u8]) -> (&'static str, Vec<u8>) {
        let mut bytes = good.to_vec();
        let what = match self.below(8) {
            0..=2 => {
                for _ in 0..1 + self.below(16) {
                    let at = self.below(bytes.len());
                    bytes[at] ^= 1 << self.below(8);
                }
                "flipped"
            }
            3 | 4 => {
                for _ in 0..1 + self.below(4) {
                    let at = self.below(bytes.len().saturating_sub(4)) & !3;
                    let words = [
                        0,
                        1,
                        0xffff,
                        0x7fff_ffff,
                        0x8000_0000,
                        0xffff_ffff,
                        0x4000_0000,
                        self.next() as u32,
                    ];
                    let word = words[self.below(words.len())].to_le_bytes();
                    bytes.splice(at..at + 4, word);
                }
                "overwritten"
            }
            5 => {
                let span = self.span(bytes.len());
                bytes.drain(span);
                "missing_a_piece"
            }
            6 => {
                let span = self.span(bytes.len());
                let at = self.below(bytes.len());
                let piece = bytes[span].to_vec();
                bytes.splice(at..at, piece);
                "with_a_piece_twice"
            }
            _ => {
                let (at, len) = (self.below(bytes.len()), 1 + self.below(64));
                let noise = self.bytes(len);
                bytes.splice(at..at, noise);
                "with_noise"
            }
        };
        (what, bytes)
    }
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).expect("memory takes it");
    packer.finish().expect("memory takes it")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).expect("memory takes it");
    packer.finish().expect("memory takes it")
}
