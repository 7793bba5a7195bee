//! Tests of the grammar, line by line, and that no bytes are too strange for it.

use proptest::prelude::*;

use super::fields::{FieldValue, Fields, parse_key};
use super::lines::Lines;
use super::series;
use super::timestamp::{self, Precision};
use crate::domain::Micros;

/// Series, fields and timestamp of a line.
type Sections<'a> = Option<(&'a str, &'a str, &'a str)>;
/// Keys and values of a section of fields.
type Pairs<'a> = Vec<(&'a str, FieldValue<'a>)>;

/// The sections of each line of a body, or `None` for a wrong one, with their numbers.
fn cut(body: &str) -> Vec<(usize, Sections<'_>)> {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    Lines::new(body.as_bytes())
        .map(|(number, line)| {
            (number, line.ok().map(|l| (text(l.series), text(l.fields), text(l.timestamp))))
        })
        .collect()
}

#[test]
fn a_body_is_cut_into_lines_and_sections() {
    type Row = (&'static str, Vec<(usize, Sections<'static>)>);
    let rows: Vec<Row> = vec![
        ("", vec![]),
        ("\n\n# a comment\n", vec![]),
        ("m v=1", vec![(1, Some(("m", "v=1", "")))]),
        ("m v=1 17\n", vec![(1, Some(("m", "v=1", "17")))]),
        (
            "m,t=a v=1,w=2 17\r\nm v=1\r\n",
            vec![(1, Some(("m,t=a", "v=1,w=2", "17"))), (2, Some(("m", "v=1", "")))],
        ),
        ("  m   v=1   17  ", vec![(1, Some(("m", "v=1", "17")))]),
        ("m,t=a\\ b v=1", vec![(1, Some(("m,t=a\\ b", "v=1", "")))]),
        ("m v=\"a b\" 17", vec![(1, Some(("m", "v=\"a b\"", "17")))]),
        ("m v=\"a\nb\" 17\nn v=1", vec![(1, Some(("m", "v=\"a\nb\"", "17"))), (3, Some(("n", "v=1", "")))]),
        ("m v=\"a\\\" b\" 17", vec![(1, Some(("m", "v=\"a\\\" b\"", "17")))]),
        ("m v=\"c:\\\\\" 17", vec![(1, Some(("m", "v=\"c:\\\\\"", "17")))]),
        // In a key a quote is a character like any other.
        ("m q\"q=1,r=\"a b\" 17", vec![(1, Some(("m", "q\"q=1,r=\"a b\"", "17")))]),
        ("m\nn v=1", vec![(1, None), (2, Some(("n", "v=1", "")))]),
        ("m \nn v=1", vec![(1, None), (2, Some(("n", "v=1", "")))]),
        ("m v=\"a\nn v=1", vec![(1, None), (2, Some(("n", "v=1", "")))]),
        ("m,t=a\\ v=1\nn v=1", vec![(1, None), (2, Some(("n", "v=1", "")))]),
    ];
    for (body, expected) in rows {
        assert_eq!(cut(body), expected, "{body:?}");
    }
}

#[test]
fn a_series_has_a_measurement_and_sorted_tags() {
    let rows = [
        ("m", Some("m|")),
        ("m,b=2,a=1", Some("m|a=1;b=2;")),
        ("my\\ m\\,x,t\\=a=b\\,c", Some("my m,x|t=a=b,c;")),
        ("m,t=c:\\dir", Some("m|t=c:\\dir;")),
        ("", None),
        (",t=a", None),
        ("m,", None),
        ("m,t", None),
        ("m,t=", None),
        ("m,=a", None),
        ("m,t=a=b", None),
        ("m,t=a,t=b", None),
    ];
    for (section, expected) in rows {
        let shown = series::parse(section.as_bytes()).ok().map(|series| {
            let tags: String = series.tags.iter().map(|(key, value)| format!("{key}={value};")).collect();
            format!("{}|{tags}", series.measurement)
        });
        assert_eq!(shown.as_deref(), expected, "{section}");
    }
    assert!(series::parse(b"m,t=\xff").is_err());
}

