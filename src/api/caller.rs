//! HTTP authentication: turns the credentials in the headers into a `Principal`, once per request.
//!
//! No authorisation happens here: scopes and visible rows are checked in app/ and below.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, header};

use super::connection_limit::ConnectionState;
use super::cookies;
use super::error::{HttpError, RestError};
use crate::app::App;
use crate::app::access::no_credentials;
use crate::app::live::credential::LiveCredential;
use crate::auth::session::csrf_matches;
use crate::domain::audit::RequestOrigin;
use crate::domain::{Error, Kind, Principal, Result};

/// Organization in which a local command acts; only read with the local token.
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
        let caller = authenticate(app, &parts.method, &parts.headers, &parts.extensions)?;
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

/// The credentials that a request presents.
#[derive(Debug, PartialEq, Eq)]
enum Credentials<'a> {
    ApiKey(&'a str),
    Local(&'a str),
    Session(&'a str),
}

/// Authenticates a request by its headers.
///
/// # Errors
/// `Unauthenticated` when credentials are missing or invalid; `Csrf` when a session calls a method other than GET, HEAD
/// or OPTIONS without its CSRF token.
pub fn authenticate(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Caller, HttpError> {
    let principal = match credentials(headers)? {
        Some(Credentials::ApiKey(secret)) => app.access.authenticate_key(secret)?,
        Some(Credentials::Local(token)) => {
            let org = headers.get(ORG_HEADER).map(|v| v.to_str().map_err(|_| invalid_key())).transpose()?;
            app.access.authenticate_local(token, org)?
        }
        Some(Credentials::Session(token)) => {
            app.sessions.authenticate_session(token).ok_or_else(no_credentials)?
        }
        None => return Err(no_credentials().into()),
    };
    let principal = match extensions.get::<Arc<RequestOrigin>>() {
        Some(origin) => principal.with_origin(origin),
        None => principal,
    };
    // Checked after authentication, so that the log names the session's user.
    if let Some(Credentials::Session(token)) = credentials(headers)?
        && !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
    {
        check_csrf(token, headers)?;
    }
    if let Some(connection) = extensions.get::<Arc<ConnectionState>>() {
        connection.set_authenticated();
    }
    Ok(Caller(Arc::new(principal)))
}

/// Like [`authenticate`], but returns a credential that can be re-validated, for long-lived connections and for changes
/// to the caller's own account.
pub fn live_credential(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<LiveCredential, HttpError> {
    let Caller(principal) = authenticate(app, method, headers, extensions)?;
    Ok(app.feeds.live_credential(principal, session_token(headers)))
}

/// Returns the session token, if the caller is a session.
pub fn session_token(headers: &HeaderMap) -> Option<&str> {
    match credentials(headers) {
        Ok(Some(Credentials::Session(token))) => Some(token),
        _ => None,
    }
}

/// Returns the presented secret of any kind; it is constant per caller.
pub fn presented_secret(headers: &HeaderMap) -> Option<&str> {
    match credentials(headers).ok()?? {
        Credentials::ApiKey(secret) | Credentials::Local(secret) | Credentials::Session(secret) => {
            Some(secret)
        }
    }
}

fn check_csrf(token: &str, headers: &HeaderMap) -> Result<(), HttpError> {
    let header = headers.get(cookies::CSRF_HEADER).ok_or(HttpError::Csrf("CSRF token missing."))?;
    let cookie = cookies::read(headers, cookies::CSRF).ok_or(HttpError::Csrf("CSRF cookie not set."))?;
    match header.to_str() {
        Ok(header) if csrf_matches(token, cookie, header) => Ok(()),
        _ => Err(HttpError::Csrf("CSRF token from the 'X-Csrftoken' HTTP header incorrect.")),
    }
}

/// Reads the credentials. `Authorization` takes precedence over `X-API-Key`, and both over a session cookie; an unknown
/// scheme counts as no credentials.
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
    let Some(value) = headers.get("x-api-key") else {
        return Ok(cookies::read(headers, cookies::SESSION).map(Credentials::Session));
    };
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
        let cases: [Row; 11] = [
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
            ("session", &[("cookie", "a=b; sessionid=abc")], Some(Credentials::Session("abc"))),
            (
                "a_key_wins_over_a_session",
                &[("cookie", "sessionid=abc"), ("x-api-key", "d")],
                Some(Credentials::ApiKey("d")),
            ),
            (
                "foreign_scheme_beside_a_session",
                &[("cookie", "sessionid=abc"), ("authorization", "Basic d")],
                Some(Credentials::Session("abc")),
            ),
            ("local_token", &[("authorization", "Local t0k")], Some(Credentials::Local("t0k"))),
        ];
        for (name, headers, expected) in cases {
            let headers: HeaderMap =
                headers.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect();
            assert_eq!(credentials(&headers).unwrap(), expected, "{name}");
        }
    }
}
