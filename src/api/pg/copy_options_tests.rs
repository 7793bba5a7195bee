//! Tests of the options of COPY.

use super::*;

fn read(text: &str) -> Result<CopyFormat, StatementRefusal> {
    parse(&mut TokenCursor::new(text))
}

fn csv(delimiter: u8, quote: u8, escape: u8, null: &str, has_header: bool) -> CopyFormat {
    let csv = Some(CsvQuotes { quote, escape });
    CopyFormat::Lines(LineFormat { csv, has_header, delimiter, null: null.into() })
}

fn text(delimiter: u8, null: &str, has_header: bool) -> CopyFormat {
    CopyFormat::Lines(LineFormat { csv: None, has_header, delimiter, null: null.into() })
}

#[test]
fn options_are_read_in_both_forms() {
    let plain_csv = csv(b',', b'"', b'"', "", false);
    let header_csv = csv(b',', b'"', b'"', "", true);
    for (words, expected) in [
        ("", text(b'\t', "\\N", false)),
        ("WITH (FORMAT text, HEADER)", text(b'\t', "\\N", true)),
        ("WITH (FORMAT csv)", plain_csv.clone()),
        ("(format 'CSV', header true)", header_csv.clone()),
        ("(HEADER off, FORMAT csv)", plain_csv.clone()),
        ("WITH CSV HEADER", header_csv.clone()),
        ("csv header", header_csv.clone()),
        ("WITH (FORMAT CSV, HEADER, ENCODING 'UTF8')", header_csv),
        (
            "WITH (FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE E'\\\\', NULL 'none')",
            csv(b';', b'\'', b'\\', "none", false),
        ),
        ("DELIMITER AS ';' NULL AS ''", text(b';', "", false)),
        ("WITH (FORMAT binary)", CopyFormat::Binary),
        ("BINARY", CopyFormat::Binary),
        ("CSV QUOTE AS '\\' DELIMITER E'\\t'", csv(b'\t', b'\\', b'\\', "", false)),
    ] {
        assert_eq!(read(words), Ok(expected), "{words}");
    }
}

#[test]
fn options_that_do_not_fit_are_refused() {
    for (words, code, names) in [
        ("WITH", "42601", "options must have the form"),
        ("WITH ()", "42601", "options must have the form"),
        ("WITH (FORMAT csv", "42601", "options must have the form"),
        ("WITH (FORMAT csv HEADER)", "42601", "options must have the form"),
        ("WITH CSV, HEADER", "42601", "options must have the form"),
        ("WITH (HEADER match)", "42601", "options must have the form"),
        ("WITH (FORMAT csv, FORMAT csv)", "42601", "FORMAT is given twice"),
        ("DELIMITER", "42601", "DELIMITER must be followed"),
        ("WITH (FORMAT)", "42601", "FORMAT must be followed"),
        ("WITH (FORMAT binary, HEADER)", "42601", "binary takes no HEADER"),
        ("BINARY NULL ''", "42601", "binary takes no"),
        ("CSV BINARY", "42601", "BINARY is given twice"),
        ("WITH (FORMAT parquet)", "22023", "text, csv or binary"),
        ("WITH (FORCE_QUOTE *)", "0A000", "not supported"),
        ("WITH (ENCODING 'latin1')", "0A000", "UTF8"),
        ("QUOTE '\"'", "0A000", "need the format csv"),
        ("WITH (DELIMITER '')", "22023", "DELIMITER must be one"),
        ("WITH (DELIMITER 'ab')", "22023", "DELIMITER must be one"),
        ("WITH (DELIMITER 'é')", "22023", "DELIMITER must be one"),
        ("WITH (DELIMITER E'\\n')", "22023", "DELIMITER must be one"),
        ("WITH (DELIMITER 'a')", "22023", "DELIMITER must not be"),
        ("CSV QUOTE ','", "22023", "QUOTE must differ"),
        ("CSV NULL 'a\"'", "22023", "NULL must not contain the quote"),
        ("CSV NULL 'a,'", "22023", "NULL must not contain the delimiter"),
        ("NULL E'a\\n'", "22023", "NULL must not contain an end"),
    ] {
        let refusal = read(words).unwrap_err();
        assert!(refusal.code == code && refusal.message.contains(names), "{words}: {refusal:?}");
    }
}
