//! How the result of a GET is delivered: its format, and the file name under which a browser stores it. A link sets no
//! headers, so both may be in the URL.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;

use super::error::HttpError;
use super::result_encoder::ResultFormat;
use crate::domain::{Error, Result};

/// Maximum length of a file name, characters.
const MAX_NAME_CHARS: usize = 100;

/// The format of a result, and its file name if it is a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultDelivery {
    pub format: ResultFormat,
    file_name: Option<String>,
}

impl ResultDelivery {
    /// Reads `format` and `download` of a URL; without `format`, `Accept` decides.
    ///
    /// # Errors
    /// `Invalid` naming the parameter; `NotAcceptable` as `ResultFormat::negotiate`.
    pub fn read(
        headers: &HeaderMap,
        format: Option<&str>,
        download: Option<&str>,
    ) -> Result<ResultDelivery, HttpError> {
        let format = match format {
            Some(name) => ResultFormat::named(name)?,
            None => ResultFormat::negotiate(headers)?,
        };
        let file_name = download.map(|name| file_name(name, format)).transpose()?;
        Ok(ResultDelivery { format, file_name })
    }

    /// Tells the browser to store the response, if it is a download.
    pub fn apply(&self, mut response: Response) -> Response {
        if let Some(name) = &self.file_name {
            let headers: [(HeaderName, HeaderValue); 2] = [
                (header::CONTENT_DISPOSITION, disposition(name)),
                (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            ];
            response.headers_mut().extend(headers);
        }
        response
    }
}

/// Returns a name with the ending of its format.
fn file_name(name: &str, format: ResultFormat) -> Result<String> {
    let name = name.trim();
    let is_plain = |c: char| !c.is_control() && !r#"/\"<>:|?*"#.contains(c);
    if name.is_empty() || name.starts_with('.') || name.chars().count() > MAX_NAME_CHARS {
        let message =
            format!("a file name has 1 to {MAX_NAME_CHARS} characters and does not begin with a dot");
        return Err(Error::field("download", message));
    }
    if !name.chars().all(is_plain) {
        return Err(Error::field("download", r#"a file name has none of / \ " < > : | ? *"#));
    }
    let ending = format!(".{}", format.name());
    Ok(if name.to_ascii_lowercase().ends_with(&ending) { name.to_owned() } else { name.to_owned() + &ending })
}

/// Returns the header with the name in ASCII, and as RFC 8187 writes other characters.
fn disposition(name: &str) -> HeaderValue {
    let ascii: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let encoded: String = name.bytes().map(percent_encode).collect();
    let text = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}");
    HeaderValue::try_from(text).expect("control characters and quotes are refused")
}

fn percent_encode(byte: u8) -> String {
    match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn read(format: Option<&str>, download: Option<&str>) -> Result<ResultDelivery, HttpError> {
        ResultDelivery::read(&HeaderMap::new(), format, download)
    }

    #[test]
    fn a_download_has_a_safe_name_with_the_ending_of_its_format() {
        let rows = [
            ("csv", "week", "attachment; filename=\"week.csv\"; filename*=UTF-8''week.csv"),
            ("csv", "Week 1.CSV", "attachment; filename=\"Week 1.CSV\"; filename*=UTF-8''Week%201.CSV"),
            ("arrow", "a.csv", "attachment; filename=\"a.csv.arrow\"; filename*=UTF-8''a.csv.arrow"),
            (
                "ndjson",
                " Kälte ",
                "attachment; filename=\"K_lte.ndjson\"; filename*=UTF-8''K%C3%A4lte.ndjson",
            ),
        ];
        for (format, name, expected) in rows {
            let delivery = read(Some(format), Some(name)).unwrap();
            let response = delivery.apply(Response::new(Body::empty()));
            assert_eq!(response.headers()[header::CONTENT_DISPOSITION], expected, "{name}");
            assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{name}");
        }
        let shown = read(None, None).unwrap();
        assert_eq!(shown.format, ResultFormat::Json);
        assert!(shown.apply(Response::new(Body::empty())).headers().is_empty());
    }

    #[test]
    fn other_names_and_formats_are_refused_by_name() {
        let long = "x".repeat(MAX_NAME_CHARS + 1);
        for (format, name, field) in [
            ("csv", "", "download"),
            ("csv", "  ", "download"),
            ("csv", "../passwd", "download"),
            ("csv", ".hidden", "download"),
            ("csv", "a\"; b", "download"),
            ("csv", "a\r\nset-cookie: b", "download"),
            ("csv", &long, "download"),
            ("xlsx", "a", "format"),
        ] {
            let Err(HttpError::Domain(error)) = read(Some(format), Some(name)) else {
                panic!("{name:?} is accepted")
            };
            assert_eq!(error.fields[0].field, field, "{name:?}");
        }
    }
}
