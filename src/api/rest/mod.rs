//! The DataStone REST API (`/api/…`): one file per noun, each with its handlers and wire types.

#![warn(missing_docs)]

use axum::extract::FromRequestParts;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;

use super::error::RestError;
use super::openapi::route::Section;
use crate::domain::{
    ClientId, DeviceId, Error, EventId, GroupId, JobId, KeyId, ModelId, ProductId, StreamId, UserId,
};

pub mod address_space;
pub mod array;
pub mod audit;
pub mod backup;
pub mod channel;
pub mod client;
pub mod command;
pub mod dashboard;
pub mod data;
pub mod device;
pub mod device_history;
pub mod device_test;
pub mod document;
pub mod event;
pub mod gateway;
pub mod group;
pub mod hamachi;
pub mod inventory;
pub mod io;
pub mod job;
pub mod json_body;
pub mod key;
pub mod license;
pub mod model;
pub mod multipart;
pub mod opcua_certificate;
pub mod precheck;
pub mod preferences;
pub mod product;
pub mod query_params;
pub mod reading_json;
pub mod retention;
pub mod rule;
pub mod rule_routes;
pub mod session;
pub mod statistic;
pub mod system;
pub mod tag_list;
pub mod terminal;
pub mod upload;
pub mod user;
pub mod value;

/// All sections, in the order of the documentation.
pub fn sections() -> Vec<Section> {
    vec![
        device::section(),
        device_history::section(),
        device_test::section(),
        io::section(),
        address_space::section(),
        opcua_certificate::section(),
        data::section(),
        value::section(),
        statistic::section(),
        group::section(),
        product::section(),
        event::section(),
        rule_routes::section(),
        channel::section(),
        dashboard::section(),
        command::section(),
        gateway::section(),
        retention::section(),
        hamachi::section(),
        license::section(),
        terminal::section(),
        upload::section(),
        model::routes::section(),
        job::section(),
        backup::section(),
        session::section(),
        key::section(),
        client::section(),
        user::section(),
        audit::section(),
        inventory::section(),
        system::section(),
    ]
}

/// The `{id}` of a path. Anything that is not a row id is answered with 404.
pub struct Id<T>(pub T);

impl<T: From<RowId>, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let text = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = text.map_err(|_: PathRejection| Error::not_found())?.0;
        Ok(Id(RowId::parse(&text).ok_or_else(Error::not_found)?.into()))
    }
}

/// A row id of any kind, not checked for existence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId(pub i32);

impl RowId {
    /// Parses decimal digits only.
    fn parse(text: &str) -> Option<RowId> {
        Some(text).filter(|t| t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse().ok()).map(RowId)
    }
}

macro_rules! from_row_id {
    ($($id:ident),+ $(,)?) => {$(
        impl From<RowId> for $id {
            fn from(id: RowId) -> Self {
                $id(id.0)
            }
        }
    )+};
}

from_row_id!(DeviceId, KeyId, ProductId, ClientId, StreamId, GroupId, EventId, JobId, ModelId, UserId);
