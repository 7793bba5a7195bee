//! Tests of forms with files, as clients and attackers send them.

use bytes::Bytes;
use proptest::prelude::*;

use super::{MultipartForm, parse};
use crate::app::body_memory::{BodyMemoryReservation, MemoryHolder};
use crate::app::fields::field_type::ANY_NUMBER;
use crate::domain::Result;

const BOUNDARY: &str = "x7";

fn form(parts: &[(&str, Option<&str>, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, file, content) in parts {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        out.extend(head.into_bytes());
        out.extend(content.as_bytes());
        out.extend(b"\r\n");
    }
    out.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    out
}

fn read(bytes: Vec<u8>) -> Result<MultipartForm> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let memory = BodyMemoryReservation::empty(MemoryHolder::Rows);
    runtime.block_on(parse(Bytes::from(bytes), BOUNDARY.to_owned(), memory))
}

#[test]
fn texts_and_files_are_told_apart() {
    let sent = form(&[
        ("name", None, " Furnace "),
        ("threshold", None, ""),
        ("model", Some("C:\\models\\m.tflite"), "TFL3"),
        ("model", Some("b.tflite"), "last"),
    ]);
    let mut form = read(sent).expect("it is a form");
    let file = form.file("model", &["tflite"]);
    assert_eq!((file.name.as_str(), file.bytes.as_slice()), ("b.tflite", &b"last"[..]));
    let mut name = None;
    form.fields.text_or_null("name", &mut name);
    let threshold = form.fields.read_or("threshold", ANY_NUMBER, Some(1.0));
    assert_eq!((name.as_deref(), threshold), (Some(" Furnace "), Some(1.0)));
    form.finish(Vec::new()).expect("nothing is wrong");
}

/// Rest 16: it was taken for a text, which its bytes are not.
#[test]
fn a_file_whose_name_is_beyond_ascii_is_a_file() {
    let head = "Content-Disposition: form-data; name=\"model\"; filename*=UTF-8''m%C3%BCller.tflite";
    let mut sent = format!("--{BOUNDARY}\r\n{head}\r\n\r\n").into_bytes();
    sent.extend(b"\xff\xfe");
    sent.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
    let file = read(sent).expect("it is a form").file("model", &["tflite"]);
    assert_eq!((file.name.as_str(), file.bytes.as_slice()), ("müller.tflite", &b"\xff\xfe"[..]));
}

#[test]
fn what_is_wrong_with_files() {
    let cases = [
        (None, "No file was submitted."),
        (Some(("m.bin", "x")), "File extension \"bin\" is not allowed. Allowed extensions are: joblib, pkl."),
        (Some(("m", "x")), "File extension \"\" is not allowed. Allowed extensions are: joblib, pkl."),
        (Some(("m.pkl", "")), "The submitted file is empty."),
    ];
    for (sent, expected) in cases {
        let parts: Vec<_> = sent.iter().map(|(name, content)| ("scaler", Some(*name), *content)).collect();
        let mut form = read(form(&parts)).expect("it is a form");
        form.file("scaler", &["joblib", "pkl"]);
        let error = form.finish(Vec::new()).expect_err("it is refused");
        assert_eq!(error.message, format!("scaler: {expected}"), "{sent:?}");
    }
}

#[test]
fn a_form_of_very_many_parts_is_refused() {
    let parts = |count: usize| form(&vec![("a", None, "1"); count]);
    assert!(read(parts(64)).is_ok());
    assert_eq!(read(parts(65)).err().map(|e| e.message).as_deref(), Some("a form may have 64 parts at most"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_damaged_form_is_an_error_or_a_form(at in 0_usize..400, byte in any::<u8>(), cut in 0_usize..400) {
        let mut sent = form(&[("model", Some("m.tflite"), "TFL3"), ("source", None, "1")]);
        let at = at % sent.len();
        sent[at] = byte;
        sent.truncate(sent.len().saturating_sub(cut % 40));
        if let Ok(mut form) = read(sent) {
            form.file("model", &["tflite"]);
        }
    }
}
