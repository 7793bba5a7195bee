//! Fields of `Mutation`: the changes that REST offers, by the same rules. Each payload contains either the object as
//! stored after the change or the errors in the input.

pub mod backup;
pub mod channel;
pub mod client;
pub mod dashboard;
pub mod device;
pub mod device_test;
pub mod document;
pub mod event;
pub mod group;
pub mod hamachi;
pub mod input;
pub mod inventory;
pub mod key;
pub mod model;
pub mod opcua_certificate;
pub mod product;
pub mod query;
pub mod register;
pub mod retention;
pub mod rule;
pub mod session;
pub mod statistic;
pub mod stream;
pub mod terminal;
pub mod user;
pub mod values;

use async_graphql::{MergedObject, Result, SimpleObject};

use super::errors::{UserError, into_payload};
use crate::domain;

/// Mutations run one after another in the order of the document. Each returns the object as stored after the change.
#[derive(MergedObject, Default)]
pub struct Mutation(
    backup::BackupMutations,
    device::DeviceMutations,
    stream::StreamMutations,
    group::GroupMutations,
    event::EventMutations,
    key::KeyMutations,
    product::ProductMutations,
    client::ClientMutations,
    retention::RetentionMutations,
    values::ValuesMutations,
    statistic::StatisticMutations,
    register::RegisterMutations,
    hamachi::HamachiMutations,
    terminal::TerminalMutations,
    session::SessionMutations,
    model::ModelMutations,
    query::QueryMutations,
    inventory::InventoryMutations,
    user::UserMutations,
    device_test::DeviceTestMutations,
    opcua_certificate::OpcuaCertificateMutations,
    dashboard::DashboardMutations,
    channel::ChannelMutations,
    rule::RuleMutations,
);

/// Result of deleting an object or cancelling a job.
#[derive(SimpleObject)]
#[graphql(name = "Deleted")]
pub struct DeletePayload {
    /// Row number of the deleted object; null if nothing was deleted.
    deleted_row_id: Option<i32>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

impl DeletePayload {
    fn from_result(row: i32, result: domain::Result<()>) -> Result<Self> {
        let (gone, errors) = into_payload(result)?;
        Ok(Self { deleted_row_id: gone.map(|()| row), errors })
    }
}

/// Defines the payload of a mutation that returns one object as `object: Node(what the object shows)`: the object, or the
/// errors in the input.
macro_rules! payload {
    (
        $(#[$($about:tt)*])*
        pub struct $payload:ident {
            $(#[$($attribute:tt)*])*
            $object:ident: $node:ident($shown:ty),
        }
    ) => {
        $(#[$($about)*])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $payload {
            $(#[$($attribute)*])*
            $object: Option<$node>,
            /// Errors in the input, each with its field; empty on success.
            errors: Vec<$crate::api::graphql::errors::UserError>,
        }

        impl $payload {
            fn from_result(result: $crate::domain::Result<$shown>) -> async_graphql::Result<Self> {
                let ($object, errors) = $crate::api::graphql::errors::into_payload(result)?;
                Ok(Self { $object: $object.map($node), errors })
            }
        }
    };
}
pub(super) use payload;
