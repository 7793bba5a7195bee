//! `/api/hamachi/`: the Hamachi client of this machine and its networks.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, omittable, optional, read_only, required};
use crate::app::App;
use crate::app::fields::reader::ReadMode;
use crate::domain::Resource;
use crate::domain::hamachi::PeerState;
use crate::domain::hamachi::{JoinOutcome, VpnNetwork, VpnPeer, VpnStatus};
use crate::domain::validation::MAX_SECRET_CHARS;
use crate::domain::{Error, Result};

/// Routes, documentation and schemas of the Hamachi client.
pub fn section() -> Section {
    let network = schema::reference("HamachiNetwork");
    let joined = || schema::reference("HamachiJoined");
    let status = Doc::new("hamachi_status", "Get the status of the Hamachi client").answers(
        200,
        "The client status",
        schema::reference("HamachiStatus"),
    );
    let list = Doc::new("hamachi_network_list", "List the networks that this machine has joined");
    let join = Doc::new("hamachi_join", "Join a network")
        .body(schema::reference("HamachiJoin"))
        .answers(201, "The network was joined", joined())
        .answers(200, "The network had already been joined", joined())
        .answers(202, "The network owner must approve the request", joined());
    let leave_named = Doc::new("hamachi_leave_named", "Leave the network named in the body or in the query")
        .query("network", schema::text(4, 64), "The network to leave; a body takes precedence.")
        .body_if_any(schema::reference("HamachiLeave"))
        .answers_nothing("The network was left");
    let get = Doc::new("hamachi_network_get", "Get a network").answers(
        200,
        "The requested network",
        network.clone(),
    );
    let leave = Doc::new("hamachi_leave", "Leave a network").answers_nothing("The network was left");
    let right = RequiredAccess::Scope(Resource::System);
    let touching = |doc: Doc| doc.refuses(409).refuses(502).refuses(504);
    Section {
        name: "Hamachi",
        about: "The Hamachi client of this machine. Returns 503 when it is not installed or not running.",
        routes: vec![
            Route::gated("/api/hamachi", right).get(self::status, touching(status)),
            Route::gated("/api/hamachi/network", right)
                .get(networks, touching(list.answers(200, "The joined networks", schema::list(network))))
                .post(self::join, touching(join))
                .delete(self::leave_named, touching(leave_named.refuses(404))),
            Route::gated("/api/hamachi/network/{network}", right)
                .variable("network", schema::string())
                .get(self::network, touching(get))
                .delete(self::leave, touching(leave.refuses(400))),
        ],
        schemas: vec![
            ("HamachiStatus", schema::view(&described_status())),
            ("HamachiNetwork", schema::view(&described_network())),
            (
                "HamachiJoin",
                schema::body(&[
                    required("network", schema::text(4, 64)),
                    optional("password", schema::nullable(schema::secret(MAX_SECRET_CHARS)), Value::Null),
                ]),
            ),
            ("HamachiLeave", schema::body(&[omittable("network", schema::text(4, 64))])),
            (
                "HamachiJoined",
                schema::object(&[
                    required("network", schema::string()),
                    required("joined", schema::boolean()),
                    omittable("pending", schema::boolean()),
                ]),
            ),
        ],
    }
}

fn words_or_null(name: &'static str) -> FieldSchema {
    read_only(name, schema::nullable(schema::string()))
}

fn described_status() -> Vec<FieldSchema> {
    let mut fields = ["version", "status", "client_id", "address", "ipv6", "nickname", "lmi_account"]
        .map(words_or_null)
        .to_vec();
    fields.insert(1, read_only("pid", schema::nullable(schema::count())));
    fields
}

fn described_network() -> Vec<FieldSchema> {
    let peer = [
        read_only("client_id", schema::string()),
        words_or_null("nickname"),
        words_or_null("address"),
        words_or_null("ipv6"),
        read_only("status", schema::choice_of::<PeerState>()),
        words_or_null("via"),
    ];
    let named = [
        read_only("network_id", schema::string()),
        read_only("name", schema::string()),
        read_only("online", schema::boolean()),
    ];
    let known = ["capacity", "owner", "subscription", "subnet"].map(words_or_null);
    let peers = [read_only("peers", schema::list(schema::view(&peer).into()))];
    named.into_iter().chain(known).chain(peers).collect()
}

