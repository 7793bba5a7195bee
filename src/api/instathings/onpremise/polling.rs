//! The polling transport: a GET takes packets from the server and a POST brings those of the client.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::extract::ws::Utf8Bytes;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, sleep_until};

use super::handshake::EngineRefusal;
use super::packet::{self, MalformedPacket};
use super::registry::SharedSession;
use super::session::{CloseCause, Transport, open_packet};
use super::{OnPremise, payload};
use crate::api::error::InstathingsError;
use crate::api::payload::read_unauthenticated;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
/// The vendor's library says so because some browsers offer plain text as a download.
const HTML: HeaderValue = HeaderValue::from_static("text/html");
const BINARY: &str = "application/octet-stream";

/// The methods of requests that a session takes.
pub const METHODS: [&str; 3] = ["GET", "POST", "OPTIONS"];

/// Opens a session, and tells the client that it may upgrade.
pub fn open(service: &OnPremise, network: IpAddr) -> Result<Response, InstathingsError> {
    let session = service.broadcaster.open_session(network, Transport::Polling)?;
    let open = open_packet(&session.id, Transport::Polling);
    Ok(respond(payload::encode([open.as_str(), packet::CONNECTED])))
}

/// Serves a request of a session that is on polling.
pub async fn serve(
    session: Arc<SharedSession>,
    address: IpAddr,
    request: Request,
) -> Result<Response, InstathingsError> {
    match *request.method() {
        Method::GET => Ok(respond(poll(session).await?)),
        Method::POST => {
            let (parts, body) = request.into_parts();
            receive(&session, &parts.headers, body, address).await
        }
        Method::OPTIONS => {
            Ok([(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"))]
                .into_response())
        }
        _ => Err(EngineRefusal::BadRequest.into()),
    }
}

/// Waits for packets and returns them as a body.
async fn poll(session: Arc<SharedSession>) -> Result<String, InstathingsError> {
    let begun = session.update(|session| session.begin_poll(Instant::now()));
    let number = begun.map_err(|_| EngineRefusal::BadRequest)?;
    // When the client disconnects, this is dropped and the session ends.
    let poll = AbandonedPoll { session, number };
    let session = &poll.session;
    loop {
        let now = Instant::now();
        let (packets, deadline) =
            session.read(|session| (session.take_for_poll(now), session.poll_deadline()));
        if let Some(packets) = packets {
            return Ok(payload::encode(packets.iter().map(Utf8Bytes::as_str)));
        }
        tokio::select! {
            () = session.poll_wake.notified() => {}
            () = sleep_until(deadline.unwrap_or(now)) => {}
        }
    }
}

/// Ends the session when it is dropped while its poll waits.
struct AbandonedPoll {
    session: Arc<SharedSession>,
    number: u64,
}

impl Drop for AbandonedPoll {
    fn drop(&mut self) {
        self.session.update(|session| session.abandon_poll(self.number));
    }
}

async fn receive(
    session: &SharedSession,
    headers: &HeaderMap,
    body: Body,
    address: IpAddr,
) -> Result<Response, InstathingsError> {
    let body = read_unauthenticated(headers, body, Some(address)).await?;
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let packets = if media.split(';').next().is_some_and(|media| media.trim() == BINARY) {
        payload::parse_binary(&body)
    } else {
        std::str::from_utf8(&body).map_err(|_| MalformedPacket).and_then(payload::parse_text)
    };
    let now = Instant::now();
    session.update(|session| match packets {
        Ok(packets) => packets.into_iter().for_each(|packet| session.receive(packet, now)),
        // The vendor's library tells the client by the end of its session, not by the answer to this request.
        Err(MalformedPacket) => session.close(CloseCause::MalformedPacket),
    });
    Ok(([(header::CONTENT_TYPE, HTML)], "ok").into_response())
}

fn respond(body: String) -> Response {
    ([(header::CONTENT_TYPE, TEXT)], body).into_response()
}
