//! Decoder of PostgreSQL frontend messages: pure, with every read checked.
//!
//! The decoder of `pgwire` is not used: it trusts lengths within a message and reads past its end. Protocol: PostgreSQL
//! 16, chapter 55.7, "Message Formats".

#![warn(clippy::missing_docs_in_private_items)]

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

/// Maximum length of a message before authentication, bytes.
pub const MAX_STARTUP_BYTES: usize = 10_000;

/// Code of a CancelRequest, in place of the protocol version.
const CANCEL_REQUEST_CODE: u32 = 80_877_102;
/// Code of an SSLRequest, in place of the protocol version.
const SSL_REQUEST_CODE: u32 = 80_877_103;
/// Code of a GSSENCRequest, in place of the protocol version.
const GSSENC_REQUEST_CODE: u32 = 80_877_104;

/// The first packet of a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum StartupPacket {
    /// SSLRequest: the client asks for TLS and waits for one byte.
    Ssl,
    /// GSSENCRequest: the client asks for GSSAPI encryption and waits for one byte.
    Gss,
    /// CancelRequest: cancels the statement of another connection.
    Cancel {
        /// Process id from BackendKeyData.
        pid: i32,
        /// Secret key from BackendKeyData; everything after the process id, of any length.
        secret: Bytes,
    },
    /// StartupMessage: opens a session.
    Startup {
        /// Major protocol version; always 3.
        major: u16,
        /// Minor protocol version, as the client asks for it.
        minor: u16,
        /// Names and values, such as `user` and `database`, in the order sent.
        parameters: Vec<(String, String)>,
    },
}

/// Object of a Describe or Close message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementOrPortal {
    /// A prepared statement, `S`.
    Statement,
    /// A portal, `P`.
    Portal,
}

/// A message of the client after startup, named as in the manual. Names may be empty: the unnamed statement or portal.
#[derive(Debug, PartialEq, Eq)]
pub enum FrontendMessage {
    /// PasswordMessage: the password in plain text.
    Password(String),
    /// Simple query: one or several statements.
    Query(String),
    /// Prepares a statement.
    Parse {
        /// Name of the statement.
        name: String,
        /// Text of the statement.
        query: String,
        /// Object ids of parameter types; 0 leaves a type open, and the list may be shorter than the parameters.
        types: Vec<u32>,
    },
    /// Binds parameter values to a statement and makes a portal.
    Bind(Bind),
    /// Asks for the parameters or columns of the named statement or portal.
    Describe(StatementOrPortal, String),
    /// `max_rows` 0 means all rows.
    Execute {
        /// Name of the portal.
        portal: String,
        /// Maximum number of rows to return.
        max_rows: usize,
    },
    /// Forgets the named statement or portal; an unknown name is no error.
    Close(StatementOrPortal, String),
    /// Ends a sequence of extended messages; after an error everything up to here is skipped.
    Sync,
    /// Asks for the responses so far.
    Flush,
    /// Closes the connection.
    Terminate,
}

/// Content of a Bind message.
#[derive(Debug, PartialEq, Eq)]
pub struct Bind {
    /// Name of the portal to make.
    pub portal: String,
    /// Name of the statement.
    pub statement: String,
    /// Empty, one for all, or one each; 0 is text, 1 binary.
    pub parameter_formats: Vec<i16>,
    /// Parameter values in their formats; `None` is NULL.
    pub values: Vec<Option<Bytes>>,
    /// Formats of the result columns, like `parameter_formats`.
    pub result_formats: Vec<i16>,
}

/// Bytes that are not a valid message; the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameError(pub String);

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns an error that gives this reason.
fn broken<T>(what: &str) -> Result<T, FrameError> {
    Err(FrameError(what.to_owned()))
}

/// Takes the startup packet off the buffer; `None` while it is incomplete.
pub fn read_startup_packet(buffer: &mut BytesMut) -> Result<Option<StartupPacket>, FrameError> {
    let Some(body) = take(buffer, 0, MAX_STARTUP_BYTES)? else { return Ok(None) };
    let mut body = MessageBody(body);
    let code = body.u32()?;
    let opening = match code {
        SSL_REQUEST_CODE => StartupPacket::Ssl,
        GSSENC_REQUEST_CODE => StartupPacket::Gss,
        CANCEL_REQUEST_CODE => {
            let pid = body.i32()?;
            return Ok(Some(StartupPacket::Cancel { pid, secret: body.0 }));
        }
        version => {
            let (major, minor) = ((version >> 16) as u16, (version & 0xffff) as u16);
            if major != 3 {
                return broken("this is not PostgreSQL's protocol, or not its version 3");
            }
            StartupPacket::Startup { major, minor, parameters: body.pairs()? }
        }
    };
    body.end()?;
    Ok(Some(opening))
}

/// A whole message of the client whose body is not decoded.
#[derive(Debug)]
pub struct RawMessage {
    /// Type of the message.
    tag: u8,
    /// Everything after type and length.
    body: Bytes,
}

impl RawMessage {
    /// Returns the length of the body.
    pub fn body_bytes(&self) -> usize {
        self.body.len()
    }

    /// Decodes the body.
    pub fn decode(self) -> Result<FrontendMessage, FrameError> {
        let mut body = MessageBody(self.body);
        let message = match self.tag {
            b'p' => FrontendMessage::Password(body.text()?),
            b'Q' => FrontendMessage::Query(body.text()?),
            b'P' => FrontendMessage::Parse {
                name: body.text()?,
                query: body.text()?,
                types: body.list(MessageBody::u32)?,
            },
            b'B' => FrontendMessage::Bind(body.bind()?),
            b'D' => FrontendMessage::Describe(body.target()?, body.text()?),
            b'E' => FrontendMessage::Execute {
                portal: body.text()?,
                max_rows: usize::try_from(body.i32()?).unwrap_or_default(),
            },
            b'C' => FrontendMessage::Close(body.target()?, body.text()?),
            b'S' => FrontendMessage::Sync,
            b'H' => FrontendMessage::Flush,
            b'X' => FrontendMessage::Terminate,
            _ => return broken("COPY FROM STDIN and function calls are not supported"),
        };
        body.end()?;
        Ok(message)
    }
}

