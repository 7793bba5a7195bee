//! Authentication by an access token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::error::BlynkError;
use crate::api::bearer;
use crate::api::connection_limit::ConnectionState;
use crate::app::App;
use crate::app::token::ClientAccess;
use crate::domain::audit::RequestOrigin;
use crate::domain::{Error, Kind};

/// The access of a request's token.
#[derive(Debug, Clone)]
pub struct TokenCaller(pub ClientAccess);

impl FromRequestParts<Arc<App>> for TokenCaller {
    type Rejection = BlynkError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, BlynkError> {
        let missing = || Error::new(Kind::Unauthenticated, "there is no bearer token");
        let token = bearer::token(&parts.headers).ok_or_else(missing)?;
        let mut access = app.tokens.authenticate_access_token(token)?;
        if let Some(origin) = parts.extensions.get::<Arc<RequestOrigin>>() {
            access.principal = access.principal.with_origin(origin);
        }
        if let Some(connection) = parts.extensions.get::<Arc<ConnectionState>>() {
            connection.set_authenticated();
        }
        Ok(TokenCaller(access))
    }
}
