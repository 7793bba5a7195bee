//! Fuzz test: any bytes as a form with files.

use super::*;
use crate::app::body_memory::{BodyMemoryReservation, MemoryHolder};
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat as Shape};

const BOUNDARY: &str = "x-4f1d";

fn shape() -> Shape {
    let part = |head: &str, body: &str| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
    };
    let file = part(
        "name=\"model\"; filename=\"C:\\\\a\\\\m.tflite\"\r\nContent-Type: application/octet-stream",
        "TFL3\0\0",
    );
    let texts = [
        part("name=\"source\"", "1,2"),
        part("name=\"threshold\"", "1e3"),
        part("name=\"a\"; filename*=UTF-8''%e2%82%ac", ""),
    ];
    let whole = format!("{file}{}--{BOUNDARY}--\r\n", texts.concat());
    Shape {
        seeds: vec![whole.into_bytes(), format!("{}--{BOUNDARY}--", texts[0]).into_bytes()],
        words: &[
            "--x-4f1d",
            "--x-4f1d--",
            "\r\n",
            "\r\n\r\n",
            "; name=\"",
            "filename=",
            "filename*=",
            "Content-Type: text/plain; charset=utf-7",
            "Content-Transfer-Encoding: base64",
            "Content-Disposition: form-data",
            "\"",
            "\\\"",
        ],
        nests: &[
            ("--x-4f1d\r\n", ""),
            ("\"", "\""),
            ("Content-Disposition: form-data; name=\"a\"\r\n", "\r\n"),
        ],
        ..Shape::default()
    }
}

fn decoder() -> Decoder {
    Box::new(|input| {
        drop(
            futures::executor::block_on(parse(
                Bytes::copy_from_slice(input),
                BOUNDARY.to_owned(),
                BodyMemoryReservation::empty(MemoryHolder::Caller(0)),
            ))
            .map(|_| ()),
        );
        // Any bytes as the content type, too.
        let head = &input[..input.len().min(200)];
        drop(multer::parse_boundary(format!("multipart/form-data; {}", String::from_utf8_lossy(head))));
    })
}

#[test]
fn forms() {
    FuzzTarget { module: module_path!(), name: "forms", form: shape, decoder }.run();
}
