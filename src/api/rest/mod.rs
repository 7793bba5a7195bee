//! The DataStone REST API (`/api/…`): one file per noun, each with its handlers and wire types.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use axum::routing::{MethodRouter, get};

use super::error::{self, RestError};
use crate::app::App;
use crate::domain::{DeviceId, Error, Resource, StreamId};

pub mod array;
pub mod body;
pub mod data;
pub mod device;
pub mod fields;
pub mod gate;
pub mod query;
pub mod reading;
pub mod retention;
pub mod scalar;
pub mod statistic;
pub mod value;

/// Each route names the resource whose scope it needs; the gate looks at nothing else.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let gated = |resource, methods: MethodRouter<Arc<App>>| {
        gate::guard(app, resource, methods.fallback(error::method_not_allowed))
    };
    let device = get(device::retrieve).put(device::replace).patch(device::update).delete(device::destroy);
    let data = get(data::retrieve).put(data::replace).patch(data::update).delete(data::destroy);
    Router::new()
        .route("/api/device", gated(Resource::Device, get(device::list).post(device::create)))
        .route("/api/device/{id}", gated(Resource::Device, device))
        .route("/api/device/{id}/status", gated(Resource::Device, get(device::status)))
        .route("/api/data", gated(Resource::Data, get(data::list).post(data::create)))
        .route("/api/data/{id}", gated(Resource::Data, data))
        .route("/api/data/{id}/value", gated(Resource::Data, get(value::list_of).post(value::post)))
        .route(
            "/api/data/{id}/policy/retention",
            gated(
                Resource::System,
                get(retention::list_of).post(retention::change_of).put(retention::change_of),
            ),
        )
        .route("/api/retention", gated(Resource::System, get(retention::list).post(retention::change)))
        .route(
            "/api/data/{id}/statistic",
            gated(Resource::Data, get(statistic::list_of).post(statistic::post)),
        )
        .route("/api/statistic", gated(Resource::Statistic, get(statistic::list)))
        .route("/api/statistic/{id}", gated(Resource::Statistic, get(statistic::retrieve)))
        .route("/api/value", gated(Resource::Value, get(value::list)))
        .route("/api/value/{id}", gated(Resource::Value, get(value::retrieve)))
}

/// The `{id}` of a path. Whatever is not a row id is simply not found.
pub struct Id<T>(pub T);

impl<T: From<RowId>, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let text = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = text.map_err(|_: PathRejection| Error::not_found())?.0;
        let number =
            Some(text).filter(|t| t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse().ok());
        Ok(Id(RowId(number.ok_or_else(Error::not_found)?).into()))
    }
}

/// A number that may be the id of a row of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId(pub i32);

impl From<RowId> for DeviceId {
    fn from(id: RowId) -> Self {
        DeviceId(id.0)
    }
}

impl From<RowId> for StreamId {
    fn from(id: RowId) -> Self {
        StreamId(id.0)
    }
}
