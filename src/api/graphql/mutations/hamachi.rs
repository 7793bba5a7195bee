//! Joining and leaving networks of the Hamachi client of this machine.

use async_graphql::{Context, Enum, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;

use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, settle};
use crate::api::rest::fields::{Fields, Mode};
use crate::api::rest::hamachi;
use crate::domain;

#[derive(Default)]
pub struct Mutations;

/// The network that this machine is to join.
#[derive(InputObject, Serialize)]
pub struct JoinHamachiNetworkInput {
    /// Id or name, 4 to 64 characters.
    network: String,
    /// At most 128 characters; null for a network without one.
    #[graphql(secret)]
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    password: MaybeUndefined<String>,
}

/// What came of joining a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::hamachi::Joined", rename_items = "lowercase")]
pub enum HamachiJoined {
    /// This machine has become a member.
    New,
    /// This machine was a member before.
    Already,
    /// The network's owner has to let it in.
    Pending,
}

/// What became of joining a network.
#[derive(SimpleObject)]
pub struct JoinHamachiNetworkPayload {
    /// Id or name of the network; null when it was not joined.
    network: Option<String>,
    /// Whether the membership is new, old, or waits for the owner; null when it was not joined.
    joined: Option<HamachiJoined>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

/// What became of leaving a network.
#[derive(SimpleObject)]
pub struct LeaveHamachiNetworkPayload {
    /// The network that was left; null when none was.
    left: Option<String>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

#[Object(name = "HamachiMutations")]
impl Mutations {
    /// Has this machine join a network.
    async fn join_hamachi_network(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The network, and its password where it has one.")] input: JoinHamachiNetworkInput,
    ) -> Result<JoinHamachiNetworkPayload> {
        let fields = input::fields(&input, Mode::Whole, &[]);
        let (joined, errors) = settle(hamachi::enter(app(ctx), caller(ctx), fields).await)?;
        let (network, joined) = joined.map(|(network, joined)| (network, joined.into())).unzip();
        Ok(JoinHamachiNetworkPayload { network, joined, errors })
    }

    /// Has this machine leave a network, by its id.
    async fn leave_hamachi_network(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the network, or its name when it is not managed.")] network: String,
    ) -> Result<LeaveHamachiNetworkPayload> {
        let nothing = Fields::new(serde_json::Map::new(), Mode::Partial);
        let gone = hamachi::quit(app(ctx), caller(ctx), network.clone(), nothing).await;
        let (gone, errors) = settle(gone)?;
        Ok(LeaveHamachiNetworkPayload { left: gone.map(|()| network), errors })
    }
}
