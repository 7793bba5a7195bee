//! The messages of a PostgreSQL client, from bytes: pure, and every read checked.
//!
//! `pgwire` has a decoder too; it takes lengths within a message at their word and reads past its end. Protocol: PostgreSQL
//! 16, chapter 55.7, "Message Formats".

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

/// Longest message before a client is known.
pub const MAX_OPENING: usize = 10_000;

const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;

/// What a connection begins with.
#[derive(Debug, PartialEq, Eq)]
pub enum Opening {
    Ssl,
    Gss,
    Cancel { pid: i32, secret: Bytes },
    Startup { major: u16, minor: u16, parameters: Vec<(String, String)> },
}

/// A statement or a portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Statement,
    Portal,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    Password(String),
    Query(String),
    Parse {
        name: String,
        query: String,
        types: Vec<u32>,
    },
    Bind(Bind),
    Describe(Target, String),
    /// Zero rows are all of them.
    Execute {
        portal: String,
        max_rows: usize,
    },
    Close(Target, String),
    Sync,
    Flush,
    Terminate,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Bind {
    pub portal: String,
    pub statement: String,
    /// None, one for all, or one each; 0 is text, 1 binary.
    pub formats: Vec<i16>,
    pub values: Vec<Option<Bytes>>,
    /// As `formats`, of the columns of the answer.
    pub columns: Vec<i16>,
}

/// Bytes that are no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameError(pub String);

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn broken<T>(what: &str) -> Result<T, FrameError> {
    Err(FrameError(what.to_owned()))
}

/// Takes the opening message off the buffer; `None` while it is incomplete.
pub fn opening(buffer: &mut BytesMut) -> Result<Option<Opening>, FrameError> {
    let Some(body) = take(buffer, 0, MAX_OPENING)? else { return Ok(None) };
    let mut body = Body(body);
    let code = body.u32()?;
    let opening = match code {
        SSL => Opening::Ssl,
        GSS => Opening::Gss,
        CANCEL => {
            let pid = body.i32()?;
            return Ok(Some(Opening::Cancel { pid, secret: body.0 }));
        }
        version => {
            let (major, minor) = ((version >> 16) as u16, (version & 0xffff) as u16);
            if major != 3 {
                return broken("this is not PostgreSQL's protocol, or not its version 3");
            }
            Opening::Startup { major, minor, parameters: body.pairs()? }
        }
    };
    body.end()?;
    Ok(Some(opening))
}

/// Takes a message off the buffer; `None` while it is incomplete. One longer than `max` is refused by its head alone.
pub fn message(buffer: &mut BytesMut, max: usize) -> Result<Option<Message>, FrameError> {
    let Some(&tag) = buffer.first() else { return Ok(None) };
    if !b"pQPBDECSHXdcfF".contains(&tag) {
        return broken("an unknown type of message");
    }
    let Some(body) = take(buffer, 1, max)? else { return Ok(None) };
    let mut body = Body(body);
    let message = match tag {
        b'p' => Message::Password(body.text()?),
        b'Q' => Message::Query(body.text()?),
        b'P' => Message::Parse { name: body.text()?, query: body.text()?, types: body.list(Body::u32)? },
        b'B' => Message::Bind(body.bind()?),
        b'D' => Message::Describe(body.target()?, body.text()?),
        b'E' => Message::Execute {
            portal: body.text()?,
            max_rows: usize::try_from(body.i32()?).unwrap_or_default(),
        },
        b'C' => Message::Close(body.target()?, body.text()?),
        b'S' => Message::Sync,
        b'H' => Message::Flush,
        b'X' => Message::Terminate,
        _ => return broken("COPY and function calls are not spoken here"),
    };
    body.end()?;
    Ok(Some(message))
}

/// The length of the message at the front, as its head says; `None` while that is not there.
pub fn announced(buffer: &[u8]) -> Option<usize> {
    let length = buffer.get(1..5)?;
    Some(u32::from_be_bytes(length.try_into().expect("four bytes")) as usize)
}

/// The body of the message at the front, whose length stands after `head` bytes and counts itself.
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

/// The body of one message, read from the front.
struct Body(Bytes);

impl Body {
    fn bytes(&mut self, count: usize) -> Result<Bytes, FrameError> {
        if self.0.len() < count {
            return broken("a message that ends too early");
        }
        Ok(self.0.split_to(count))
    }

    fn u32(&mut self) -> Result<u32, FrameError> {
        Ok(self.bytes(4)?.get_u32())
    }

    fn i32(&mut self) -> Result<i32, FrameError> {
        Ok(self.bytes(4)?.get_i32())
    }

    fn i16(&mut self) -> Result<i16, FrameError> {
        Ok(self.bytes(2)?.get_i16())
    }

    /// Up to a zero byte, which is taken too.
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

    /// A count, and so many.
    fn list<T>(&mut self, each: fn(&mut Body) -> Result<T, FrameError>) -> Result<Vec<T>, FrameError> {
        let count = self.bytes(2)?.get_u16();
        (0..count).map(|_| each(self)).collect()
    }

    fn value(&mut self) -> Result<Option<Bytes>, FrameError> {
        match self.i32()? {
            -1 => Ok(None),
            length => match usize::try_from(length) {
                Ok(length) => self.bytes(length).map(Some),
                Err(_) => broken("a value of negative length"),
            },
        }
    }

    fn bind(&mut self) -> Result<Bind, FrameError> {
        let bind = Bind {
            portal: self.text()?,
            statement: self.text()?,
            formats: self.list(Body::i16)?,
            values: self.list(Body::value)?,
            columns: self.list(Body::i16)?,
        };
        let fits = |formats: &[i16]| formats.iter().all(|format| matches!(format, 0 | 1));
        if !fits(&bind.formats) || !fits(&bind.columns) {
            return broken("a format that is neither text nor binary");
        }
        if bind.formats.len() > 1 && bind.formats.len() != bind.values.len() {
            return broken("another number of formats than of values");
        }
        Ok(bind)
    }

    fn target(&mut self) -> Result<Target, FrameError> {
        match self.bytes(1)?.get_u8() {
            b'S' => Ok(Target::Statement),
            b'P' => Ok(Target::Portal),
            _ => broken("neither a statement nor a portal"),
        }
    }

    /// Names and values, until an empty name.
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

    fn end(&self) -> Result<(), FrameError> {
        if self.0.is_empty() { Ok(()) } else { broken("a message longer than what is in it") }
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
