//! A PostgreSQL client as small as can be, which says exactly the messages it is told to.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Long enough for anything that is going to happen at all.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A message of the server: its type and what is in it.
pub type Message = (char, Bytes);

/// An error as the server tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct PgError {
    pub severity: String,
    pub code: String,
    pub message: String,
}

/// Rows as texts.
pub type Rows = Vec<Vec<Option<String>>>;

pub struct PgClient {
    socket: TcpStream,
    buffer: BytesMut,
    /// Number and secret, for requests to cancel.
    pub cancel_key: (i32, i32),
}

impl PgClient {
    /// Connects with a key, or says why not.
    pub async fn connect(address: &str, key: &str) -> Result<PgClient, PgError> {
        let mut pg = PgClient::open(address).await;
        pg.startup(&[("user", "anybody"), ("database", "plant")]).await;
        match pg.message().await.expect("an answer") {
            ('R', body) => assert_eq!(&body[..], [0, 0, 0, 3], "a password in the clear is asked for"),
            ('E', body) => return Err(parse_error(&body)),
            other => panic!("{other:?}"),
        }
        pg.send('p', &cstring(key)).await;
        for message in pg.until_ready().await? {
            if let ('K', mut body) = message {
                pg.cancel_key = (body.get_i32(), body.get_i32());
            }
        }
        Ok(pg)
    }

    /// A socket and nothing more.
    pub async fn open(address: &str) -> PgClient {
        let socket = TcpStream::connect(address).await.expect("it listens");
        PgClient { socket, buffer: BytesMut::new(), cancel_key: (0, 0) }
    }

    pub async fn startup(&mut self, parameters: &[(&str, &str)]) {
        let mut body = BytesMut::from(&[0, 3, 0, 0][..]);
        for (name, value) in parameters {
            body.extend_from_slice(&cstring(name));
            body.extend_from_slice(&cstring(value));
        }
        body.put_u8(0);
        self.raw(&framed(&body)).await;
    }

    /// Bytes as they are. A server that has hung up is told by the next read.
    pub async fn raw(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap_or(());
    }

    pub async fn send(&mut self, kind: char, body: &[u8]) {
        let mut bytes = vec![kind as u8];
        bytes.extend(framed(body));
        self.raw(&bytes).await;
    }

