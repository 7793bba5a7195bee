//! Mutations for terminal grants: signed single-use tokens that permit opening a terminal.

use async_graphql::{Context, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;

use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::scalars::DateTime;
use crate::app::fields::reader::ReadMode;
use crate::domain::grant::Grant;

/// Mutations that issue and redeem terminal grants.
#[derive(Default)]
pub struct TerminalMutations;

input_objects! {
    /// The terminal to open and the permissions in it.
    pub struct IssueTerminalGrantInput {
        /// Name of the terminal at the terminal service, 1 to 128 characters.
        terminal_id: String,
        /// Name of the machine that the terminal runs on, 1 to 128 characters.
        host_id: String,
        /// Whether keyboard input is allowed; default false.
        interactive: MaybeUndefined<bool>,
        /// Presets that may be run without keyboard input: at most 32, each of 1 to 64 characters.
        allowed_presets: MaybeUndefined<Vec<String>>,
    }
}

/// The argument of `redeemTerminalGrant`, as the fields that are read.
#[derive(Serialize)]
struct RedeemFields {
    token: String,
}

/// Permission to open one terminal once, for a short time.
#[derive(SimpleObject)]
pub struct TerminalGrant {
    /// Id of the grant, as in the token.
    jti: String,
    /// Caller that requested the grant, as in the token: the id of a key, or kind and id of another caller, such as
    /// `user:3`.
    sub: String,
    /// Name of the terminal at the terminal service.
    terminal_id: String,
    /// Name of the machine that the terminal runs on.
    host_id: String,
    /// Whether keyboard input is allowed.
    interactive: bool,
    /// Presets that may be run without keyboard input.
    allowed_presets: Vec<String>,
    /// Time from which the grant is valid.
    issued_at: DateTime,
    /// Time from which the grant is refused.
    expires_at: DateTime,
}

impl From<Grant> for TerminalGrant {
    fn from(grant: Grant) -> Self {
        Self {
            jti: grant.id.to_string(),
            sub: grant.subject,
            terminal_id: grant.spec.terminal_id,
            host_id: grant.spec.host_id,
            interactive: grant.spec.interactive,
            allowed_presets: grant.spec.allowed_presets,
            issued_at: DateTime(grant.issued_at),
            expires_at: DateTime(grant.expires_at),
        }
    }
}

/// Result of issuing a terminal grant.
#[derive(SimpleObject)]
pub struct IssueTerminalGrantPayload {
    /// The grant; null if none was issued.
    grant: Option<TerminalGrant>,
    /// Bearer token for the terminal service. It is returned only here.
    token: Option<String>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

/// Result of redeeming a token.
#[derive(SimpleObject)]
pub struct RedeemTerminalGrantPayload {
    /// The grant of the token; null if the token was refused.
    grant: Option<TerminalGrant>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "TerminalMutations")]
impl TerminalMutations {
    /// Issues a grant to open a terminal. The public keys that verify its token are at `/.well-known/jwks.json`.
    async fn issue_terminal_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The terminal and the permissions in it.")] input: IssueTerminalGrantInput,
    ) -> Result<IssueTerminalGrantPayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &[]);
        let (issued, errors) =
            into_payload(app(ctx).terminal_grants.issue_grant_from_fields(caller(ctx), fields).await)?;
        let (grant, token) = issued.map(|(grant, token)| (grant.into(), token)).unzip();
        Ok(IssueTerminalGrantPayload { grant, token, errors })
    }

    /// Redeems a token, for use by the terminal service. A token can be redeemed only once.
    async fn redeem_terminal_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(secret, desc = "The token to redeem, as issued.")] token: String,
    ) -> Result<RedeemTerminalGrantPayload> {
        let fields = input::to_fields(&RedeemFields { token }, ReadMode::Whole, &[]);
        let (grant, errors) =
            into_payload(app(ctx).terminal_grants.redeem_grant_from_fields(caller(ctx), fields).await)?;
        Ok(RedeemTerminalGrantPayload { grant: grant.map(Into::into), errors })
    }
}
