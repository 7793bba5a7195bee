//! Content that the binary holds compressed: sent as it is to clients that take gzip, inflated for the others. Browsers take
//! it on every connection; other encodings only with TLS, so no other is kept.

use std::io::Read;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, VARY};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;

use crate::api::compression::accepts_gzip;
use crate::domain::Error;

/// A response with this content of gzip, in the encoding that the request accepts. Fails if the content is no gzip.
pub fn compressed(content: &'static [u8], request: &HeaderMap) -> Result<Response, Error> {
    if accepts_gzip(request) {
        return Ok(([(CONTENT_ENCODING, "gzip"), (VARY, "Accept-Encoding")], content).into_response());
    }
    let mut plain = Vec::new();
    GzDecoder::new(content)
        .read_to_end(&mut plain)
        .map_err(|e| Error::internal("a page of this build is damaged").with_source(e))?;
    Ok(([(VARY, "Accept-Encoding")], plain).into_response())
}

#[cfg(test)]
#[path = "gzip_tests.rs"]
mod tests;
