//! Paths of tags: what they mean in a request, that their text parses back, and what is no path.

use proptest::prelude::*;

use super::*;

#[test]
fn a_path_is_segments() {
    // The first three are examples of 1756-PM020.
    for (text, segments) in [
        ("parts", "91 05 7061727473 00"),
        ("Program:dayshift.parts", "91 10 50726f6772616d3a6461797368696674 91 05 7061727473 00"),
        (
            "myarray[2].today.hourlycount[3]",
            "91 07 6d796172726179 00 28 02 91 05 746f646179 00 91 0b 686f75726c79636f756e74 00 28 03",
        ),
        ("a[255]", "91 01 61 00 28 ff"),
        ("a[256]", "91 01 61 00 29 00 00 01"),
        ("a[65536]", "91 01 61 00 2a 00 00 00 01 00"),
        ("a[1,2,3]", "91 01 61 00 28 01 28 02 28 03"),
        ("a.31", "91 01 61 00"),
        ("Local:1:I.Data.3", "91 09 4c6f63616c3a313a49 00 91 04 44617461"),
    ] {
        let path: TagPath = text.parse().unwrap();
        assert_eq!(hex::encode(path.encode()), segments.replace(' ', ""), "{text}");
        assert_eq!(path.to_string(), text);
    }
}

#[test]
fn a_bit_and_a_last_index_are_told_apart() {
    for (text, bit, index) in [
        ("a", None, None),
        ("a.3", Some(3), None),
        ("a[4]", None, Some(4)),
        ("a[4].3", Some(3), Some(4)),
        ("a[4,1]", None, None),
        ("a[4].b", None, None),
    ] {
        let path: TagPath = text.parse().unwrap();
        assert_eq!((path.bit(), path.last_index()), (bit, index), "{text}");
    }
    let path: TagPath = "a[4].3".parse().unwrap();
    assert_eq!(
        (path.without_bit().to_string(), path.with_last_index(0).to_string()),
        ("a[4]".into(), "a[0].3".into())
    );
    let path: TagPath = "a[4,1]".parse().unwrap();
    assert_eq!(path.with_last_index(0), path);
}

#[test]
fn letter_case_makes_no_difference() {
    let path: TagPath = "Program:Main.Speed[07]".parse().unwrap();
    assert_eq!(path, "program:main.speed[7]".parse().unwrap());
    assert_ne!(path, "program:main.speed[8]".parse().unwrap());
    assert_ne!(path, "program:main.speed".parse().unwrap());
}

#[test]
fn what_is_no_path_is_said() {
    let long = "a".repeat(401);
    let many = vec!["a"; 200].join(".");
    for (text, why) in [
        ("", "a name is letters"),
        ("3", "a name is letters"),
        ("a..b", "a name is letters"),
        ("a.", "a name is letters"),
        ("a b", "a name is letters"),
        ("hr:100.5x", "a name is letters"),
        ("a.b:c", "a name is letters"),
        ("Program:", "a name is letters"),
        ("tät", "a name is letters"),
        ("a.64", "a bit is a number from 0 to 63"),
        ("a.3.b", "a name is letters"),
        ("a[1", "an index ends with `]`"),
        ("a[1]b", "an index ends with `]`"),
        ("a[]", "one to three numbers"),
        ("a[-1]", "one to three numbers"),
        ("a[1,2,3,4]", "one to three numbers"),
        ("a[4294967296]", "one to three numbers"),
        (long.as_str(), "longer than 400 bytes"),
        (many.as_str(), "too long for a request"),
    ] {
        let error = text.parse::<TagPath>().unwrap_err().to_string();
        assert!(error.contains(why) && error.contains(FORM), "{text}: {error}");
        assert!(error.starts_with(&format!("`{text}` is no tag")), "{error}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_path_or_refused(text in "[a-zA-Z_0-9.:,\\[\\]é ]{0,60}") {
        if let Ok(path) = text.parse::<TagPath>() {
            prop_assert_eq!(path.to_string().parse::<TagPath>(), Ok(path.clone()));
            prop_assert!(path.encode().len() % 2 == 0 && path.encode().len() <= MAX_PATH_BYTES);
        }
    }
}
