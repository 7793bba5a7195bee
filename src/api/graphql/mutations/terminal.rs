//! Leave to open a terminal, as a signed token that is good for once.

use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;
use serde_json::json;

use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::scalars::DateTime;
use crate::api::rest::fields::{Fields, Mode};
use crate::api::rest::terminal;
use crate::domain::grant::Grant;

#[derive(Default)]
pub struct Mutations;

/// The terminal that is to be opened, and what may be done in it.
#[derive(InputObject, Serialize)]
pub struct IssueTerminalGrantInput {
    /// Name of the terminal at the terminal service, 1 to 128 characters.
    terminal_id: String,
    /// Name of the machine that it is on, 1 to 128 characters.
    host_id: String,
    /// Whether keys may be typed; default false.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    interactive: MaybeUndefined<bool>,
    /// What may be run without typing: at most 32, each of 1 to 64 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    allowed_presets: MaybeUndefined<Vec<String>>,
}

/// Leave to open one terminal, once, for a short time.
#[derive(SimpleObject)]
pub struct TerminalGrant {
    /// Its own id, as in the token.
    jti: String,
    /// Who asked for it, as in the token: the id of a key, or what else may ask with its kind before it, as `user:3`.
    sub: String,
    /// Name of the terminal at the terminal service.
    terminal_id: String,
    /// Name of the machine that the terminal is on.
    host_id: String,
    /// Whether keys may be typed.
    interactive: bool,
    /// What may be run without typing.
    allowed_presets: Vec<String>,
    /// From when on it is good.
    issued_at: DateTime,
    /// From when on it is refused.
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

/// A grant that has been issued.
#[derive(SimpleObject)]
pub struct IssueTerminalGrantPayload {
    /// What the token allows; null when none was issued.
    grant: Option<TerminalGrant>,
    /// What the terminal service is shown, as a bearer's token: this once, never again.
    token: Option<String>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

/// What came of using a token up.
#[derive(SimpleObject)]
pub struct RedeemTerminalGrantPayload {
    /// What the token allows; null when it was refused.
    grant: Option<TerminalGrant>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

#[Object(name = "TerminalMutations")]
impl Mutations {
    /// Issues leave to open a terminal. The keys that check its token are at `/.well-known/jwks.json`.
    async fn issue_terminal_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The terminal, and what may be done in it.")] input: IssueTerminalGrantInput,
    ) -> Result<IssueTerminalGrantPayload> {
        let fields = input::fields(&input, Mode::Whole, &[]);
        let (issued, errors) = settle(terminal::make(app(ctx), caller(ctx), fields).await)?;
        let (grant, token) = issued.map(|(grant, token)| (grant.into(), token)).unzip();
        Ok(IssueTerminalGrantPayload { grant, token, errors })
    }

    /// Uses a token up, for the service that opens terminals: the second time it is refused.
    async fn redeem_terminal_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(secret, desc = "The token as it was issued.")] token: String,
    ) -> Result<RedeemTerminalGrantPayload> {
        let given = json!({ "token": token });
        let fields = Fields::new(given.as_object().cloned().unwrap_or_default(), Mode::Whole);
        let (grant, errors) = settle(terminal::redeem(app(ctx), caller(ctx), fields).await)?;
        Ok(RedeemTerminalGrantPayload { grant: grant.map(Into::into), errors })
    }
}
