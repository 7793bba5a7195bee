//! `Range` (RFC 9110, section 14) and conditions (section 13): parts of a file that never changes under its tag, and whether
//! the client has it already.
//!
//! One range of bytes is served. Anything else that the header may say is ignored, as the specification allows: the
//! response is then the whole file.

use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::{HttpError, not_modified};
use crate::app::object_content::ObjectContent;

/// Responds with a content of `size` bytes, or with the part of it that the request asks for, or with 304 when the client has
/// it. `tag` identifies it.
///
/// # Errors
/// 412 when `If-Match` names another content; 416 for a part beyond the end; `Unavailable` when the file cannot be read.
pub async fn respond(
    content: ObjectContent,
    size: u64,
    tag: &str,
    request: &HeaderMap,
) -> Result<Response, HttpError> {
    let tag = format!("\"{tag}\"");
    // Section 13.2.2: these conditions come before the range.
    if request.contains_key(header::IF_MATCH) && !is_named(request, header::IF_MATCH, &tag) {
        return Err(HttpError::PreconditionFailed);
    }
    if is_named(request, header::IF_NONE_MATCH, &tag) {
        return Ok(not_modified(&tag));
    }
    let part = requested(request, size, &tag)?;
    let Range { start, end } = part.clone().unwrap_or(0..size);
    let length = end - start;
    let body = Body::from_stream(content.stream(start..end).await?);
    let mut response = match part {
        Some(_) => (StatusCode::PARTIAL_CONTENT, body).into_response(),
        None => body.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.extend(HeaderValue::try_from(tag).ok().map(|tag| (header::ETAG, tag)));
    if part.is_some() {
        // The part is not empty.
        let content_range = HeaderValue::try_from(format!("bytes {start}-{}/{size}", end.saturating_sub(1)));
        headers.extend(content_range.ok().map(|content_range| (header::CONTENT_RANGE, content_range)));
    }
    Ok(response)
}

/// Whether one of the tags of `If-Match` or `If-None-Match` is this one, or it is `*`. Our tags have no commas. A weak tag is
/// good enough for a client that asks whether it has the content (section 13.1.2).
fn is_named(request: &HeaderMap, condition: HeaderName, tag: &str) -> bool {
    let weak = if condition == header::IF_NONE_MATCH { "W/" } else { "" };
    let values = request.get_all(condition).into_iter().filter_map(|value| value.to_str().ok());
    let mut named = values.flat_map(|value| value.split(',')).map(str::trim);
    named.any(|named| named == "*" || named.strip_prefix(weak).unwrap_or(named) == tag)
}

/// The part that is asked for; `None` for the whole file.
fn requested(request: &HeaderMap, size: u64, tag: &str) -> Result<Option<Range<u64>>, HttpError> {
    let text = |name| request.get(name).and_then(|value| value.to_str().ok());
    // A part of another content would not fit what the client has.
    if request.contains_key(header::IF_RANGE) && text(header::IF_RANGE) != Some(tag) {
        return Ok(None);
    }
    let Some(requested) = text(header::RANGE).and_then(parse) else { return Ok(None) };
    let part = match requested {
        RequestedBytes::From(first, last) => {
            first..last.map_or(size, |last| last.saturating_add(1).min(size))
        }
        RequestedBytes::Last(length) => size.saturating_sub(length)..size,
    };
    if part.is_empty() { Err(HttpError::RangeNotSatisfiable(size)) } else { Ok(Some(part)) }
}

/// A range as it is written.
enum RequestedBytes {
    /// From a position to another one, which is included, or to the end.
    From(u64, Option<u64>),
    /// So many bytes at the end.
    Last(u64),
}

/// Reads `bytes=0-9`, `bytes=10-` or `bytes=-5`; anything else is no range.
fn parse(text: &str) -> Option<RequestedBytes> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A position that no file has is beyond the end of this one too.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    match (first, last) {
        ("", last) => Some(RequestedBytes::Last(number(last)?)),
        (first, "") => Some(RequestedBytes::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(RequestedBytes::From(first, Some(last)))
        }
    }
}

#[cfg(test)]
#[path = "byte_range_tests.rs"]
mod tests;
