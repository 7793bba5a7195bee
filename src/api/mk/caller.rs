//! The authenticated caller of a request: a key of an organization, or a user with a JSON web token.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};

use super::problem::MkError;
use crate::api::bearer;
use crate::api::connection_limit::ConnectionState;
use crate::app::App;
use crate::app::mk::access::MkAccess;
use crate::domain::audit::RequestOrigin;
use crate::domain::{Error, Kind, Result};

/// The caller, whom the gate has authenticated.
#[derive(Debug, Clone)]
pub struct MkCaller(pub Arc<MkAccess>);

impl Deref for MkCaller {
    type Target = MkAccess;

    fn deref(&self) -> &MkAccess {
        &self.0
    }
}

impl FromRequestParts<Arc<App>> for MkCaller {
    type Rejection = MkError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, MkError> {
        let caller = parts.extensions.get::<MkCaller>().cloned();
        caller.ok_or_else(|| Error::internal("a handler of a public route asks for a caller").into())
    }
}

/// Authenticates a request by its bearer token.
///
/// # Errors
/// The errors of `MkCredentials::authenticate_mk`.
pub async fn authenticate(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Result<MkCaller> {
    let missing = || Error::new(Kind::Unauthenticated, "there is no bearer token");
    let mut access = app.mk.credentials.authenticate_mk(bearer::token(headers).ok_or_else(missing)?).await?;
    if let Some(origin) = extensions.get::<Arc<RequestOrigin>>() {
        access.principal = access.principal.with_origin(origin);
    }
    if let Some(connection) = extensions.get::<Arc<ConnectionState>>() {
        connection.set_authenticated();
    }
    Ok(MkCaller(Arc::new(access)))
}
