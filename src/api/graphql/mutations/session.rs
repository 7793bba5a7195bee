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

/// The password of the person who asks, old and new.
#[derive(InputObject, Serialize)]
pub struct ChangePasswordInput {
    /// The password as it is now.
    #[graphql(secret)]
    old_password: String,
    /// The password that is to go in its place.
    #[graphql(secret)]
    new_password: String,
}

/// Whether a password was changed.
#[derive(SimpleObject)]
pub struct ChangePasswordPayload {
    /// True when the new password holds from now on.
    changed: bool,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

#[Object(name = "SessionMutations")]
impl Mutations {
    /// Changes one's own password: for people, not for keys. Every other session of the person ends.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The old password and the new one.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        let fields = input::fields(&input, Mode::Whole, &[]);
        let (changed, errors) = settle(session::renew(app(ctx), standing(ctx), fields).await)?;
        Ok(ChangePasswordPayload { changed: changed.is_some(), errors })
    }
}