    /// The next message; `None` at the end of the connection.
    pub async fn message(&mut self) -> Option<Message> {
        loop {
            if self.buffer.len() >= 5 {
                let length = u32::from_be_bytes(self.buffer[1..5].try_into().unwrap()) as usize;
                if self.buffer.len() > length {
                    let kind = char::from(self.buffer.get_u8());
                    self.buffer.advance(4);
                    return Some((kind, self.buffer.split_to(length - 4).freeze()));
                }
            }
            let read = tokio::time::timeout(READ_TIMEOUT, self.socket.read_buf(&mut self.buffer)).await;
            // A reset is as good as a close.
            if read.expect("the server answers").unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Everything up to ReadyForQuery, or the error that came instead.
    pub async fn until_ready(&mut self) -> Result<Vec<Message>, PgError> {
        let (mut messages, mut error) = (Vec::new(), None);
        loop {
            match self.message().await {
                Some(('Z', body)) => {
                    messages.push(('Z', body));
                    return error.map_or(Ok(messages), Err);
                }
                Some(('E', body)) => error = Some(parse_error(&body)),
                Some(message) => messages.push(message),
                None => return Err(error.expect("the connection ends with a reason")),
            }
        }
    }

    /// Ends an extended query, and waits for what it has.
    pub async fn sync(&mut self) -> Result<Vec<Message>, PgError> {
        self.send('S', b"").await;
        self.until_ready().await
    }

    /// A simple query: the rows of its last statement that has any.
    pub async fn query(&mut self, text: &str) -> Result<Rows, PgError> {
        self.send('Q', &cstring(text)).await;
        Ok(rows(&self.until_ready().await?))
    }

    /// Parse, bind and execute with values as texts; `None` is null.
    pub async fn query_with_params(&mut self, text: &str, values: &[Option<&str>]) -> Result<Rows, PgError> {
        self.parse("", text, &[]).await;
        let values: Vec<_> = values.iter().map(|value| value.map(str::as_bytes)).collect();
        self.bind("", "", [0, 0], &values).await;
        self.send('E', b"\0\0\0\0\0").await;
        Ok(rows(&self.sync().await?))
    }

    pub async fn parse(&mut self, name: &str, text: &str, types: &[u32]) {
        let mut body = BytesMut::from(&[cstring(name), cstring(text)].concat()[..]);
        body.put_u16(types.len() as u16);
        types.iter().for_each(|oid| body.put_u32(*oid));
        self.send('P', &body).await;
    }

    /// The format of all values, then that of all columns: 0 is text, 1 binary.
    pub async fn bind(&mut self, portal: &str, name: &str, formats: [u16; 2], values: &[Option<&[u8]>]) {
        let mut body = BytesMut::from(&[cstring(portal), cstring(name)].concat()[..]);
        body.put_u16(1);
        body.put_u16(formats[0]);
        body.put_u16(values.len() as u16);
        for value in values {
            match value {
                Some(bytes) => {
                    body.put_u32(bytes.len() as u32);
                    body.put_slice(bytes);
                }
                None => body.put_i32(-1),
            }
        }
        body.put_u16(1);
        body.put_u16(formats[1]);
        self.send('B', &body).await;
    }

    pub async fn execute(&mut self, portal: &str, max_rows: i32) {
        let mut body = BytesMut::from(&cstring(portal)[..]);
        body.put_i32(max_rows);
        self.send('E', &body).await;
    }

    /// Asks to cancel what runs on a connection.
    pub async fn cancel(address: &str, (pid, secret): (i32, i32)) {
        let mut body = BytesMut::new();
        body.put_u32(80_877_102);
        body.put_i32(pid);
        body.put_i32(secret);
        let mut pg = PgClient::open(address).await;
        pg.raw(&framed(&body)).await;
        assert!(pg.message().await.is_none(), "a request to cancel has no answer");
    }
}

pub fn cstring(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&(4 + body.len() as u32).to_be_bytes()[..], body].concat()
}

/// The fields of an error.
pub fn parse_error(body: &Bytes) -> PgError {
    let field = |wanted: u8| {
        let found = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&wanted));
        String::from_utf8(found.unwrap_or(b"-")[1..].to_vec()).unwrap()
    };
    PgError { severity: field(b'S'), code: field(b'C'), message: field(b'M') }
}

/// The values of DataRow messages.
pub fn values(messages: &[Message]) -> Vec<Vec<Option<Bytes>>> {
    let of_row = |(_, body): &Message| {
        let mut body = body.clone();
        let count = body.get_u16();
        let mut value = || match body.get_i32() {
            -1 => None,
            length => Some(body.split_to(length as usize)),
        };
        (0..count).map(|_| value()).collect()
    };
    messages.iter().filter(|(kind, _)| *kind == 'D').map(of_row).collect()
}

pub fn rows(messages: &[Message]) -> Rows {
    let text = |value: Option<Bytes>| value.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
    values(messages).into_iter().map(|row| row.into_iter().map(text).collect()).collect()
}

/// The names of columns and the numbers of their types, from RowDescription messages.
pub fn columns(messages: &[Message]) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for (_, body) in messages.iter().filter(|(kind, _)| *kind == 'T') {
        let mut body = body.clone();
        for _ in 0..body.get_u16() {
            let end = body.iter().position(|byte| *byte == 0).expect("a name ends with a zero");
            let name = String::from_utf8(body.split_to(end).to_vec()).unwrap();
            // The zero, then the number of a table and that of its column.
            body.advance(1 + 4 + 2);
            found.push((name, body.get_u32()));
            // Length and modifier of the type, and the format.
            body.advance(2 + 4 + 2);
        }
    }
    found
}

/// The kinds of messages, in order.
pub fn kinds(messages: &[Message]) -> String {
    messages.iter().map(|(kind, _)| *kind).collect()
}
