//! HTTP requests of devices with protocol `http`, and their results. A request is built from the device's settings
//! alone; the fetcher decides whether its URL may be reached.

use std::time::Duration;

use serde_json::{Map, Value};

use super::FieldError;

/// Maximum response size, bytes.
pub const MAX_RESPONSE_BYTES: usize = 1024 * 1024;
const MAX_HEADERS: usize = 32;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

/// Headers managed by the connection. A wrong value would change how a server delimits or routes the request.
const RESERVED_HEADERS: [&str; 6] =
    ["connection", "content-length", "host", "transfer-encoding", "upgrade", "proxy-authorization"];

/// Supported request methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// `GET`, the default.
    Get,
    /// `POST` with an empty body; after a redirect other than 307 and 308 `GET`, as in browsers.
    Post,
}

/// One request to a server.
#[derive(Clone, PartialEq)]
pub struct HttpRequest {
    /// Absolute `http` or `https` URL; its path and query may hold secrets.
    pub url: String,
    /// Request method.
    pub method: HttpMethod,
    /// Like `login`, sent only to the named server, never to one that it redirects to.
    pub headers: Vec<(String, String)>,
    /// User name and password.
    pub login: Option<(String, String)>,
    /// Covers everything from the name look-up to the last byte.
    pub timeout: Duration,
    /// Largest body accepted, bytes; a longer one is `HttpError::Malformed`.
    pub max_bytes: usize,
}

/// A server's response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code of the last response after redirects.
    pub status: u16,
    /// Empty unless the status is a success.
    pub body: Vec<u8>,
}

/// Reason a request has no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    /// The URL, or a redirect target, is blocked by the egress policy.
    NotAllowed,
    /// No connection to the server.
    Unreachable(String),
    /// The connection failed during the response.
    Interrupted(String),
    /// The response was not complete within the request's timeout.
    Timeout,
    /// The response is not HTTP, is too large, or redirects too often.
    Malformed(String),
}

impl HttpRequest {
    /// Builds a request without a login from a device's settings.
    ///
    /// # Errors
    /// The invalid settings, for the fields `host` and `metadata`.
    pub fn from_settings(
        host: &str,
        port: Option<u16>,
        metadata: &Map<String, Value>,
    ) -> Result<HttpRequest, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let url = url(host, port).map_err(|problem| wrong.push(problem)).ok();
        let method = method(metadata).map_err(|problem| wrong.push(problem)).ok();
        let headers = headers(metadata).map_err(|problem| wrong.push(problem)).ok();
        let (Some(url), Some(method), Some(headers)) = (url, method, headers) else { return Err(wrong) };
        let (login, timeout, max_bytes) = (None, DEFAULT_TIMEOUT, MAX_RESPONSE_BYTES);
        Ok(HttpRequest { url, method, headers, login, timeout, max_bytes })
    }

    /// Scheme, host and port: the part of the URL that may be shown. Path and query may hold secrets.
    pub fn origin(&self) -> &str {
        let after = self.url.find("://").map_or(0, |at| at + 3);
        let end = self.url[after..].find(['/', '?', '#']).map_or(self.url.len(), |at| after + at);
        &self.url[..end]
    }
}

/// Checks that a path is a JSON pointer (RFC 6901): empty for the whole document, else parts that each begin with a
/// slash.
pub fn check_json_pointer(path: &str) -> Result<(), FieldError> {
    let is_escaped = path.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if is_escaped && (path.is_empty() || path.starts_with('/')) {
        return Ok(());
    }
    let message = "This is no JSON pointer: use one such as /data/0/temperature, with ~1 for a slash and ~0 for a tilde.";
    Err(FieldError::new("path", message))
}

fn url(host: &str, port: Option<u16>) -> Result<String, FieldError> {
    let wrong = |message: &str| FieldError::new("host", message);
    let rest = host.strip_prefix("http://").or_else(|| host.strip_prefix("https://"));
    let is_clean = !host.contains(|c: char| c.is_whitespace() || c.is_control());
    let Some(rest) = rest.filter(|_| is_clean) else {
        return Err(wrong("Enter a valid URL, such as http://192.168.0.5/status.json."));
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err(wrong("The URL must not contain credentials: use username and password."));
    }
    // Colons inside the brackets of an IPv6 address do not separate the port.
    let name_end = authority.rfind(']').map_or(0, |at| at + 1);
    let port_text = authority[name_end..].rsplit_once(':').map(|(_, port)| port);
    if authority.is_empty()
        || authority.starts_with(':')
        || port_text.is_some_and(|port| port.parse::<u16>().is_err())
    {
        return Err(wrong("Enter a valid URL, such as http://192.168.0.5/status.json."));
    }
    match (port_text, port) {
        (None, Some(port)) => {
            let scheme = &host[..host.len() - rest.len()];
            Ok(format!("{scheme}{authority}:{port}{path}"))
        }
        _ => Ok(host.to_owned()),
    }
}

fn method(metadata: &Map<String, Value>) -> Result<HttpMethod, FieldError> {
    match metadata.get("method").filter(|value| !value.is_null()) {
        None => Ok(HttpMethod::Get),
        Some(value) => match value.as_str() {
            Some("GET") => Ok(HttpMethod::Get),
            Some("POST") => Ok(HttpMethod::Post),
            _ => {
                Err(FieldError::new("metadata", format!("method: {value} is not one of \"GET\", \"POST\".")))
            }
        },
    }
}

fn headers(metadata: &Map<String, Value>) -> Result<Vec<(String, String)>, FieldError> {
    let wrong = |message: String| FieldError::new("metadata", message);
    let Some(input) = metadata.get("headers").filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let Some(input) = input.as_object() else {
        return Err(wrong(format!("headers: {input} is not an object of names and strings.")));
    };
    if input.len() > MAX_HEADERS {
        return Err(wrong(format!("headers: there are more than {MAX_HEADERS}.")));
    }
    input.iter().map(|(name, value)| header(name, value).map_err(wrong)).collect()
}

fn header(name: &str, value: &Value) -> Result<(String, String), String> {
    // Token characters of RFC 9110, section 5.6.2.
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(format!("headers: {name:?} is not the name of a header."));
    }
    if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("headers: {name} cannot be set: the connection manages it."));
    }
    let is_sound = |text: &&str| text.chars().all(|c| c == '\t' || (' '..='~').contains(&c));
    let Some(text) = value.as_str().filter(is_sound) else {
        return Err(format!("headers: the value of {name} is not a text of visible ASCII characters."));
    };
    Ok((name.to_owned(), text.to_owned()))
}

#[cfg(test)]
#[path = "http_request_tests.rs"]
mod tests;