/// `GET /api/hamachi`: status of the client on this machine.
pub async fn status(
    caller: Caller,
    State(app): State<Arc<App>>,
) -> Result<Json<HamachiStatusView>, RestError> {
    Ok(Json(app.hamachi.status(&caller).await?.into()))
}

/// `GET /api/hamachi/network`: networks of this machine, with their other members.
pub async fn networks(
    caller: Caller,
    State(app): State<Arc<App>>,
) -> Result<Json<Vec<NetworkView>>, RestError> {
    Ok(Json(app.hamachi.networks(&caller).await?.into_iter().map(NetworkView::from).collect()))
}

/// `GET /api/hamachi/network/{network}`: one network, by its id.
pub async fn network(
    caller: Caller,
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<NetworkView>, RestError> {
    let Path(id) = path.map_err(|_| Error::not_found())?;
    Ok(Json(app.hamachi.network(&caller, &id).await?.into()))
}

/// `POST /api/hamachi/network`: joins a network; 201, 200 if the machine was a member, 202 if the owner must approve.
pub async fn join(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<Response, RestError> {
    app.hamachi.check_may_change(&caller)?;
    let fields = body.fields(ReadMode::Whole).await?;
    let (network, joined) = app.hamachi.join_from_fields(&caller, fields).await?;
    Ok(match joined {
        JoinOutcome::New => (StatusCode::CREATED, Json(json!({"network": network, "joined": true}))),
        JoinOutcome::Already => (StatusCode::OK, Json(json!({"network": network, "joined": true}))),
        JoinOutcome::Pending => {
            (StatusCode::ACCEPTED, Json(json!({"network": network, "joined": false, "pending": true})))
        }
    }
    .into_response())
}

/// Leaves the network named in the body, or else in the query.
pub async fn leave_named(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
    body: DeferredJson,
) -> Result<StatusCode, RestError> {
    app.hamachi.check_may_change(&caller)?;
    let query = QueryParams::parse(raw.as_deref());
    let in_query = query.text("network");
    let fields = body.fields(if in_query.is_some() { ReadMode::Partial } else { ReadMode::Whole }).await?;
    let network = in_query.unwrap_or_default().to_owned();
    app.hamachi.leave_from_fields(&caller, network, fields).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/hamachi/network/{network}`: leaves the network.
pub async fn leave(
    caller: Caller,
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, RestError> {
    app.hamachi.check_may_change(&caller)?;
    let Path(id) = path.map_err(|_| Error::not_found())?;
    if !app.hamachi.problems(&id, "").is_empty() {
        // A name that no network can have was never joined.
        return Err(Error::not_found().into());
    }
    app.hamachi.leave(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Status of the Hamachi client.
#[derive(Debug, Serialize)]
pub struct HamachiStatusView {
    version: Option<String>,
    pid: Option<u32>,
    status: Option<String>,
    client_id: Option<String>,
    address: Option<Ipv4Addr>,
    ipv6: Option<Ipv6Addr>,
    nickname: Option<String>,
    lmi_account: Option<String>,
}

impl From<VpnStatus> for HamachiStatusView {
    fn from(status: VpnStatus) -> Self {
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

/// A joined network with its peers.
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

impl From<VpnNetwork> for NetworkView {
    fn from(network: VpnNetwork) -> Self {
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

/// Another member of a network.
#[derive(Debug, Serialize)]
struct PeerView {
    client_id: String,
    nickname: Option<String>,
    address: Option<Ipv4Addr>,
    ipv6: Option<Ipv6Addr>,
    status: &'static str,
    via: Option<&'static str>,
}

impl From<VpnPeer> for PeerView {
    fn from(peer: VpnPeer) -> Self {
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
