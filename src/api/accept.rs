//! The media types that a request accepts.

use axum::http::{HeaderMap, header};

/// Media type of JSON.
pub const JSON: &str = "application/json";
/// Media type of ZIP archives.
pub const ZIP: &str = "application/zip";

/// Whether some range of `Accept` with a weight above zero covers one of these subtypes of `application`. A missing
/// header accepts all.
pub fn accepts(headers: &HeaderMap, media: &[&str]) -> bool {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    ranges.peek().is_none() || ranges.any(|range| covers(range, media))
}

fn covers(range: &str, media: &[&str]) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let named = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_refused = parts.any(|parameter| {
        let weight = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
        weight.is_some_and(|q| q.trim().parse() == Ok(0.0_f32))
    });
    !is_refused
        && (matches!(named.as_str(), "*/*" | "*" | "application/*") || media.contains(&named.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_covered_by_its_name_or_a_wildcard() {
        let cases = [
            ("", true),
            ("application/json", true),
            ("APPLICATION/JSON; charset=utf-8", true),
            ("*/*", true),
            ("text/html, application/xhtml+xml, */*;q=0.8", true),
            ("application/*", true),
            ("text/html", false),
            ("text/csv, application/xml", false),
            ("application/json;q=0", false),
            ("application/json; q=0.0, text/html", false),
            ("application/json-seq", false),
        ];
        for (accept, expected) in cases {
            let headers = HeaderMap::from_iter([("accept".parse().unwrap(), accept.parse().unwrap())]);
            assert_eq!(accepts(&headers, &[JSON]), expected, "{accept}");
        }
        assert!(accepts(&HeaderMap::new(), &[JSON]));
        let zip = HeaderMap::from_iter([(header::ACCEPT, "application/zip".parse().unwrap())]);
        assert!(accepts(&zip, &[JSON, ZIP]) && !accepts(&zip, &[JSON]));
    }
}
