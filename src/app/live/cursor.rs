//! Opaque text encoding of feed positions (cursors).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{Error, Result};
use crate::store::live::position::FeedPosition;

/// Maximum length of a cursor made by this server.
const MAX_LEN: usize = 1024;

/// Returns the cursor of a position: base64url without padding.
pub fn to_text(position: &FeedPosition) -> String {
    URL_SAFE_NO_PAD.encode(position.encode())
}

/// # Errors
/// `Invalid` for the field `after`, unless a server of this version made the text.
pub fn parse(text: &str) -> Result<FeedPosition> {
    let bytes = (text.len() <= MAX_LEN).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten();
    bytes.and_then(|bytes| FeedPosition::decode(&bytes)).ok_or_else(|| {
        Error::field("after", "this is not a cursor: give the `cursor` of a message as it was received")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cursors_are_cursors() {
        let text = to_text(&FeedPosition::from_seq(7));
        assert_eq!(parse(&text).unwrap(), FeedPosition::from_seq(7));
        let long = "A".repeat(MAX_LEN + 1);
        for wrong in ["", "AA", "not a cursor", "AAAAAAAAAAAAAAAAAA", &format!("{text}A"), &text[1..], &long]
        {
            let error = parse(wrong).unwrap_err();
            assert_eq!(error.fields[0].field, "after", "{wrong}");
        }
    }
}
