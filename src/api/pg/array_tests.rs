//! Tests of arrays in text and binary format, and of invalid ones.

use arrow::util::display::{ArrayFormatter, FormatOptions};
use proptest::prelude::*;

use super::*;

fn shown(array: &ArrayRef) -> String {
    let options = FormatOptions::default().with_null("∅");
    ArrayFormatter::try_new(array, &options).unwrap().value(0).to_string()
}

fn text(element: &Type, given: &str) -> Result<String, ArrayError> {
    from_text(element, given).map(|array| shown(&array))
}

#[test]
fn elements_are_read_as_postgresql_writes_them() {
    let rows = [
        ("numbers", Type::INT4, "{1,2,-3}", Ok("[1, 2, -3]")),
        ("blanks_around", Type::INT8, " { 1 , 2 } ", Ok("[1, 2]")),
        ("none", Type::INT4, "{}", Ok("[]")),
        ("nulls", Type::INT4, "{1,NULL,null}", Ok("[1, ∅, ∅]")),
        ("texts", Type::TEXT, "{a,b c}", Ok("[a, b c]")),
        ("quotes", Type::TEXT, r#"{"a,b","say \"x\"","{}","NULL",""}"#, Ok(r#"[a,b, say "x", {}, NULL, ]"#)),
        ("a_backslash_outside_of_quotes", Type::TEXT, r"{a\,b}", Ok("[a,b]")),
        ("times", Type::TIMESTAMPTZ, r#"{"2024-05-01 14:00:00+02"}"#, Ok("[2024-05-01T12:00:00Z]")),
        ("numbers_with_a_point", Type::NUMERIC, "{1.5,2}", Ok("[1.5, 2.0]")),
        ("bytes", Type::BYTEA, r#"{"\\x0aff",NULL}"#, Ok("[0aff, ∅]")),
        ("no_braces", Type::INT4, "1,2", Err(ArrayError::InvalidValue)),
        ("no_end", Type::INT4, "{1", Err(ArrayError::InvalidValue)),
        ("nothing_between_commas", Type::INT4, "{1,,2}", Err(ArrayError::InvalidValue)),
        ("a_comma_at_the_end", Type::INT4, "{1,}", Err(ArrayError::InvalidValue)),
        ("an_open_quote", Type::TEXT, "{\"a}", Err(ArrayError::InvalidValue)),
        ("behind_a_quote", Type::TEXT, "{\"a\"b}", Err(ArrayError::InvalidValue)),
        ("a_backslash_at_the_end", Type::TEXT, "{a\\}", Err(ArrayError::InvalidValue)),
        ("two_dimensions", Type::INT4, "{{1},{2}}", Err(ArrayError::InvalidValue)),
        ("no_number", Type::INT4, "{1,x}", Err(ArrayError::InvalidValue)),
        ("too_large", Type::INT2, "{70000}", Err(ArrayError::InvalidValue)),
    ];
    for (name, element, given, expected) in rows {
        assert_eq!(text(&element, given), expected.map(str::to_owned), "{name}");
    }
    let many = format!("{{{}}}", vec!["1"; MAX_ARRAY_ELEMENTS + 1].join(","));
    assert_eq!(text(&Type::INT4, &many), Err(ArrayError::TooManyElements));
    assert!(from_text(&Type::INT4, &many.replacen("1,", "", 1)).is_ok());
}

/// A one-dimensional int4 array as PostgreSQL sends it.
fn binary(elements: &[Option<i32>]) -> Vec<u8> {
    let head = [1, 0, 23, elements.len() as i32, 1].map(i32::to_be_bytes).concat();
    let one = |element: &Option<i32>| match element {
        Some(number) => [4i32.to_be_bytes(), number.to_be_bytes()].concat(),
        None => (-1i32).to_be_bytes().to_vec(),
    };
    [head, elements.iter().flat_map(one).collect()].concat()
}

#[test]
fn bytes_are_read_whole_or_not_at_all() {
    let whole = binary(&[Some(1), None, Some(-2)]);
    let read = |bytes: &[u8]| from_binary(&Type::INT4, Bytes::copy_from_slice(bytes)).map(|a| shown(&a));
    assert_eq!(read(&whole), Ok("[1, ∅, -2]".to_owned()));
    assert_eq!(read(&[0, 0, 23].map(i32::to_be_bytes).concat()), Ok("[]".to_owned()), "of no dimension");
    for end in 0..whole.len() {
        assert_eq!(read(&whole[..end]), Err(ArrayError::InvalidValue), "cut at {end}");
    }
    assert_eq!(read(&[&whole[..], &[0]].concat()), Err(ArrayError::InvalidValue), "longer than it says");
    let of_another = [1, 0, 20, 0, 1].map(i32::to_be_bytes).concat();
    let two_dimensions = [2, 0, 23, 1, 1, 1, 1].map(i32::to_be_bytes).concat();
    let endless = [1, 0, 23, i32::MAX, 1].map(i32::to_be_bytes).concat();
    let negative = [1, 0, 23, -1, 1].map(i32::to_be_bytes).concat();
    for (name, bytes, expected) in [
        ("another_type", of_another, ArrayError::InvalidValue),
        ("two_dimensions", two_dimensions, ArrayError::InvalidValue),
        ("endless", endless, ArrayError::TooManyElements),
        ("negative", negative, ArrayError::InvalidValue),
    ] {
        assert_eq!(read(&bytes), Err(expected), "{name}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64), text in ".{0,40}") {
        for (_, element) in types::ARRAY_TYPES {
            let _ = from_binary(&element, Bytes::from(bytes.clone()));
            let _ = from_text(&element, &text);
        }
    }

    #[test]
    fn texts_come_back_as_they_were(words in prop::collection::vec(prop::option::of(".{0,8}"), 0..6)) {
        let quote = |word: &Option<String>| match word {
            Some(word) => format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")),
            None => "NULL".to_owned(),
        };
        let input = format!("{{{}}}", words.iter().map(quote).collect::<Vec<_>>().join(","));
        prop_assert_eq!(parse(&input), Ok(words));
    }
}
