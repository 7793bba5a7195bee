//! Why a request failed, in the words of its innermost cause.

/// The innermost cause, without the URL.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(inner) = deepest.source() {
        deepest = inner;
    }
    let text = deepest.to_string();
    // The operating system's error number adds nothing.
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
