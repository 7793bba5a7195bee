//! Who asks: credentials in the headers become a `Principal`, once per request.
//!
//! Decides nothing about rights: scopes and visible rows are checked in app/ and below.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::error::RestError;
use crate::app::App;
use crate::domain::{Error, Kind, Principal, Result};

/// Names the organization a command beside the server acts in; only read with the local token.
const ORG_HEADER: &str = "x-basalt-org";

/// The authenticated caller of a request.
#[derive(Debug, Clone)]
pub struct Caller(pub Arc<Principal>);

impl Deref for Caller {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, RestError> {
        if let Some(known) = parts.extensions.get::<Caller>() {
            return Ok(known.clone());
        }
        let caller = authenticate(app, &parts.headers)?;
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

/// What a request presents to say who asks.
#[derive(Debug, PartialEq, Eq)]
enum Credentials<'a> {
    ApiKey(&'a str),
    Local(&'a str),
}

/// Fails with `Unauthenticated` when the headers hold no credentials, or none that are valid.
pub fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller> {
    let principal = match credentials(headers)? {
        Some(Credentials::ApiKey(secret)) => app.authenticate_key(secret)?,
        Some(Credentials::Local(token)) => {
            let org = headers.get(ORG_HEADER).map(|v| v.to_str().map_err(|_| invalid_key())).transpose()?;
            app.authenticate_local(token, org)?
        }
        None => {
            let message = "Authentication credentials were not provided.";
            return Err(Error::new(Kind::Unauthenticated, message));
        }
    };
    Ok(Caller(principal))
}

/// `Authorization` wins over `X-API-Key`; a scheme that is not ours counts as no credentials.
fn credentials(headers: &HeaderMap) -> Result<Option<Credentials<'_>>> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| invalid_key())?.trim();
        let (scheme, secret) = text.split_once(' ').unwrap_or((text, ""));
        if scheme.eq_ignore_ascii_case("ApiKey") {
            return Ok(Some(Credentials::ApiKey(secret.trim())));
        }
        if scheme.eq_ignore_ascii_case("Local") {
            return Ok(Some(Credentials::Local(secret.trim())));
        }
    }
    let Some(value) = headers.get("x-api-key") else { return Ok(None) };
    let secret = value.to_str().map_err(|_| invalid_key())?.trim();
    Ok(Some(Credentials::ApiKey(secret)))
}

fn invalid_key() -> Error {
    Error::new(Kind::Unauthenticated, "Invalid API key.")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{Credentials, credentials};

    #[test]
    fn credentials_are_found_in_either_header() {
        type Row = (&'static str, &'static [(&'static str, &'static str)], Option<Credentials<'static>>);
        let cases: [Row; 8] = [
            ("no_headers", &[], None),
            ("api_key_scheme", &[("authorization", "ApiKey abc")], Some(Credentials::ApiKey("abc"))),
            ("scheme_in_any_case", &[("authorization", "apikey  abc ")], Some(Credentials::ApiKey("abc"))),
            ("own_header", &[("x-api-key", "abc")], Some(Credentials::ApiKey("abc"))),
            (
                "authorization_wins",
                &[("x-api-key", "abc"), ("authorization", "ApiKey d")],
                Some(Credentials::ApiKey("d")),
            ),
            (
                "foreign_scheme_is_no_credential",
                &[("x-api-key", "abc"), ("authorization", "Basic d")],
                Some(Credentials::ApiKey("abc")),
            ),
            ("empty_key_is_a_wrong_key", &[("authorization", "ApiKey")], Some(Credentials::ApiKey(""))),
            ("local_token", &[("authorization", "Local t0k")], Some(Credentials::Local("t0k"))),
        ];
        for (name, headers, expected) in cases {
            let headers: HeaderMap =
                headers.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect();
            assert_eq!(credentials(&headers).unwrap(), expected, "{name}");
        }
    }
}
