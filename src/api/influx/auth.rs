//! Credentials of senders: an API key in one of the places where InfluxDB's clients put a token or a password.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::parameters::Parameters;
use crate::api::connection_limit::ConnectionState;
use crate::app::App;
use crate::domain::audit::RequestOrigin;
use crate::domain::{Error, Kind, Principal, Result};

/// A sender and the secret that it presented, by which its memory is accounted.
pub struct Sender {
    pub principal: Principal,
    pub secret: String,
}

/// Authenticates a request: `Authorization: Token KEY` (2.x), `Bearer KEY`, `ApiKey KEY`, `Basic` with the key as the
/// password, `X-API-Key`, or the parameter `p` (1.x). A session of a browser is no credential here.
///
/// # Errors
/// `Unauthenticated` without a key, and for one that is not valid.
pub fn authenticate(app: &App, parts: &Parts, parameters: &Parameters) -> Result<Sender> {
    let secret = secret(parts)?.or_else(|| parameters.password.clone());
    let secret = secret.filter(|secret| !secret.is_empty()).ok_or_else(|| {
        Error::new(
            Kind::Unauthenticated,
            "an API key is required: `Authorization: Token KEY`, or as the password",
        )
    })?;
    let principal = app.authenticate_key(&secret)?;
    let principal = match parts.extensions.get::<Arc<RequestOrigin>>() {
        Some(origin) => principal.with_origin(origin),
        None => principal,
    };
    if let Some(connection) = parts.extensions.get::<Arc<ConnectionState>>() {
        connection.set_authenticated();
    }
    Ok(Sender { principal, secret })
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
