//! What a person changes of themselves. Logging in and out is REST's: it sets and takes back cookies.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use serde::Serialize;

use super::input;
use crate::api::graphql::context::{app, standing};
use crate::api::graphql::errors::{UserError, settle};
use crate::api::rest::fields::Mode;
use crate::api::rest::session;

#[derive(Default)]
pub struct Mutations;

#[derive(InputObject, Serialize)]
pub struct ChangePasswordInput {
    #[graphql(secret)]
    old_password: String,
    #[graphql(secret)]
    new_password: String,
}

/// What became of a password.
#[derive(SimpleObject)]
pub struct ChangePasswordPayload {
    changed: bool,
    errors: Vec<UserError>,
}

#[Object(name = "SessionMutations")]
impl Mutations {
    /// Changes one's own password: for people, not for keys. Every other session of the person ends.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        let fields = input::fields(&input, Mode::Whole, &[]);
        let (changed, errors) = settle(session::renew(app(ctx), standing(ctx), fields).await)?;
        Ok(ChangePasswordPayload { changed: changed.is_some(), errors })
    }
}
