//! The origins whose pages may use the APIs from a browser.

use std::collections::BTreeSet;
use std::str::FromStr;

use url::{Origin, Url};

/// Origins that are allowed; none by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CorsOrigins {
    /// Whether every origin is allowed.
    pub any: bool,
    /// As browsers write them, such as `https://app.example`.
    listed: BTreeSet<String>,
}

/// The text is no list of origins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedOrigins;

impl CorsOrigins {
    /// Whether no origin is allowed.
    pub fn is_empty(&self) -> bool {
        !self.any && self.listed.is_empty()
    }

    /// Whether pages of this origin are allowed; it is written as browsers write it.
    pub fn allows(&self, origin: &str) -> bool {
        self.any || self.listed.contains(origin)
    }
}

impl FromStr for CorsOrigins {
    type Err = MalformedOrigins;

    /// Reads origins with commas between them, or `*` for all.
    fn from_str(text: &str) -> Result<Self, MalformedOrigins> {
        let mut origins = CorsOrigins::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if part == "*" {
                origins.any = true;
            } else {
                origins.listed.insert(origin(part).ok_or(MalformedOrigins)?);
            }
        }
        Ok(origins)
    }
}

/// Reads `scheme://host`, with a port where it is not the scheme's own.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let Origin::Tuple(..) = url.origin() else { return None };
    let written = url.origin().ascii_serialization();
    // A path, a user or a query would be ignored, so it is a mistake.
    let is_bare = url.as_str().strip_suffix('/').is_some_and(|bare| bare == written) && !text.ends_with('/');
    // A star within a host would match no browser's origin.
    (is_bare && !text.contains('*')).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_schemes_with_hosts() {
        let rows: [(&str, Option<&[&str]>); 12] = [
            ("", Some(&[])),
            ("https://app.example", Some(&["https://app.example"])),
            ("HTTP://Plant:8080, https://[::1]:9", Some(&["http://plant:8080", "https://[::1]:9"])),
            ("https://app.example:443", Some(&["https://app.example"])),
            ("https://app.example/", None),
            ("https://app.example/x", None),
            ("https://app.example?x", None),
            ("https://u@app.example", None),
            ("app.example", None),
            ("null", None),
            ("file:///x", None),
            ("https://*.example", None),
        ];
        for (text, expected) in rows {
            let found = text.parse::<CorsOrigins>();
            let expected = expected.map(|listed| CorsOrigins {
                any: false,
                listed: listed.iter().map(|origin| (*origin).to_owned()).collect(),
            });
            assert_eq!(found.ok(), expected, "{text}");
        }
        let any: CorsOrigins = "*".parse().unwrap();
        assert!(any.allows("https://x") && !any.is_empty());
        let one: CorsOrigins = "https://x".parse().unwrap();
        assert!(one.allows("https://x") && !one.allows("https://x.y") && !one.is_empty());
        assert!(CorsOrigins::default().is_empty() && !CorsOrigins::default().allows("https://x"));
    }
}
