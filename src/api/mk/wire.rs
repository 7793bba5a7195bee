//! Forms of the wire that all nouns share: responses and times.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uuid::Uuid;

use crate::domain::Micros;

/// Microseconds of a millisecond.
const MICROS_PER_MILLI: i64 = 1000;

/// ISO-8601 in UTC: seconds, with three digits of a fraction where there are milliseconds, and six where there are
/// microseconds.
pub fn iso(time: Micros) -> String {
    let text = time.to_iso();
    let is_whole_millis = time.0 % MICROS_PER_MILLI == 0;
    match text.strip_suffix("000Z") {
        Some(shorter) if is_whole_millis && text.contains('.') => format!("{shorter}Z"),
        _ => text,
    }
}

/// 200 with a JSON body.
pub fn ok(body: impl Serialize) -> Response {
    Json(body).into_response()
}

/// 201 with the new row and its path.
pub fn created(collection: &str, id: Uuid, body: impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("{collection}/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// 204.
pub fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

#[cfg(test)]
mod tests {
    use super::iso;
    use crate::domain::Micros;

    #[test]
    fn fractions_are_as_long_as_they_must_be() {
        let noon = 1_777_377_600_000_000;
        let rows = [
            (0, "2026-04-28T12:00:00Z"),
            (500_000, "2026-04-28T12:00:00.500Z"),
            (1000, "2026-04-28T12:00:00.001Z"),
            (1, "2026-04-28T12:00:00.000001Z"),
            (123_450, "2026-04-28T12:00:00.123450Z"),
        ];
        for (micros, expected) in rows {
            assert_eq!(iso(Micros(noon + micros)), expected);
        }
    }
}
