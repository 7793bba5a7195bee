//! The DataStone REST API (`/api/…`): one file per noun, each with its handlers and wire types.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use axum::routing::{MethodRouter, get, post};

use self::gate::Right;
use super::error::{self, RestError};
use crate::app::App;
use crate::domain::{DeviceId, Error, EventId, GroupId, KeyId, Resource, StreamId};

pub mod array;
pub mod audit;
pub mod body;
pub mod data;
pub mod device;
pub mod event;
pub mod fields;
pub mod gate;
pub mod group;
pub mod hamachi;
pub mod io;
pub mod key;
pub mod license;
pub mod query;
pub mod reading;
pub mod retention;
pub mod scalar;
pub mod session;
pub mod statistic;
pub mod terminal;
pub mod value;

/// Puts the gate of a resource before the methods of a path.
trait Gate: Fn(Resource, MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>> {}

impl<F: Fn(Resource, MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>>> Gate for F {}

/// Each route names the resource whose scope it needs, or who else may pass; the gate looks at nothing else.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let guarded = |right, methods: MethodRouter<Arc<App>>| {
        gate::guard(app, right, methods.fallback(error::method_not_allowed))
    };
    let gated = |resource, methods| guarded(Right::Scope(resource), methods);
    let session = get(session::retrieve).post(session::create).delete(session::destroy);
    Router::new()
        .route("/api/session", guarded(Right::Anybody, session))
        .route("/api/session/password", guarded(Right::Known, post(session::change_password)))
        .route("/api/key", guarded(Right::Superuser, get(key::list).post(key::create)))
        .route("/api/key/{id}", guarded(Right::Superuser, get(key::retrieve).delete(key::destroy)))
        .route("/api/audit", gated(Resource::System, get(audit::list)))
        .merge(plant(&gated))
        .merge(readings(&gated))
        .merge(of_the_machine(&gated))
}

/// What a plant is made of, and what happened in it.
fn plant(gated: &impl Gate) -> Router<Arc<App>> {
    let device = get(device::retrieve).put(device::replace).patch(device::update).delete(device::destroy);
    let group = get(group::retrieve).put(group::replace).patch(group::update).delete(group::destroy);
    let data = get(data::retrieve).put(data::replace).patch(data::update).delete(data::destroy);
    let event = get(event::retrieve).put(event::replace).patch(event::update).delete(event::destroy);
    Router::new()
        .route("/api/device", gated(Resource::Device, get(device::list).post(device::create)))
        .route("/api/device/{id}", gated(Resource::Device, device))
        .route("/api/device/{id}/status", gated(Resource::Device, get(device::status)))
        .route("/api/device/{id}/io/{register}", gated(Resource::Device, get(io::read).post(io::write)))
        .route("/api/group", gated(Resource::Group, get(group::list).post(group::create)))
        .route("/api/group/{id}", gated(Resource::Group, group))
        .route("/api/data", gated(Resource::Data, get(data::list).post(data::create)))
        .route("/api/data/{id}", gated(Resource::Data, data))
        .route("/api/event-log", gated(Resource::EventLog, get(event::list).post(event::create)))
        .route("/api/event-log/{id}", gated(Resource::EventLog, event))
        .route("/api/event-log/{id}/process", gated(Resource::EventLog, post(event::process)))
}

/// Values, statistics, and how long they are kept.
fn readings(gated: &impl Gate) -> Router<Arc<App>> {
    let policy = get(retention::list_of).post(retention::change_of).put(retention::change_of);
    Router::new()
        .route("/api/data/{id}/value", gated(Resource::Data, get(value::list_of).post(value::post)))
        .route(
            "/api/data/{id}/statistic",
            gated(Resource::Data, get(statistic::list_of).post(statistic::post)),
        )
        .route("/api/data/{id}/policy/retention", gated(Resource::System, policy))
        .route("/api/retention", gated(Resource::System, get(retention::list).post(retention::change)))
        .route("/api/value", gated(Resource::Value, get(value::list)))
        .route("/api/value/{id}", gated(Resource::Value, get(value::retrieve)))
        .route("/api/statistic", gated(Resource::Statistic, get(statistic::list)))
        .route("/api/statistic/{id}", gated(Resource::Statistic, get(statistic::retrieve)))
}

/// What belongs to the machine, and the public key of its terminal grants, which needs no gate.
fn of_the_machine(gated: &impl Gate) -> Router<Arc<App>> {
    let networks = get(hamachi::networks).post(hamachi::join).delete(hamachi::leave_named);
    let network = get(hamachi::network).delete(hamachi::leave);
    let grant = Resource::WebrtcTerminal;
    Router::new()
        .route("/api/hamachi", gated(Resource::System, get(hamachi::status)))
        .route("/api/hamachi/network", gated(Resource::System, networks))
        .route("/api/hamachi/network/{network}", gated(Resource::System, network))
        .route("/api/license", gated(Resource::System, get(license::state)))
        .route("/api/license/activation-request", gated(Resource::System, get(license::activation_request)))
        .route("/api/webrtc/terminal-grant", gated(grant, post(terminal::issue)))
        .route("/api/webrtc/terminal-grant/validate", gated(grant, post(terminal::validate)))
        .route("/.well-known/jwks.json", get(terminal::keys))
}

/// The `{id}` of a path. Whatever is not a row id is simply not found.
pub struct Id<T>(pub T);

impl<T: From<RowId>, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let text = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = text.map_err(|_: PathRejection| Error::not_found())?.0;
        Ok(Id(RowId::parse(&text).ok_or_else(Error::not_found)?.into()))
    }
}

/// A number that may be the id of a row of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId(pub i32);

impl RowId {
    /// Digits and nothing else.
    fn parse(text: &str) -> Option<RowId> {
        Some(text).filter(|t| t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse().ok()).map(RowId)
    }
}

impl From<RowId> for DeviceId {
    fn from(id: RowId) -> Self {
        DeviceId(id.0)
    }
}

impl From<RowId> for KeyId {
    fn from(id: RowId) -> Self {
        KeyId(id.0)
    }
}

impl From<RowId> for StreamId {
    fn from(id: RowId) -> Self {
        StreamId(id.0)
    }
}

impl From<RowId> for GroupId {
    fn from(id: RowId) -> Self {
        GroupId(id.0)
    }
}

impl From<RowId> for EventId {
    fn from(id: RowId) -> Self {
        EventId(id.0)
    }
}
