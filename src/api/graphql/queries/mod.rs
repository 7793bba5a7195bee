//! The fields of `Query`: where every reading begins.

pub mod inventory;
pub mod machine;
pub mod series;

use async_graphql::{ID, Interface, MergedObject, Result};

use super::objects::device::Device;
use super::objects::event::Event;
use super::objects::group::Group;
use super::objects::key::ApiKey;
use super::objects::model::Model;
use super::objects::stream::Stream;
use crate::domain::Kind;

/// Devices, their streams, and what they have measured. Ranges of time take their `from` and not their `to`. Everything
/// is as the caller's key or session sees it: rows of others are not there.
#[derive(MergedObject, Default)]
pub struct Query(inventory::Queries, series::Queries, machine::Queries);

/// An object that has a global id.
#[derive(Interface)]
#[graphql(
    field(
        name = "id",
        ty = "ID",
        desc = "Global id, unique among objects of all types: `node(id:)` finds the object by it."
    ),
    field(
        name = "row_id",
        ty = "i32",
        desc = "The number that REST and SQL show, unique among objects of one type."
    )
)]
pub enum Node {
    Device(Device),
    Stream(Stream),
    Group(Group),
    Event(Event),
    ApiKey(ApiKey),
    Model(Model),
}

/// A row, or null when it is not there or not the caller's to see.
fn found<T>(result: crate::domain::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(row) => Ok(Some(row)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
