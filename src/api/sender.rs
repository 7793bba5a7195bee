//! Senders of line protocol, samples and metrics: their credentials, an API key in one of the places where their
//! programs put a token or a password, and the errors that must not make them drop what they send.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use url::form_urlencoded;

use super::connection_limit::ConnectionState;
use super::error::{HttpError, http_detail};
use crate::app::App;
use crate::app::ingest::series_rows::RefusedLines;
use crate::domain::audit::RequestOrigin;
use crate::domain::{Error, Kind, Principal, Result};

/// Seconds after which a sender tries again that must not take a limit of rate for a refusal.
const RETRY_AFTER_S: u64 = 1;

/// A sender and the secret that it presented, by which its memory is accounted.
pub struct Sender {
    pub principal: Principal,
    pub secret: String,
}

/// Authenticates a request: `Authorization: Token KEY`, `Bearer KEY`, `ApiKey KEY`, `Basic` with the key as the password,
/// `X-API-Key`, or, where no header has one, `password` of its parameters. A session of a browser is no credential here.
///
/// # Errors
/// `Unauthenticated` without a key, and for one that is not valid.
pub fn authenticate(app: &App, parts: &Parts, password: Option<&str>) -> Result<Sender> {
    let secret = secret(parts)?.or_else(|| password.map(str::to_owned));
    let secret = secret.filter(|secret| !secret.is_empty()).ok_or_else(|| {
        Error::new(
            Kind::Unauthenticated,
            "an API key is required: `Authorization: Token KEY`, or as the password",
        )
    })?;
    let principal = app.access.authenticate_key(&secret)?;
    let principal = match parts.extensions.get::<Arc<RequestOrigin>>() {
        Some(origin) => principal.with_origin(origin),
        None => principal,
    };
    if let Some(connection) = parts.extensions.get::<Arc<ConnectionState>>() {
        connection.set_authenticated();
    }
    Ok(Sender { principal, secret })
}

/// Returns an error as senders must get it. They drop what they sent at a 4xx, 429 included, so a limit of rate is answered
/// like a full queue.
pub fn retryable(fault: HttpError) -> HttpError {
    match fault {
        HttpError::Domain(error) if error.kind == Kind::Throttled => {
            let retry_after_s = error.retry_after_s.or(Some(RETRY_AFTER_S));
            HttpError::Domain(Error { kind: Kind::Busy, retry_after_s, ..error })
        }
        other => other,
    }
}

/// Returns the message of an error, without what is wrong inside of the server.
pub fn message(fault: &HttpError) -> String {
    match fault {
        HttpError::Domain(error) if error.kind == Kind::Internal => "internal error".to_owned(),
        HttpError::Domain(error) => error.full_message(),
        other => http_detail(other),
    }
}

/// Returns the parameter `device`: the device of what names none.
pub fn default_device(parts: &Parts) -> Option<String> {
    let query = parts.uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, value)| name == "device" && !value.is_empty()).map(|(_, value)| value.into_owned())
}

/// Tells of what was refused of a request, if anything was: the first of them by their numbers, after `head`.
pub fn describe_refused(head: &str, noun: &str, refused: &RefusedLines) -> Option<String> {
    if refused.count == 0 {
        return None;
    }
    let listed: Vec<String> =
        refused.listed.iter().map(|(number, problem)| format!("{noun} {number}: {problem}")).collect();
    let more = match refused.count - listed.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Some(format!("{head}: {}{more}", listed.join("; ")))
}

fn secret(parts: &Parts) -> Result<Option<String>> {
    let unreadable = || Error::new(Kind::Unauthenticated, "the header with the API key cannot be read");
    let Some(value) = parts.headers.get(AUTHORIZATION) else {
        let own = parts.headers.get("x-api-key").map(|value| value.to_str().map_err(|_| unreadable()));
        return Ok(own.transpose()?.map(|secret| secret.trim().to_owned()));
    };
    let text = value.to_str().map_err(|_| unreadable())?.trim();
    let (scheme, rest) = text.split_once(' ').ok_or_else(unreadable)?;
    let rest = rest.trim();
    if ["token", "bearer", "apikey"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        // Clients that keep the form of 1.x send `Token USER:PASSWORD`.
        return Ok(Some(rest.split_once(':').map_or(rest, |(_, password)| password).to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unreadable());
    }
    let decoded = BASE64_STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or_else(unreadable)?;
    Ok(decoded.split_once(':').map(|(_, password)| password.to_owned()))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::secret;

    #[test]
    fn a_key_is_found_wherever_clients_put_it() {
        let rows: [(&str, &str, Option<Option<&str>>); 9] = [
            ("authorization", "Token abc", Some(Some("abc"))),
            ("authorization", "Token user:abc", Some(Some("abc"))),
            ("authorization", "bearer  abc ", Some(Some("abc"))),
            ("authorization", "ApiKey abc", Some(Some("abc"))),
            ("authorization", "Basic dXNlcjphYmM=", Some(Some("abc"))),
            ("authorization", "Basic !", None),
            ("authorization", "Digest abc", None),
            ("x-api-key", "abc", Some(Some("abc"))),
            ("x-other", "abc", Some(None)),
        ];
        for (header, value, expected) in rows {
            let (parts, ()) = Request::builder().header(header, value).body(()).unwrap().into_parts();
            let found = secret(&parts).ok();
            assert_eq!(found.as_ref().map(Option::as_deref), expected, "{header}: {value}");
        }
    }
}
