//! The path below which a proxy serves the server.

use std::fmt;
use std::str::FromStr;

/// First segments of the server's own paths. A base path that begins with one of them could not be told from these.
const OWN_SEGMENTS: [&str; 26] = [
    "",
    ".well-known",
    "api",
    "authentication",
    "console",
    "device",
    "devices",
    "graphiql",
    "graphql",
    "health",
    "healthz",
    "ingest",
    "media",
    "metrics",
    "oauth2",
    "objects",
    "pages",
    "ping",
    "query",
    "readyz",
    "socket.io",
    "sql",
    "ui",
    "v1",
    "write",
    "wss",
];

/// A path such as `/basalt`, without a slash at its end; empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BasePath(String);

/// The text is no path, or one of the server's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedBasePath;

impl BasePath {
    /// The path as text; empty where there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part of a path that is below the base path; `None` for a path outside of it.
    pub fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&self.0).filter(|_| !self.0.is_empty())?;
        match rest {
            "" => Some("/"),
            _ => rest.starts_with('/').then_some(rest),
        }
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BasePath {
    type Err = MalformedBasePath;

    /// Reads segments of letters, digits, `-`, `_`, `.` and `~`, each after a slash; a slash at the end is left out.
    fn from_str(text: &str) -> Result<Self, MalformedBasePath> {
        let path = text.trim().trim_end_matches('/');
        if path.is_empty() {
            return Ok(BasePath::default());
        }
        let segments = path.strip_prefix('/').ok_or(MalformedBasePath)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        let is_segment = |segment: &str| {
            !segment.is_empty() && segment.chars().all(is_plain) && !matches!(segment, "." | "..")
        };
        let first = segments.split('/').next().unwrap_or_default().to_ascii_lowercase();
        let is_path = segments.split('/').all(is_segment) && !OWN_SEGMENTS.contains(&first.as_str());
        is_path.then(|| BasePath(path.to_owned())).ok_or(MalformedBasePath)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_plain_segments_that_are_not_the_servers_own() {
        for (text, expected) in [
            ("", Some("")),
            ("/", Some("")),
            ("/basalt", Some("/basalt")),
            ("/basalt/", Some("/basalt")),
            (" /plant-1/basalt_v2.0~x ", Some("/plant-1/basalt_v2.0~x")),
            ("basalt", None),
            ("//basalt", None),
            ("/a//b", None),
            ("/a/../b", None),
            ("/a b", None),
            ("/a%20b", None),
            ("/\"x", None),
            ("/api", None),
            ("/UI/x", None),
            ("https://plant.example/basalt", None),
        ] {
            let found = text.parse::<BasePath>().ok();
            assert_eq!(found.as_ref().map(BasePath::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn only_whole_segments_are_stripped() {
        let base: BasePath = "/basalt".parse().unwrap();
        for (path, expected) in [
            ("/basalt", Some("/")),
            ("/basalt/", Some("/")),
            ("/basalt/ui/", Some("/ui/")),
            ("/basalts/ui", None),
            ("/ui", None),
        ] {
            assert_eq!(base.strip(path), expected, "{path}");
        }
        assert_eq!(BasePath::default().strip("/ui"), None);
    }
}