#[test]
fn fields_have_the_types_of_their_notation() {
    use FieldValue::{Bool, Float, Int, Text, Uint};
    let text = |text: &'static str| Text(text.into());
    let rows: Vec<(&str, Option<Pairs<'_>>)> = vec![
        ("v=1", Some(vec![("v", Float(1.0))])),
        ("v=-1.5e3,w=.5,x=1.", Some(vec![("v", Float(-1500.0)), ("w", Float(0.5)), ("x", Float(1.0))])),
        ("v=12i,w=-9223372036854775808i", Some(vec![("v", Int(12)), ("w", Int(i64::MIN))])),
        ("v=18446744073709551615u", Some(vec![("v", Uint(u64::MAX))])),
        ("v=t,w=FALSE", Some(vec![("v", Bool(true)), ("w", Bool(false))])),
        ("v=\"\",w=\"a,b=c\"", Some(vec![("v", text("")), ("w", text("a,b=c"))])),
        ("v=\"say \\\"a\\\" c:\\\\d \\n\"", Some(vec![("v", text("say \"a\" c:\\d \\n"))])),
        ("a\\ b\\=c\\,d=1", Some(vec![("a b=c,d", Float(1.0))])),
        ("v=9223372036854775808i", None),
        ("v=-1u", None),
        ("v=1.5i", None),
        ("v=+1", None),
        ("v=+1i", None),
        ("v=nan", None),
        ("v=inf", None),
        ("v=1e999", None),
        ("v=tRUE", None),
        ("v=a", None),
        ("v=\"a", None),
        ("v=\"a\"b", None),
        ("v=", None),
        ("=1", None),
        ("v", None),
        ("v=1,", None),
        ("v=1,,w=2", None),
    ];
    for (section, expected) in rows {
        let fields: Result<Vec<_>, _> = Fields::new(section.as_bytes()).collect();
        let fields = fields.ok().map(|fields| {
            fields.into_iter().map(|(key, value)| (parse_key(key).unwrap().into_owned(), value)).collect()
        });
        let expected: Option<Vec<_>> =
            expected.map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect());
        assert_eq!(fields, expected, "{section}");
    }
}

#[test]
fn timestamps_have_the_precision_of_the_request() {
    let rows = [
        ("", Precision::Seconds, Some(None)),
        ("1500", Precision::Nanoseconds, Some(Some(1))),
        ("-1", Precision::Nanoseconds, Some(Some(-1))),
        ("7", Precision::Microseconds, Some(Some(7))),
        ("7", Precision::Milliseconds, Some(Some(7_000))),
        ("7", Precision::Seconds, Some(Some(7_000_000))),
        ("7", Precision::Minutes, Some(Some(420_000_000))),
        ("7", Precision::Hours, Some(Some(25_200_000_000))),
        ("9223372036854775807", Precision::Hours, None),
        ("9223372036854775808", Precision::Nanoseconds, None),
        ("1.5", Precision::Seconds, None),
        ("1 2", Precision::Seconds, None),
    ];
    for (section, precision, expected) in rows {
        let found = timestamp::parse(section.as_bytes(), precision).ok();
        assert_eq!(found, expected.map(|ts| ts.map(Micros)), "{section} {precision:?}");
    }
}

fn escape(text: &str, escaped: &[char]) -> String {
    text.chars().flat_map(|c| escaped.contains(&c).then_some('\\').into_iter().chain([c])).collect()
}

proptest! {
    /// Names of any characters come back as they were, in every section.
    #[test]
    fn names_survive_escaping(
        measurement in "[a-z,= \"#é]{0,5}[a-z]",
        tag in "[a-z,= \"]{0,5}[a-z]",
        value in "[a-z,= \"]{0,5}[a-z]",
        field in "[a-z,= ]{0,5}[a-z]",
        text in "[a-z,= \"\\\\\n]{0,9}",
    ) {
        prop_assume!(!measurement.starts_with(['#', ' ']));
        let keys = [',', '=', ' '];
        let line = format!(
            "{},{}={} {}=\"{}\" 1000",
            escape(&measurement, &[',', ' ']),
            escape(&tag, &keys),
            escape(&value, &keys),
            escape(&field, &keys),
            escape(&text, &['"', '\\']),
        );
        let lines: Vec<_> = Lines::new(line.as_bytes()).collect();
        prop_assert_eq!(lines.len(), 1, "{}", line);
        let section = lines[0].1.as_ref().unwrap();
        let series = series::parse(section.series).unwrap();
        prop_assert_eq!(series.measurement.as_ref(), measurement);
        prop_assert_eq!(&series.tags, &[(tag.as_str().into(), value.as_str().into())]);
        let fields: Vec<_> = Fields::new(section.fields).map(Result::unwrap).collect();
        let key = parse_key(fields[0].0).unwrap();
        prop_assert_eq!(key.as_ref(), field);
        prop_assert_eq!(&fields[0].1, &FieldValue::Text(text.as_str().into()));
        prop_assert_eq!(section.timestamp, b"1000");
    }
}
