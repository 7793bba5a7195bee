//! Mutations that join or leave Hamachi networks on this machine.

use async_graphql::{Context, Enum, MaybeUndefined, Object, Result, SimpleObject};

use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::input_object::input_objects;
use crate::app::fields::json_source::JsonObject;
use crate::app::fields::reader::{FieldReader, ReadMode};
use crate::domain;

/// Mutations that join and leave Hamachi networks.
#[derive(Default)]
pub struct HamachiMutations;

input_objects! {
    /// The Hamachi network to join.
    pub struct JoinHamachiNetworkInput {
        /// Id or name of the network, 4 to 64 characters.
        network: String,
        /// Password of the network, at most 128 characters; null if it has none.
        #[graphql(secret)]
        password: MaybeUndefined<String>,
    }
}

/// Outcome of joining a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::hamachi::JoinOutcome", rename_items = "lowercase")]
pub enum HamachiJoined {
    /// This machine has become a member.
    New,
    /// This machine was already a member.
    Already,
    /// The network's owner must approve the request.
    Pending,
}

/// Result of joining a network.
#[derive(SimpleObject)]
pub struct JoinHamachiNetworkPayload {
    /// Id or name of the network; null if it was not joined.
    network: Option<String>,
    /// Whether the membership is new, existed before, or awaits approval; null if the network was not joined.
    joined: Option<HamachiJoined>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

/// Result of leaving a network.
#[derive(SimpleObject)]
pub struct LeaveHamachiNetworkPayload {
    /// The network that this machine has left; null if none.
    left: Option<String>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "HamachiMutations")]
impl HamachiMutations {
    /// Joins a Hamachi network on this machine.
    async fn join_hamachi_network(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The network and, if it has one, its password.")] input: JoinHamachiNetworkInput,
    ) -> Result<JoinHamachiNetworkPayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &[]);
        let (joined, errors) = into_payload(app(ctx).hamachi.join_from_fields(caller(ctx), fields).await)?;
        let (network, joined) = joined.map(|(network, joined)| (network, joined.into())).unzip();
        Ok(JoinHamachiNetworkPayload { network, joined, errors })
    }

    /// Leaves a Hamachi network on this machine.
    async fn leave_hamachi_network(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the network, or its name if the network is not managed.")] network: String,
    ) -> Result<LeaveHamachiNetworkPayload> {
        let no_fields = FieldReader::new(JsonObject::default(), ReadMode::Partial);
        let gone = app(ctx).hamachi.leave_from_fields(caller(ctx), network.clone(), no_fields).await;
        let (gone, errors) = into_payload(gone)?;
        Ok(LeaveHamachiNetworkPayload { left: gone.map(|()| network), errors })
    }
}
