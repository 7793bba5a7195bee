//! `/api/hamachi/`: the Hamachi client of this machine and its networks.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::body::Unread;
use super::fields::{Mode, Need};
use super::query::Query;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::app::App;
use crate::domain::hamachi::{Joined, Network, Peer, Status};
use crate::domain::{Error, Result};

pub async fn status(caller: Caller, State(app): State<Arc<App>>) -> Result<Json<StatusView>, RestError> {
    Ok(Json(app.hamachi(&caller).await?.into()))
}

pub async fn networks(
    caller: Caller,
    State(app): State<Arc<App>>,
) -> Result<Json<Vec<NetworkView>>, RestError> {
    Ok(Json(app.hamachi_networks(&caller).await?.into_iter().map(NetworkView::from).collect()))
}

pub async fn network(
    caller: Caller,
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<NetworkView>, RestError> {
    let Path(id) = path.map_err(|_| Error::not_found())?;
    Ok(Json(app.hamachi_network(&caller, &id).await?.into()))
}

pub async fn join(caller: Caller, State(app): State<Arc<App>>, body: Unread) -> Result<Response, RestError> {
    app.hamachi_to_change(&caller)?;
    let mut fields = body.fields(Mode::Whole).await?;
    let (mut network, mut password) = (String::new(), None);
    fields.text("network", Need::Required, &mut network);
    fields.text_or_null("password", &mut password);
    let password = password.unwrap_or_default();
    fields.finish(app.hamachi_problems(&network, &password))?;
    Ok(match app.join_hamachi(&caller, &network, &password).await? {
        Joined::New => (StatusCode::CREATED, Json(json!({"network": network, "joined": true}))),
        Joined::Already => (StatusCode::OK, Json(json!({"network": network, "joined": true}))),
        Joined::Pending => {
            (StatusCode::ACCEPTED, Json(json!({"network": network, "joined": false, "pending": true})))
        }
    }
    .into_response())
}

/// The network is named in the body, or else in the query.
pub async fn leave_named(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
    body: Unread,
) -> Result<StatusCode, RestError> {
    app.hamachi_to_change(&caller)?;
    let query = Query::parse(raw.as_deref());
    let in_query = query.text("network");
    let mut fields = body.fields(if in_query.is_some() { Mode::Partial } else { Mode::Whole }).await?;
    let mut network = in_query.unwrap_or_default().to_owned();
    fields.text("network", Need::Required, &mut network);
    fields.finish(app.hamachi_problems(&network, ""))?;
    app.leave_hamachi(&caller, &network).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn leave(
    caller: Caller,
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, RestError> {
    app.hamachi_to_change(&caller)?;
    let Path(id) = path.map_err(|_| Error::not_found())?;
    if !app.hamachi_problems(&id, "").is_empty() {
        // What cannot be a network is none that was joined.
        return Err(Error::not_found().into());
    }
    app.leave_hamachi(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Serialize)]
pub struct StatusView {
    version: Option<String>,
    pid: Option<u32>,
    status: Option<String>,
    client_id: Option<String>,
    address: Option<Ipv4Addr>,
    ipv6: Option<Ipv6Addr>,
    nickname: Option<String>,
    lmi_account: Option<String>,
}

impl From<Status> for StatusView {
    fn from(status: Status) -> Self {
        Self {
            version: status.version,
            pid: status.pid,
            status: status.status,
            client_id: status.client_id,
            address: status.address,
            ipv6: status.ipv6,
            nickname: status.nickname,
            lmi_account: status.lmi_account,
        }
    }
}

#[derive(Debug, Serialize)]
pub struct NetworkView {
    network_id: String,
    name: String,
    online: bool,
    capacity: Option<String>,
    owner: Option<String>,
    subscription: Option<String>,
    subnet: Option<String>,
    peers: Vec<PeerView>,
}

impl From<Network> for NetworkView {
    fn from(network: Network) -> Self {
        Self {
            network_id: network.id,
            name: network.name,
            online: network.is_online,
            capacity: network.capacity,
            owner: network.owner,
            subscription: network.subscription,
            subnet: network.subnet,
            peers: network.peers.into_iter().map(PeerView::from).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct PeerView {
    client_id: String,
    nickname: Option<String>,
    address: Option<Ipv4Addr>,
    ipv6: Option<Ipv6Addr>,
    status: &'static str,
    via: Option<&'static str>,
}

impl From<Peer> for PeerView {
    fn from(peer: Peer) -> Self {
        Self {
            client_id: peer.client_id,
            nickname: peer.nickname,
            address: peer.address,
            ipv6: peer.ipv6,
            status: peer.state.name(),
            via: peer.via,
        }
    }
}
