//! `POST /authentication/v1/oauth/token`: a JSON web token for the id and the secret of a client.

use axum::Json;
use axum::extract::Request;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::mistakes::{Location, Mistakes};
use super::{Answer, Cloud, body};
use crate::api::error::InstathingsError;
use crate::api::origin::PeerAddress;
use crate::app::token::TokenError;
use crate::domain::{Error, Kind};

/// Issues a token.
///
/// # Errors
/// 400 when a member is missing or no text; 401 for a wrong pair.
pub async fn issue(cloud: &Cloud, request: Request) -> Answer {
    let (parts, content) = request.into_parts();
    let address = parts.extensions.get::<PeerAddress>().copied();
    let fields = body::read_anonymous(&parts.headers, content, address).await?;
    let mut mistakes = Mistakes::default();
    let mut text = |name: &str| match fields.get(name) {
        Some(Value::String(text)) if !text.is_empty() => text.as_str(),
        other => {
            mistakes.add(Location::Body, name, other.cloned());
            ""
        }
    };
    let (id, secret) = (text("clientId"), text("clientSecret"));
    mistakes.check()?;
    let token = cloud.app.tokens.issue_jwt(id, secret).await.map_err(refused)?;
    Ok(Json(json!({"access_token": token})).into_response())
}

fn refused(error: TokenError) -> InstathingsError {
    match error {
        TokenError::Failed(error) => error.into(),
        TokenError::InvalidClient | TokenError::InvalidGrant | TokenError::UnauthorizedClient => {
            Error::new(Kind::Unauthenticated, "the client is unknown, or its secret is wrong").into()
        }
    }
}
