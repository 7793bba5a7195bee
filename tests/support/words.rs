//! Words that a text must have.

/// Expects all of these words in a text; a failure says what it is about and which word is missing.
#[track_caller]
pub fn assert_contains(text: &str, words: &[&str], what: &str) {
    for word in words {
        assert!(text.contains(word), "{what}: no `{word}` in: {text}");
    }
}