/// Takes a message off the buffer; `None` while it is incomplete. One longer than `max` is refused by its head alone.
pub fn take_message(buffer: &mut BytesMut, max: usize) -> Result<Option<RawMessage>, FrameError> {
    let Some(&tag) = buffer.first() else { return Ok(None) };
    if !b"pQPBDECSHXdcfF".contains(&tag) {
        return broken("an unknown type of message");
    }
    Ok(take(buffer, 1, max)?.map(|body| RawMessage { tag, body }))
}

/// Takes a message off the buffer and decodes it.
pub fn read_message(buffer: &mut BytesMut, max: usize) -> Result<Option<FrontendMessage>, FrameError> {
    take_message(buffer, max)?.map(RawMessage::decode).transpose()
}

/// Returns the length of the first message as its header declares it; `None` while that is incomplete.
pub fn announced_length(buffer: &[u8]) -> Option<usize> {
    let length = buffer.get(1..5)?;
    Some(u32::from_be_bytes(length.try_into().expect("four bytes")) as usize)
}

/// Takes the body of the first message. Its length follows `head` bytes and includes itself.
fn take(buffer: &mut BytesMut, head: usize, max: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(length) = buffer.get(head..head + 4) else { return Ok(None) };
    let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
    if length < 4 {
        return broken("a message shorter than its own length");
    }
    if length > max {
        return Err(FrameError(format!("a message of {length} bytes; {max} are the most")));
    }
    if buffer.len() < head + length {
        return Ok(None);
    }
    buffer.advance(head + 4);
    Ok(Some(buffer.split_to(length - 4).freeze()))
}

/// Cursor over the body of one message.
struct MessageBody(Bytes);

impl MessageBody {
    /// Reads `count` bytes.
    fn bytes(&mut self, count: usize) -> Result<Bytes, FrameError> {
        if self.0.len() < count {
            return broken("a message that ends too early");
        }
        Ok(self.0.split_to(count))
    }

    /// Reads a big-endian number of four bytes without a sign.
    fn u32(&mut self) -> Result<u32, FrameError> {
        Ok(self.bytes(4)?.get_u32())
    }

    /// Reads a big-endian number of four bytes.
    fn i32(&mut self) -> Result<i32, FrameError> {
        Ok(self.bytes(4)?.get_i32())
    }

    /// Reads a big-endian number of two bytes.
    fn i16(&mut self) -> Result<i16, FrameError> {
        Ok(self.bytes(2)?.get_i16())
    }

    /// Reads a zero-terminated string.
    fn text(&mut self) -> Result<String, FrameError> {
        let Some(end) = self.0.iter().position(|byte| *byte == 0) else {
            return broken("a text without its end");
        };
        let text = self.0.split_to(end);
        self.0.advance(1);
        let text =
            std::str::from_utf8(&text).map_err(|_| FrameError("a text that is not UTF-8".to_owned()))?;
        Ok(text.to_owned())
    }

    /// Reads a count and that many items.
    fn list<T>(&mut self, each: fn(&mut MessageBody) -> Result<T, FrameError>) -> Result<Vec<T>, FrameError> {
        let count = self.bytes(2)?.get_u16();
        (0..count).map(|_| each(self)).collect()
    }

    /// Reads a length and that many bytes; `None`, which is NULL, for the length -1.
    fn value(&mut self) -> Result<Option<Bytes>, FrameError> {
        match self.i32()? {
            -1 => Ok(None),
            length => match usize::try_from(length) {
                Ok(length) => self.bytes(length).map(Some),
                Err(_) => broken("a value of negative length"),
            },
        }
    }

    /// Reads a Bind message and checks its formats.
    fn bind(&mut self) -> Result<Bind, FrameError> {
        let bind = Bind {
            portal: self.text()?,
            statement: self.text()?,
            parameter_formats: self.list(MessageBody::i16)?,
            values: self.list(MessageBody::value)?,
            result_formats: self.list(MessageBody::i16)?,
        };
        let fits = |formats: &[i16]| formats.iter().all(|format| matches!(format, 0 | 1));
        if !fits(&bind.parameter_formats) || !fits(&bind.result_formats) {
            return broken("a format that is neither text nor binary");
        }
        if bind.parameter_formats.len() > 1 && bind.parameter_formats.len() != bind.values.len() {
            return broken("the numbers of formats and of values differ");
        }
        Ok(bind)
    }

    /// Reads the letter of a statement or portal.
    fn target(&mut self) -> Result<StatementOrPortal, FrameError> {
        match self.bytes(1)?.get_u8() {
            b'S' => Ok(StatementOrPortal::Statement),
            b'P' => Ok(StatementOrPortal::Portal),
            _ => broken("neither a statement nor a portal"),
        }
    }

    /// Reads names and values until an empty name.
    fn pairs(&mut self) -> Result<Vec<(String, String)>, FrameError> {
        let mut pairs = Vec::new();
        loop {
            let name = self.text()?;
            if name.is_empty() {
                return Ok(pairs);
            }
            pairs.push((name, self.text()?));
        }
    }

    /// Checks that the whole message was read.
    fn end(&self) -> Result<(), FrameError> {
        if self.0.is_empty() { Ok(()) } else { broken("a message longer than what is in it") }
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
