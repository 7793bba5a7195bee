//! File names of the parts of a form.
//!
//! RFC 7578, section 4.2, wants `filename` alone, yet some clients send names beyond ASCII as `filename*` (RFC 8187) only. A
//! part without a file name would be a text.

use axum::http::header::CONTENT_DISPOSITION;
use multer::Field;

use crate::domain::media::address::percent_decoded;

/// The file name of a part; `None` for a part that is no file.
pub fn of_part(part: &Field<'_>) -> Option<String> {
    let extended = || extended(part.headers().get(CONTENT_DISPOSITION)?.to_str().ok()?);
    part.file_name().map(str::to_owned).or_else(extended)
}

/// The value of `filename*` in UTF-8.
fn extended(disposition: &str) -> Option<String> {
    disposition.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let (charset, value) = value.trim().split_once('\'')?;
        let (_language, encoded) = value.split_once('\'')?;
        let is_file_name = name.trim().eq_ignore_ascii_case("filename*");
        (is_file_name && charset.eq_ignore_ascii_case("utf-8")).then(|| percent_decoded(encoded))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_beyond_ascii_is_read() {
        for (disposition, expected) in [
            ("form-data; name=\"model\"; filename*=UTF-8''m%C3%BCller.tflite", Some("müller.tflite")),
            ("form-data; filename*=utf-8'de'a%20b.csv; name=x", Some("a b.csv")),
            ("form-data; name=\"model\"", None),
            ("form-data; name=\"filename*=UTF-8''x\"", None),
            ("form-data; filename*=ISO-8859-1''m%FC.csv", None),
            ("form-data; filename*=x.csv", None),
            ("", None),
        ] {
            assert_eq!(extended(disposition).as_deref(), expected, "{disposition}");
        }
    }
}
