//! Decodes a server's messages from the bodies of their chunks.

use std::error::Error as _;
use std::io::{self, Read};
use std::slice::Iter;

use bytes::Bytes;
use opcua::core::{Message, ResponseMessage};
use opcua::types::{BinaryDecodable, Context, Error, NodeId, StatusCode};

use super::stack_bound::StackBoundReader;

/// Words of the library for a text, bytes or list beyond the limits of the decoding options.
const LIMIT_WORDS: &str = "exceeds decoding limit";

/// Decodes a message, however hostile. It may be in any number of chunks. One with bytes left over is refused: its values may be
/// shifted. The library leaves the dimensions of an array that has some and no elements to what follows it.
pub fn decode_message(bodies: &[Bytes], context: &Context<'_>) -> Result<ResponseMessage, Error> {
    let mut reader = StackBoundReader::new(BodyReader { bodies: bodies.iter(), body: &[] });
    let id = NodeId::decode(&mut reader, context)?;
    let kind = id.as_object_id().map_err(|_| Error::decoding(format!("{id} is not a kind of message")))?;
    let message = ResponseMessage::decode_by_object_id(&mut reader, kind, context).map_err(limit_error)?;
    match io::copy(&mut reader, &mut io::sink()) {
        Ok(0) => Ok(message),
        Ok(left) => Err(Error::decoding(format!("{left} bytes of the message are left over"))),
        Err(error) => Err(Error::decoding(error)),
    }
}

/// Tells a value that is too large from one that is invalid: the library gives both the same status.
fn limit_error(error: Error) -> Error {
    match error.source().map(ToString::to_string) {
        Some(words) if error.status() == StatusCode::BadDecodingError && words.contains(LIMIT_WORDS) => {
            Error::new(StatusCode::BadEncodingLimitsExceeded, words)
        }
        _ => error,
    }
}

/// Reads the bodies of chunks one after the other.
struct BodyReader<'a> {
    bodies: Iter<'a, Bytes>,
    /// Rest of the current body.
    body: &'a [u8],
}

impl Read for BodyReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.body.is_empty() {
            let Some(next) = self.bodies.next() else { return Ok(0) };
            self.body = next;
        }
        self.body.read(buffer)
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
