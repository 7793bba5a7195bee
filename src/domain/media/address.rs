//! Addresses of cameras: RTSP and HTTP URLs without their password, and video devices of this machine. What an external
//! program is given is made of the parts, never of the text that a caller sent.

use serde::{Deserialize, Serialize};

use crate::domain::Micros;
use crate::domain::named_enum::named_enum;
use crate::domain::time::MICROS_PER_SECOND;

/// Most bytes of an address.
pub const MAX_ADDRESS_BYTES: usize = 2000;

named_enum! {
    /// How pictures of a camera are fetched.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum CameraKind {
        /// RTSP over TCP, also below TLS.
        Rtsp = "RTSP",
        /// HTTP live streaming (RFC 8216).
        Hls = "HLS",
        /// A video device of this machine.
        V4l2 = "V4L2",
    }
}

impl CameraKind {
    /// Valid form of an address of the kind, for error messages.
    pub fn valid(self) -> &'static str {
        match self {
            CameraKind::Rtsp => "must be a URL that begins with rtsp:// or rtsps://",
            CameraKind::Hls => "must be a URL that begins with http:// or https://",
            CameraKind::V4l2 => "must be a path below /dev/",
        }
    }
}

named_enum! {
    /// Scheme of a URL.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum StreamScheme {
        /// RTSP over TCP.
        Rtsp = "rtsp",
        /// RTSP over TLS.
        Rtsps = "rtsps",
        /// HTTP.
        Http = "http",
        /// HTTP over TLS.
        Https = "https",
    }
}

impl StreamScheme {
    /// Port of a URL without one.
    pub fn default_port(self) -> u16 {
        match self {
            StreamScheme::Rtsp => 554,
            StreamScheme::Rtsps => 322,
            StreamScheme::Http => 80,
            StreamScheme::Https => 443,
        }
    }

    /// Kind of a camera with such a URL.
    pub fn kind(self) -> CameraKind {
        match self {
            StreamScheme::Rtsp | StreamScheme::Rtsps => CameraKind::Rtsp,
            StreamScheme::Http | StreamScheme::Https => CameraKind::Hls,
        }
    }
}

/// The parts of a URL. `Debug` shows no password, because there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamUrl {
    /// Scheme.
    pub scheme: StreamScheme,
    /// User, as the URL has it; `None` without credentials.
    pub user: Option<String>,
    /// Host name or address; one of IPv6 without brackets.
    pub host: String,
    /// Port, where the URL has one.
    pub port: Option<u16>,
    /// Path and query, beginning with `/` or `?`, or empty.
    pub path: String,
}

/// A URL and the password that was in it, both as they were written.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlWithPassword {
    /// The URL without the password.
    pub url: StreamUrl,
    /// The password, percent-encoded as it was.
    pub password: Option<String>,
}

/// Reads a URL; `None` for anything that is not exactly one of a known scheme.
pub fn parse_url(text: &str) -> Option<UrlWithPassword> {
    let is_plain =
        |b: u8| (0x21..=0x7e).contains(&b) && !matches!(b, b'\'' | b'"' | b'\\' | b'#' | b'<' | b'>');
    if text.len() > MAX_ADDRESS_BYTES || !text.bytes().all(is_plain) {
        return None;
    }
    let (scheme, rest) = text.split_once("://")?;
    let scheme = StreamScheme::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(scheme))?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let (credentials, place) = match authority.rsplit_once('@') {
        Some((credentials, place)) => (Some(credentials), place),
        None => (None, authority),
    };
    let (user, password) = match credentials.map(|both| both.split_once(':').unwrap_or((both, ""))) {
        Some((user, "")) => (Some(user.to_owned()), None),
        Some((user, password)) => (Some(user.to_owned()), Some(password.to_owned())),
        None => (None, None),
    };
    let (host, port) = split_port(place)?;
    let port = match port {
        Some(text) => Some(parse_port(text)?),
        None => None,
    };
    let url = StreamUrl { scheme, user, host: host.to_owned(), port, path: path.to_owned() };
    Some(UrlWithPassword { url, password })
}

fn parse_port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| *port > 0 && is_number)
}

/// Splits host and port; `None` when the host is none.
fn split_port(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let is_address = host.parse::<std::net::Ipv6Addr>().is_ok();
        let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
        return is_address.then_some((host, port));
    }
    let (host, port) = match place.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (place, None),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_host = (1..=253).contains(&host.len()) && host.chars().all(is_name) && !host.starts_with('-');
    is_host.then_some((host, port))
}

impl StreamUrl {
    /// Port that is connected to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.default_port())
    }

    /// The URL with another host and, where there is one, a password.
    pub fn to_text(&self, host: &str, password: Option<&str>) -> String {
        let credentials = match (&self.user, password) {
            (None, None) => String::new(),
            (user, None) => format!("{}@", user.as_deref().unwrap_or_default()),
            (user, Some(password)) => format!("{}:{password}@", user.as_deref().unwrap_or_default()),
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{credentials}{host}{port}{}", self.scheme.name(), self.path)
    }

    /// The URL without a password, as it is shown and stored.
    pub fn without_password(&self) -> String {
        self.to_text(&self.host, None)
    }

    /// The URL of a recorder for a range of time: `{from}` and `{to}` stand for times such as `20260428T120000Z`,
    /// `{fromSeconds}` and `{toSeconds}` for seconds since 1970. One without any of these is given the parameters `starttime`
    /// and `endtime`.
    pub fn of_range(&self, from: Micros, to: Micros) -> StreamUrl {
        let seconds = |time: Micros| time.0.div_euclid(MICROS_PER_SECOND).to_string();
        let path = if self.path.contains('{') {
            let path = self.path.replace("{from}", &basic(from)).replace("{to}", &basic(to));
            path.replace("{fromSeconds}", &seconds(from)).replace("{toSeconds}", &seconds(to))
        } else {
            let sign = if self.path.contains('?') { '&' } else { '?' };
            format!("{}{sign}starttime={}&endtime={}", self.path, basic(from), basic(to))
        };
        StreamUrl { path, ..self.clone() }
    }
}

/// The basic format of ISO-8601, in whole seconds.
fn basic(time: Micros) -> String {
    let whole = Micros(time.0.div_euclid(MICROS_PER_SECOND).saturating_mul(MICROS_PER_SECOND));
    whole.to_iso().replace(['-', ':'], "")
}

/// Decodes a part of a URL; what is no percent-encoding stays as it is.
pub fn percent_decoded(text: &str) -> String {
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let number = digits.and_then(|digits| {
            let text = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(text, 16).ok().filter(|_| !text.starts_with('+'))
        });
        decoded.push(number.unwrap_or(*byte));
        at += if number.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Whether a text is the path of a video device; which ones may be used is configured.
pub fn is_device_path(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | ':');
    let name = text.strip_prefix("/dev/").unwrap_or_default();
    !name.is_empty()
        && text.len() <= 255
        && name.chars().all(is_plain)
        && !name.split('/').any(|part| part == "..")
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
