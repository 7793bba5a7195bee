//! Tests of signed addresses: what they admit, until when, and that no changed one passes.

use proptest::prelude::*;

use super::*;

const NOW: Micros = Micros(1_777_377_600_000_000);
const PATH: &str = "/objects/a/b";

fn signer() -> PathSigner {
    PathSigner::new(&[7; SECRET_LEN])
}

fn query(text: &str) -> SignedQuery<'_> {
    let value = |name: &str| {
        let found = text.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_default()
    };
    SignedQuery {
        date: value("X-Amz-Date"),
        expires: value("X-Amz-Expires"),
        signature: value("X-Amz-Signature"),
    }
}

#[test]
fn it_admits_one_method_to_one_path_until_its_time_is_over() {
    let text = signer().sign("PUT", PATH, NOW, 900);
    assert!(text.starts_with("X-Amz-Date=20260428T120000Z&X-Amz-Expires=900&X-Amz-Signature="), "{text}");
    let after = |seconds: i64| Micros(NOW.0 + seconds * MICROS_PER_SECOND);
    for (name, method, path, now, expected) in [
        ("now", "PUT", PATH, NOW, true),
        ("at_the_last_moment", "PUT", PATH, Micros(after(900).0 - 1), true),
        ("over", "PUT", PATH, after(900), false),
        ("another_method", "GET", PATH, NOW, false),
        ("another_path", "PUT", "/objects/a/c", NOW, false),
    ] {
        assert_eq!(signer().admits(method, path, query(&text), now), expected, "{name}");
    }
    let other = PathSigner::new(&[8; SECRET_LEN]);
    assert!(!other.admits("PUT", PATH, query(&text), NOW), "another key");
}

#[test]
fn no_lifetime_is_longer_than_a_week() {
    let text = signer().sign("GET", PATH, NOW, MAX_LIFETIME_S + 1);
    assert!(!signer().admits("GET", PATH, query(&text), NOW));
}

#[test]
fn a_time_is_read_as_it_is_written() {
    for seconds in [0, 1, 951_782_400, 1_777_377_600, 9_214_646_399] {
        let at = Micros(seconds * MICROS_PER_SECOND);
        assert_eq!(parse_date(&date_text(at)), Some(at));
    }
    for text in
        ["", "20260428T120000", "20261328T120000Z", "20260428 120000Z", "2026é428T12000Z", "+0260428T120000Z"]
    {
        assert_eq!(parse_date(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn no_changed_address_passes(at in 0..200_usize, byte in 0x20..0x7f_u8) {
        let text = signer().sign("PUT", PATH, NOW, 900);
        let mut bytes = text.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        // Hexadecimal digits may be of either case.
        let is_same = changed.eq_ignore_ascii_case(&text);
        prop_assert!(is_same || !signer().admits("PUT", PATH, query(&changed), NOW), "{}", changed);
    }

    #[test]
    fn no_text_is_too_strange(date in ".{0,20}", expires in ".{0,12}", signature in ".{0,70}") {
        let query = SignedQuery { date: &date, expires: &expires, signature: &signature };
        prop_assert!(!signer().admits("PUT", PATH, query, NOW));
    }
}
