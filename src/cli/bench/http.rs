//! HTTP/1.1 over one kept connection, by hand: requests are encoded beforehand and the socket is waited for in place, so
//! that a figure has as little as possible of the client in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::{Error, Result};

/// Longer than any query may take.
const PATIENCE: Duration = Duration::from_secs(300);
pub const ARROW: &str = "application/vnd.apache.arrow.stream";

/// A connection to the server.
pub struct Connection(BufReader<TcpStream>);

/// A request as it goes over the wire.
#[derive(Clone)]
pub struct Request(Vec<u8>);

impl Request {
    pub fn get(key: &str, path: &str) -> Request {
        Request(format!("GET {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\n\r\n").into_bytes())
    }

    /// A statement to be answered in Arrow.
    pub fn sql(key: &str, query: &str, params: &Value) -> Request {
        Self::post(key, "/sql", ARROW, &json!({"query": query, "params": params}))
    }

    /// A question of GraphQL.
    pub fn graphql(key: &str, query: &str, variables: &Value) -> Request {
        Self::post(key, "/graphql", "application/json", &json!({"query": query, "variables": variables}))
    }

    fn post(key: &str, path: &str, accept: &str, body: &Value) -> Request {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\nAccept: {accept}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Request([head.into_bytes(), body.into_bytes()].concat())
    }
}

impl Connection {
    pub fn open(address: &str) -> Result<Connection> {
        let open = || -> std::io::Result<TcpStream> {
            let socket = TcpStream::connect(address)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            Ok(socket)
        };
        open().map(|socket| Connection(BufReader::with_capacity(1 << 16, socket))).map_err(broken)
    }

    /// The body of the answer, which must be 200 and whole.
    pub fn ask(&mut self, request: &Request) -> Result<Vec<u8>> {
        self.0.get_mut().write_all(&request.0).map_err(broken)?;
        let (status, length) = self.head()?;
        let body = match length {
            Some(length) => self.exactly(length)?,
            None => self.chunks()?,
        };
        if status == 200 {
            return Ok(body);
        }
        Err(Error::unavailable(format!("answered {status}: {}", String::from_utf8_lossy(&body))))
    }

    /// The status, and the body's length unless it comes in chunks.
    fn head(&mut self) -> Result<(u16, Option<usize>)> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| odd(&first))?;
        let mut length = None;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                return Ok((status, length));
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = Some(text.trim().parse().map_err(|_| odd(&line))?);
            }
        }
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(|_| odd(&line))?;
            if size == 0 {
                self.line()?;
                return Ok(body);
            }
            let from = body.len();
            body.resize(from + size, 0);
            self.0.read_exact(&mut body[from..]).map_err(broken)?;
            self.line()?;
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).map_err(broken)?;
        Ok(body)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line).map_err(broken)? == 0 {
            return Err(Error::unavailable("the server hung up before the answer was whole"));
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

fn broken(e: std::io::Error) -> Error {
    Error::unavailable("the connection to the server broke").because(e)
}

fn odd(line: &str) -> Error {
    Error::unavailable(format!("no HTTP: {line}"))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
