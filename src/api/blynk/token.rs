//! `POST /oauth2/token`: tokens for the credentials of a client.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use url::form_urlencoded;

use super::error::OauthError;
use crate::api::origin::PeerAddress;
use crate::api::payload;
use crate::app::App;
use crate::app::session::Login;
use crate::app::token::{TokenGrant, TokenPair};
use crate::domain::audit::RequestOrigin;
use crate::domain::client::ClientApi;

/// The parameters that are read; others are ignored.
const PARAMETERS: [&str; 4] = ["grant_type", "refresh_token", "username", "password"];

/// A pair of tokens.
#[derive(Serialize)]
struct TokenView {
    access_token: String,
    token_type: &'static str,
    /// Seconds for which both tokens are valid.
    expires_in: u64,
    refresh_token: String,
}

/// Issues a pair of tokens. The client is checked first, then the parameters.
pub async fn issue(
    State(app): State<Arc<App>>,
    Extension(origin): Extension<Arc<RequestOrigin>>,
    request: Request,
) -> Result<Response, OauthError> {
    let (parts, body) = request.into_parts();
    let (id, secret) = basic_credentials(&parts.headers).ok_or_else(OauthError::invalid_client)?;
    let client = app.clients.authenticate_client(ClientApi::Blynk, &id, &secret);
    client.map_err(|_| OauthError::invalid_client())?;
    let address = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
    let body = payload::read_unauthenticated(&parts.headers, body, address).await?;
    let query = parts.uri.query().unwrap_or_default();
    let parameters = TokenParameters::parse(query, form_of(&parts.headers, query, &body)?)?;
    let TokenPair { access, refresh, lifetime } =
        app.tokens.issue_tokens(&id, &secret, parameters.grant()?, &origin).await?;
    let view = TokenView {
        access_token: access,
        token_type: "Bearer",
        expires_in: lifetime.as_secs(),
        refresh_token: refresh,
    };
    let mut response = Json(view).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Reads id and secret of HTTP Basic.
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The body as a form. Clients whose parameters are in the query, where the vendor documents them, may send any other
/// body as well, which is ignored.
///
/// # Errors
/// `invalid_request` for a body of another media type.
fn form_of<'a>(headers: &HeaderMap, query: &str, body: &'a [u8]) -> Result<&'a [u8], OauthError> {
    if matches!(body.trim_ascii(), b"" | b"{}" | b"null") {
        return Ok(b"");
    }
    if is_form(headers) {
        return Ok(body);
    }
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    if parameters.any(|(name, value)| name == "grant_type" && !value.is_empty()) {
        return Ok(b"");
    }
    Err(OauthError::invalid_request("The body must be application/x-www-form-urlencoded."))
}

/// Whether the body is a form; one without a media type is taken for it.
fn is_form(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    media.is_none_or(|media| {
        let media = media.split(';').next().unwrap_or_default().trim();
        media.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// The parameters of a request, in the order of [`PARAMETERS`]. No `Debug`, because they include a password.
pub(super) struct TokenParameters([Option<String>; PARAMETERS.len()]);

impl TokenParameters {
    /// Reads the query and the form. An empty parameter is absent. Some clients send a parameter in both.
    ///
    /// # Errors
    /// `invalid_request` for a parameter that is repeated in one of them, or has two values.
    pub(super) fn parse(query: &str, form: &[u8]) -> Result<Self, OauthError> {
        let mut found: [Option<String>; PARAMETERS.len()] = [const { None }; PARAMETERS.len()];
        for text in [query.as_bytes(), form] {
            let mut in_this_text = [false; PARAMETERS.len()];
            for (name, value) in form_urlencoded::parse(text).filter(|(_, value)| !value.is_empty()) {
                let Some(at) = PARAMETERS.iter().position(|known| *known == name) else { continue };
                let is_repeated = std::mem::replace(&mut in_this_text[at], true);
                if is_repeated || found[at].as_ref().is_some_and(|before| *before != value) {
                    return Err(OauthError::invalid_request(format!("Parameter {name} is repeated.")));
                }
                found[at] = Some(value.into_owned());
            }
        }
        Ok(Self(found))
    }

    /// Returns the grant that is asked for.
    pub(super) fn grant(self) -> Result<TokenGrant, OauthError> {
        let [grant_type, refresh_token, username, password] = self.0;
        let required = |value: Option<String>, name: &str| {
            value.ok_or_else(|| OauthError::invalid_request(format!("Parameter {name} is required.")))
        };
        match required(grant_type, "grant_type")?.as_str() {
            "client_credentials" => Ok(TokenGrant::ClientCredentials),
            "refresh_token" => Ok(TokenGrant::RefreshToken(required(refresh_token, "refresh_token")?)),
            "password" => Ok(TokenGrant::Password(Login {
                username: required(username, "username")?,
                password: required(password, "password")?,
            })),
            _ => Err(OauthError::unsupported_grant_type()),
        }
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
