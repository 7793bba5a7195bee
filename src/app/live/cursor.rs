//! Cursors: a position as a text that means nothing to whoever holds it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{Error, Result};
use crate::store::live::position::Position;

/// Longer ones are none of ours.
const MAX_LEN: usize = 1024;

pub fn to_text(position: &Position) -> String {
    URL_SAFE_NO_PAD.encode(position.encode())
}

/// # Errors
/// `Invalid` of the field `after` for a text that no server of this version made.
pub fn parse(text: &str) -> Result<Position> {
    let bytes = (text.len() <= MAX_LEN).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten();
    bytes.and_then(|bytes| Position::decode(&bytes)).ok_or_else(|| {
        Error::field("after", "this is not a cursor: give the `cursor` of a message as it was received")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cursors_are_cursors() {
        let text = to_text(&Position::at(7));
        assert_eq!(parse(&text).unwrap(), Position::at(7));
        let long = "A".repeat(MAX_LEN + 1);
        for wrong in ["", "AA", "not a cursor", "AAAAAAAAAAAAAAAAAA", &format!("{text}A"), &text[1..], &long]
        {
            let error = parse(wrong).unwrap_err();
            assert_eq!(error.fields[0].field, "after", "{wrong}");
        }
    }
}
