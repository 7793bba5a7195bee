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

use super::body::Unread;
use super::fields::{Fields, Mode, Need};
use super::gate::Right;
use super::query::Query;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, optional, possible, required, shown};
use crate::app::App;
use crate::domain::Resource;
use crate::domain::hamachi::PeerState;
use crate::domain::hamachi::{Joined, Network, Peer, Status};
use crate::domain::{Error, Principal, Result};

pub fn section() -> Section {
    let network = shape::named("HamachiNetwork");
    let joined = || shape::named("HamachiJoined");
    let status = Doc::new("hamachi_status", "The client").answers(200, "It", shape::named("HamachiStatus"));
    let list = Doc::new("hamachi_network_list", "The networks this machine is in");
    let join = Doc::new("hamachi_join", "Joins a network")
        .body(shape::named("HamachiJoin"))
        .answers(201, "It is in it now", joined())
        .answers(200, "It was in it before", joined())
        .answers(202, "Its owner has to let it in", joined());
    let leave_named = Doc::new("hamachi_leave_named", "Leaves a network, named in the body or in the query")
        .query("network", shape::text(4, 64), "The network; a body goes before it.")
        .body_if_any(shape::named("HamachiLeave"))
        .answers_nothing("It has left");
    let get = Doc::new("hamachi_network_get", "One network").answers(200, "It", network.clone());
    let leave = Doc::new("hamachi_leave", "Leaves it").answers_nothing("It has left");
    let right = Right::Scope(Resource::System);
    let touching = |doc: Doc| doc.refuses(409).refuses(502).refuses(504);
    Section {
        name: "Hamachi",
        about: "The Hamachi client of this machine. 503 when it is not installed or does not run.",
        routes: vec![
            Route::gated("/api/hamachi", right).get(self::status, touching(status)),
            Route::gated("/api/hamachi/network", right)
                .get(networks, touching(list.answers(200, "They", shape::list(network))))
                .post(self::join, touching(join))
                .delete(self::leave_named, touching(leave_named.refuses(404))),
            Route::gated("/api/hamachi/network/{network}", right)
                .variable("network", shape::words())
                .get(self::network, touching(get))
                .delete(self::leave, touching(leave.refuses(400))),
        ],
        schemas: vec![
            ("HamachiStatus", shape::view(&described_status())),
            ("HamachiNetwork", shape::view(&described_network())),
            (
                "HamachiJoin",
                shape::body(&[
                    required("network", shape::text(4, 64)),
                    optional("password", shape::or_null(shape::secret()), Value::Null),
                ]),
            ),
            ("HamachiLeave", shape::body(&[possible("network", shape::text(4, 64))])),
            (
                "HamachiJoined",
                shape::answer(&[
                    required("network", shape::words()),
                    required("joined", shape::boolean()),
                    possible("pending", shape::boolean()),
                ]),
            ),
        ],
    }
}

fn words_or_null(name: &'static str) -> Field {
    shown(name, shape::or_null(shape::words()))
}

fn described_status() -> Vec<Field> {
    let mut fields = ["version", "status", "client_id", "address", "ipv6", "nickname", "lmi_account"]
        .map(words_or_null)
        .to_vec();
    fields.insert(1, shown("pid", shape::or_null(shape::count())));
    fields
}

fn described_network() -> Vec<Field> {
    let peer = [
        shown("client_id", shape::words()),
        words_or_null("nickname"),
        words_or_null("address"),
        words_or_null("ipv6"),
        shown("status", shape::choice(PeerState::ALL.map(PeerState::name))),
        words_or_null("via"),
    ];
    let named = [
        shown("network_id", shape::words()),
        shown("name", shape::words()),
        shown("online", shape::boolean()),
    ];
    let known = ["capacity", "owner", "subscription", "subnet"].map(words_or_null);
    let peers = [shown("peers", shape::list(shape::view(&peer).into()))];
    named.into_iter().chain(known).chain(peers).collect()
}

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
    let (network, joined) = enter(&app, &caller, body.fields(Mode::Whole).await?).await?;
    Ok(match joined {
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
    let fields = body.fields(if in_query.is_some() { Mode::Partial } else { Mode::Whole }).await?;
    quit(&app, &caller, in_query.unwrap_or_default().to_owned(), fields).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Joins the network that the fields of a body name, and tells which.
pub(in crate::api) async fn enter(
    app: &App,
    who: &Principal,
    mut fields: Fields,
) -> Result<(String, Joined)> {
    app.hamachi_to_change(who)?;
    let (mut network, mut password) = (String::new(), None);
    fields.text("network", Need::Required, &mut network);
    fields.text_or_null("password", &mut password);
    let password = password.unwrap_or_default();
    fields.finish(app.hamachi_problems(&network, &password))?;
    let joined = app.join_hamachi(who, &network, &password).await?;
    Ok((network, joined))
}

/// Leaves a network, unless the fields of a body name another.
pub(in crate::api) async fn quit(
    app: &App,
    who: &Principal,
    mut network: String,
    mut fields: Fields,
) -> Result<()> {
    app.hamachi_to_change(who)?;
    fields.text("network", Need::Required, &mut network);
    fields.finish(app.hamachi_problems(&network, ""))?;
    app.leave_hamachi(who, &network).await
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
