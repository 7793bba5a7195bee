//! What a device of protocol `http` is asked, and what can come of it. The request is from its settings alone; whether its
//! URL may be reached is for whoever fetches it.

use std::time::Duration;

use serde_json::{Map, Value};

use super::FieldError;
use super::device::DeviceSpec;

/// The longest answer that is read, bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
const MAX_HEADERS: usize = 32;

/// Headers that belong to the connection: one that is said wrongly changes what a server takes for the request.
const RESERVED: [&str; 6] =
    ["connection", "content-length", "host", "transfer-encoding", "upgrade", "proxy-authorization"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

/// One question to a server.
#[derive(Clone, PartialEq)]
pub struct WebRequest {
    pub url: String,
    pub method: Method,
    /// Also `login` goes to the server that was named, and to no other that it sends on to.
    pub headers: Vec<(String, String)>,
    /// User name and password.
    pub login: Option<(String, String)>,
    /// From the look-up of the name to the last byte.
    pub timeout: Duration,
    pub max_bytes: usize,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAnswer {
    pub status: u16,
    /// Nothing unless the status is a success.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebFault {
    /// The URL, or one it was sent on to, leads where nobody may be sent.
    NotAllowed,
    /// Nobody answers there.
    Unreachable(String),
    /// It began to answer and ceased.
    Cut(String),
    Timeout,
    /// It does not speak HTTP, says too much, or sends on without an end.
    Malformed(String),
}

impl WebRequest {
    /// The request of a device with a host. Errors are of the fields `host` and `metadata`.
    pub fn of(device: &DeviceSpec) -> Result<WebRequest, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let url = url(&device.host, device.port).map_err(|problem| wrong.push(problem)).ok();
        let method = method(&device.metadata).map_err(|problem| wrong.push(problem)).ok();
        let headers = headers(&device.metadata).map_err(|problem| wrong.push(problem)).ok();
        let (Some(url), Some(method), Some(headers)) = (url, method, headers) else { return Err(wrong) };
        let login = Some((device.username.clone(), device.password.clone()));
        Ok(WebRequest {
            url,
            method,
            headers,
            login: login.filter(|(name, password)| !name.is_empty() || !password.is_empty()),
            timeout: Duration::try_from_secs_f64(device.timeout_s).unwrap_or(Duration::from_secs(3)),
            max_bytes: MAX_BYTES,
        })
    }

    /// Scheme, host and port: what may be told of the URL, whose path and query may hold secrets.
    pub fn origin(&self) -> &str {
        let after = self.url.find("://").map_or(0, |at| at + 3);
        let end = self.url[after..].find(['/', '?', '#']).map_or(self.url.len(), |at| after + at);
        &self.url[..end]
    }
}

/// Whether a path is a JSON pointer (RFC 6901): empty for the whole document, else parts that each begin with a slash.
pub fn check_pointer(path: &str) -> Result<(), FieldError> {
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
        return Err(wrong("A URL holds no credentials here: use username and password."));
    }
    // The colons of an IPv6 address are in brackets.
    let name_end = authority.rfind(']').map_or(0, |at| at + 1);
    let said = authority[name_end..].rsplit_once(':').map(|(_, port)| port);
    if authority.is_empty()
        || authority.starts_with(':')
        || said.is_some_and(|port| port.parse::<u16>().is_err())
    {
        return Err(wrong("Enter a valid URL, such as http://192.168.0.5/status.json."));
    }
    match (said, port) {
        (None, Some(port)) => {
            let scheme = &host[..host.len() - rest.len()];
            Ok(format!("{scheme}{authority}:{port}{path}"))
        }
        _ => Ok(host.to_owned()),
    }
}

fn method(metadata: &Map<String, Value>) -> Result<Method, FieldError> {
    match metadata.get("method").filter(|value| !value.is_null()) {
        None => Ok(Method::Get),
        Some(value) => match value.as_str() {
            Some("GET") => Ok(Method::Get),
            Some("POST") => Ok(Method::Post),
            _ => {
                Err(FieldError::new("metadata", format!("method: {value} is not one of \"GET\", \"POST\".")))
            }
        },
    }
}

fn headers(metadata: &Map<String, Value>) -> Result<Vec<(String, String)>, FieldError> {
    let wrong = |message: String| FieldError::new("metadata", message);
    let Some(given) = metadata.get("headers").filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let Some(given) = given.as_object() else {
        return Err(wrong(format!("headers: {given} is no object of names and texts.")));
    };
    if given.len() > MAX_HEADERS {
        return Err(wrong(format!("headers: there are more than {MAX_HEADERS}.")));
    }
    given.iter().map(|(name, value)| header(name, value).map_err(wrong)).collect()
}

fn header(name: &str, value: &Value) -> Result<(String, String), String> {
    // Token characters of RFC 9110, section 5.6.2.
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(format!("headers: {name:?} is not the name of a header."));
    }
    if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("headers: {name} belongs to the connection."));
    }
    let is_sound = |text: &&str| text.chars().all(|c| c == '\t' || (' '..='~').contains(&c));
    let Some(text) = value.as_str().filter(is_sound) else {
        return Err(format!("headers: the value of {name} is not a text of visible ASCII characters."));
    };
    Ok((name.to_owned(), text.to_owned()))
}

#[cfg(test)]
#[path = "web_tests.rs"]
mod tests;
