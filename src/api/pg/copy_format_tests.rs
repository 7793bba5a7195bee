//! Tests of rows of COPY, which are those of PostgreSQL 16.

use super::*;

const CSV: CsvQuotes = CsvQuotes { quote: b'"', escape: b'"' };

fn written(format: &LineFormat, values: &[Option<&str>]) -> String {
    let mut out = BytesMut::new();
    format.write_row(values.iter().map(|value| value.map(str::as_bytes)), &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn texts_are_escaped() {
    let format = LineFormat { csv: None, has_header: false, delimiter: b'\t', null: "\\N".into() };
    for (values, expected) in [
        (&[Some("a"), None, Some("")][..], "a\t\\N\t\n"),
        (&[Some("\\N")], "\\\\N\n"),
        (&[Some("a\tb\nc\rd\\e")], "a\\tb\\nc\\rd\\\\e\n"),
        (&[Some("\u{8}\u{b}\u{c}\u{1}é")], "\\b\\v\\f\u{1}é\n"),
        (&[], "\n"),
    ] {
        assert_eq!(written(&format, values), expected);
    }
    let format = LineFormat { delimiter: b';', null: "none".into(), ..format };
    assert_eq!(written(&format, &[Some("a;b"), None, Some("a\tb")]), "a\\;b;none;a\\tb\n");
}

#[test]
fn csv_is_quoted_where_it_must_be() {
    let format = LineFormat { csv: Some(CSV), has_header: false, delimiter: b',', null: String::new() };
    for (values, expected) in [
        (&[Some("a"), None, Some("")][..], "a,,\"\"\n"),
        (&[Some("a,b"), Some("it \"is\"")], "\"a,b\",\"it \"\"is\"\"\"\n"),
        (&[Some("a\nb"), Some("a\r"), Some(" a ")], "\"a\nb\",\"a\r\", a \n"),
        (&[Some("\\.")], "\"\\.\"\n"),
        (&[Some("\\."), Some("\\")], "\\.,\\\n"),
    ] {
        assert_eq!(written(&format, values), expected);
    }
    let quotes = CsvQuotes { quote: b'\'', escape: b'\\' };
    let format = LineFormat { csv: Some(quotes), delimiter: b';', null: "none".into(), ..format };
    assert_eq!(
        written(&format, &[Some("it's \\"), Some("none"), None, Some(""), Some("a,b")]),
        "'it\\'s \\\\';'none';none;;a,b\n"
    );
}
