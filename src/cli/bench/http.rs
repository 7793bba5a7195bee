//! HTTP/1.1 client over one kept connection, written by hand: requests are encoded beforehand and socket reads block in
//! place, so that a result contains as little client time as possible.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::{Error, Result};

/// Read timeout, longer than any query may take.
const READ_TIMEOUT: Duration = Duration::from_secs(300);
/// Status of a response that has no body.
const NO_CONTENT: u16 = 204;
/// Media type of an Arrow IPC stream, the form of bulk writes and of SQL answers.
pub const ARROW_MEDIA_TYPE: &str = "application/vnd.apache.arrow.stream";

/// A connection to the server.
pub struct HttpConnection(BufReader<TcpStream>);

/// An encoded request.
#[derive(Clone)]
pub struct HttpRequest(Vec<u8>);

impl HttpRequest {
    /// Encodes a GET with an API key.
    pub fn get(key: &str, path: &str) -> HttpRequest {
        Self::get_with(&format!("X-API-Key: {key}"), path)
    }

    /// Encodes a GET. `credential` is a line of the head.
    pub fn get_with(credential: &str, path: &str) -> HttpRequest {
        HttpRequest(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{credential}\r\n\r\n").into_bytes())
    }

    /// Encodes a SQL query to be answered in Arrow.
    pub fn sql(key: &str, query: &str, params: &Value) -> HttpRequest {
        let body = json!({"query": query, "params": params}).to_string();
        Self::post_with(&format!("X-API-Key: {key}"), "/sql", ARROW_MEDIA_TYPE, &body)
    }

    /// Encodes a GraphQL query.
    pub fn graphql(key: &str, query: &str, variables: &Value) -> HttpRequest {
        let body = json!({"query": query, "variables": variables}).to_string();
        Self::post_with(&format!("X-API-Key: {key}"), "/graphql", "application/json", &body)
    }

    /// Encodes a POST of JSON. `credential` is a line of the head.
    pub fn post_with(credential: &str, path: &str, accept: &str, body: &str) -> HttpRequest {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\n{credential}\r\nAccept: {accept}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        HttpRequest([head.as_bytes(), body.as_bytes()].concat())
    }
}

impl HttpConnection {
    /// Connects to `HOST:PORT`, without Nagle's delay of small requests.
    pub fn open(address: &str) -> Result<HttpConnection> {
        let open = || -> std::io::Result<TcpStream> {
            let socket = TcpStream::connect(address)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(READ_TIMEOUT))?;
            Ok(socket)
        };
        open().map(|socket| HttpConnection(BufReader::with_capacity(1 << 16, socket))).map_err(broken)
    }

    /// Sends a request; returns the body of the response, which must be complete, with the status 200 or 204.
    pub fn send(&mut self, request: &HttpRequest) -> Result<Vec<u8>> {
        self.0.get_mut().write_all(&request.0).map_err(broken)?;
        let (status, length) = self.head()?;
        let body = match length {
            _ if status == NO_CONTENT => return Ok(Vec::new()),
            Some(length) => self.read_exact_body(length)?,
            None => self.chunks()?,
        };
        if status == 200 {
            return Ok(body);
        }
        Err(Error::unavailable(format!("answered {status}: {}", String::from_utf8_lossy(&body))))
    }

    /// Reads the head: the status, and the body's length unless it is chunked.
    fn head(&mut self) -> Result<(u16, Option<usize>)> {
        let first = self.line()?;
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .ok_or_else(|| malformed_response_error(&first))?;
        let mut length = None;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                return Ok((status, length));
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = Some(text.trim().parse().map_err(|_| malformed_response_error(&line))?);
            }
        }
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(|_| malformed_response_error(&line))?;
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

    fn read_exact_body(&mut self, length: usize) -> Result<Vec<u8>> {
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
    Error::unavailable("the connection to the server broke").with_source(e)
}

fn malformed_response_error(line: &str) -> Error {
    Error::unavailable(format!("no HTTP: {line}"))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
