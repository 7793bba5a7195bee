//! Tests of API key secrets: generation, parsing and comparison.

use super::*;

#[test]
fn a_generated_secret_is_recognised_and_its_neighbour_is_not() {
    let (text, stored) = generate();
    assert_eq!(text.len(), GENERATED_SECRET_LEN);
    assert_eq!(stored.prefix, text[..PREFIX_LEN]);
    let presented = parse(&text).expect("our own form");
    assert!(matches(&stored, &presented));

    let last = if text.ends_with('a') { 'b' } else { 'a' };
    let neighbour = format!("{}{last}", &text[..GENERATED_SECRET_LEN - 1]);
    let presented = parse(&neighbour).expect("our own form");
    assert_eq!(presented.prefix, stored.prefix, "found by the same prefix");
    assert!(!matches(&stored, &presented), "and told apart by the hash");
}

#[test]
fn generated_secrets_differ() {
    let (a, b) = (generate().0, generate().0);
    assert_ne!(a[..PREFIX_LEN], b[..PREFIX_LEN]);
    assert_ne!(a[PREFIX_LEN..], b[PREFIX_LEN..]);
}

#[test]
fn what_can_be_a_secret() {
    let rows: [(&str, &str, bool); 7] = [
        ("thirty_two_characters_are_enough", &"x".repeat(32), true),
        ("thirty_one_are_not", &"x".repeat(31), false),
        ("the_longest", &"x".repeat(512), true),
        ("one_more", &"x".repeat(513), false),
        ("a_space_within", "correct horse battery staple correct horse", false),
        ("punctuation", "correct-horse.battery:staple/correct+horse=", true),
        ("letters_beyond_ascii", "größte-anlage-im-ganzen-werk-überhaupt", false),
    ];
    for (name, secret, expected) in rows {
        assert_eq!(parse(secret).is_some(), expected, "{name}");
    }
}

#[test]
fn a_chosen_secret_is_not_in_its_prefix() {
    let rows = [
        ("own_words", "my-own-secret-which-is-long-enough-to-use"),
        ("our_mark_but_not_our_length", "bslt_my-own-secret-which-is-long-enough"),
        ("our_length_but_not_our_alphabet", "bslt_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-"),
    ];
    for (name, secret) in rows {
        let stored = parse(secret).expect(name);
        assert_eq!(stored.prefix.len(), 16, "{name}");
        assert_eq!(stored.prefix, hex::encode(&stored.hash[..8]), "{name}");
        assert!(!secret.contains(&stored.prefix), "{name}");
    }
}
