//! Errors in Blynk's two forms: `{"error": {"message"}}`, and OAuth 2.0's of the token endpoint.

use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::api::error::{ErrorReport, HttpError, error_response, http_detail};
use crate::app::token::TokenError;
use crate::domain::{Error, Kind};

/// An error of the API.
#[derive(Debug)]
pub struct BlynkError(pub HttpError);

impl<F: Into<HttpError>> From<F> for BlynkError {
    fn from(fault: F) -> Self {
        BlynkError(fault.into())
    }
}

impl IntoResponse for BlynkError {
    fn into_response(self) -> Response {
        let message = message(&self.0);
        let mut response = error_response(&self.0, json!({"error": {"message": message}}));
        if response.headers().contains_key(WWW_AUTHENTICATE) {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn message(fault: &HttpError) -> String {
    match fault {
        HttpError::Domain(error) => match error.kind {
            Kind::Unauthenticated => "Unauthorized.".to_owned(),
            Kind::Throttled => "Too many requests.".to_owned(),
            Kind::Internal => "Internal server error.".to_owned(),
            _ => error.message.clone(),
        },
        HttpError::MethodNotAllowed(_) => "Method not allowed.".to_owned(),
        other => http_detail(other),
    }
}

/// The error for a path that does not exist.
pub fn not_found() -> BlynkError {
    Error::new(Kind::NotFound, "Not found.").into()
}

/// Renders an error that no handler made. OPTIONS is an unknown path.
pub fn render(fault: HttpError) -> Response {
    let error = match fault {
        HttpError::MethodNotAllowed(Method::OPTIONS) => not_found(),
        HttpError::Domain(error) if error.kind == Kind::NotFound => not_found(),
        fault => BlynkError(fault),
    };
    error.into_response()
}

/// Renders an error that no handler of the token endpoint made. The path and its method are those of the API; only what
/// fails beyond has OAuth's form.
pub fn render_of_token(fault: HttpError) -> Response {
    match fault {
        HttpError::Domain(error) if error.kind != Kind::NotFound => {
            OauthError::from(HttpError::Domain(error)).into_response()
        }
        fault => render(fault),
    }
}

/// Why no token was issued.
#[derive(Debug)]
pub struct OauthError {
    /// Code of OAuth 2.0.
    code: &'static str,
    fault: HttpError,
    /// Error to log and audit, where it is not `fault`: some refusals have the status of an invalid request.
    refusal: Option<Box<Error>>,
}

impl OauthError {
    /// The client is unknown, or its secret is wrong.
    pub fn invalid_client() -> Self {
        let message = "Client ID is not found or password is wrong.";
        Self {
            code: "invalid_client",
            fault: Error::new(Kind::Unauthenticated, message).into(),
            refusal: None,
        }
    }

    /// A parameter is missing or malformed.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self { code: "invalid_request", fault: Error::invalid(message).into(), refusal: None }
    }

    /// There is no such grant.
    pub fn unsupported_grant_type() -> Self {
        let message = "The grant types are client_credentials, refresh_token and password.";
        Self { code: "unsupported_grant_type", fault: Error::invalid(message).into(), refusal: None }
    }

    fn refused(code: &'static str, message: &str, kind: Kind) -> Self {
        let refusal = Some(Box::new(Error::new(kind, message)));
        Self { code, fault: Error::invalid(message).into(), refusal }
    }
}

impl From<TokenError> for OauthError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::InvalidClient => Self::invalid_client(),
            TokenError::InvalidGrant => {
                let message = "The refresh token, or the user name or password, is not valid.";
                Self::refused("invalid_grant", message, Kind::Unauthenticated)
            }
            TokenError::UnauthorizedClient => {
                let message = "The client may not use this grant type.";
                Self::refused("unauthorized_client", message, Kind::Forbidden)
            }
            TokenError::Failed(error) => HttpError::Domain(error).into(),
        }
    }
}

impl From<HttpError> for OauthError {
    fn from(fault: HttpError) -> Self {
        let code = match &fault {
            HttpError::Domain(error) => match error.kind {
                Kind::Internal => "server_error",
                Kind::Throttled | Kind::Busy | Kind::Unavailable | Kind::Timeout => "temporarily_unavailable",
                _ => "invalid_request",
            },
            _ => "invalid_request",
        };
        Self { code, fault, refusal: None }
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let Self { code, fault, refusal } = self;
        let description = match &fault {
            // The same text for every failure of a client, wherever it is found.
            HttpError::Domain(error) if error.kind == Kind::Unauthenticated => error.message.clone(),
            fault => message(fault),
        };
        let mut response = error_response(&fault, json!({"error": code, "error_description": description}));
        if let Some(refusal) = refusal {
            response.extensions_mut().insert(ErrorReport::from_domain(&refusal));
        }
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if headers.contains_key(WWW_AUTHENTICATE) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        }
        response
    }
}
