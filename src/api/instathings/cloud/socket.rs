//! The WebSocket, at `/wss` and for upgrades at `/`: it tells what happens in a project.

use std::sync::Arc;
use std::time::Duration;

use axum::RequestExt;
use axum::extract::Request;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::header;
use axum::response::Response;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::Cloud;
use super::data_query::DataParameters;
use super::mistakes::Location;
use super::project_feed::ProjectFollower;
use crate::api::connection_limit::ConnectionState;
use crate::api::error::InstathingsError;
use crate::app::live::SubscriptionPermit;
use crate::app::live::credential::CredentialWatch;
use crate::domain::Error;
use crate::domain::audit::RequestOrigin;

/// Path of the WebSocket.
pub const PATH: &str = "/wss";
/// Path of the WebSocket for requests that ask for one. Others are for the start page.
pub const ROOT: &str = "/";
const PROJECT: &str = "project";
const TOKEN: &str = "access_token";

/// Maximum size of what a client sends, bytes; it is ignored.
const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// Bytes collected before they are written to the socket.
const WRITE_BUFFER_BYTES: usize = 32 << 10;
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// A client that has not said anything for so long, not even in answer to a ping, is gone.
const MAX_SILENCE: Duration = Duration::from_secs(90);
/// Time limit for the client to take the frames that are sent at once.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Time limit for the close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The token has expired, or its client was revoked.
const TOKEN_ENDED: u16 = 4401;

/// Whether a request is for the WebSocket.
pub fn is_asked_for(request: &Request) -> bool {
    let path = request.uri().path();
    let is_upgrade = || {
        let header = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
        header.is_some_and(|text| text.eq_ignore_ascii_case("websocket"))
    };
    path.eq_ignore_ascii_case(PATH) || (path == ROOT && is_upgrade())
}

/// Upgrades the connection.
///
/// # Errors
/// 400 when a parameter is missing or the request is no upgrade; 401 for a token that is not valid; 403 for a project
/// that is not the token's; 429 and 503 when there are too many connections.
pub async fn open(cloud: &Cloud, mut request: Request) -> Result<Response, InstathingsError> {
    let mut members = DataParameters::parse(request.uri().query().unwrap_or_default());
    let [project, token] = [PROJECT, TOKEN].map(|name| members.text(name).map(str::to_owned));
    for (name, credential) in [(PROJECT, &project), (TOKEN, &token)] {
        if credential.is_none() {
            members.mistakes.add(Location::Query, name, None);
        }
    }
    members.mistakes.check()?;
    let access = cloud.app.tokens.authenticate_jwt(&token.unwrap_or_default()).await?;
    if let Some(origin) = request.extensions().get::<Arc<RequestOrigin>>() {
        origin.identify(access.principal.org, access.principal.caller);
    }
    let org = cloud.app.access.own_org(&access.principal)?;
    if !project.is_some_and(|project| project == org.slug || project == org.name) {
        return Err(Error::forbidden("the token is of another project").into());
    }
    let upgrade = request.extract_parts::<WebSocketUpgrade>().await;
    let upgrade = upgrade.map_err(|e| Error::invalid(format!("this path is for WebSockets only: {e}")))?;
    let permit = cloud.app.feeds.acquire_subscription(&access.principal)?;
    let follower = cloud.feeds.follow(org.id)?;
    if let Some(connection) = request.extensions().get::<Arc<ConnectionState>>() {
        connection.set_authenticated();
    }
    let (ending, connected) = (cloud.app.feeds.ending(), cloud.app.feeds.connected());
    let token = cloud.app.feeds.live_client_credential(&access).watch();
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let (sink, stream) = socket.split();
        let client = ProjectSocket { sink, stream, follower, token, ending, _permit: permit };
        client.serve().await;
        drop(connected);
    }))
}

/// Why a connection ends.
enum SocketEnd {
    /// The client is gone or does not read.
    Lost,
    /// The client is told this code.
    Closed(u16, &'static str),
}

struct ProjectSocket {
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    follower: ProjectFollower,
    token: CredentialWatch,
    ending: CancellationToken,
    _permit: SubscriptionPermit,
}

impl ProjectSocket {
    async fn serve(mut self) {
        if let SocketEnd::Closed(code, reason) = self.run().await {
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
            // A client that does not take it is cut off.
            let _ = timeout(CLOSE_TIMEOUT, self.sink.send(Message::Close(Some(frame)))).await;
        }
    }

    async fn run(&mut self) -> SocketEnd {
        let mut pings = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_heard = Instant::now();
        loop {
            let sent = tokio::select! {
                biased;
                () = self.ending.cancelled() => {
                    return SocketEnd::Closed(close_code::AWAY, "the server is shutting down");
                }
                _ = self.token.expired() => return SocketEnd::Closed(TOKEN_ENDED, "the token has ended"),
                frame = self.stream.next() => match frame {
                    Some(Ok(Message::Close(_))) => {
                        // Sends the answer to the client's frame; a client that does not take it is cut off.
                        let _ = timeout(CLOSE_TIMEOUT, self.sink.flush()).await;
                        return SocketEnd::Lost;
                    }
                    Some(Err(_)) | None => return SocketEnd::Lost,
                    Some(Ok(_)) => {
                        last_heard = Instant::now();
                        continue;
                    }
                },
                frames = self.follower.frames.next() => match frames {
                    Ok(frames) => send(&mut self.sink, frames.into_iter().map(Message::Text)).await,
                    Err(_) => return SocketEnd::Closed(close_code::AGAIN, "some frames were missed"),
                },
                _ = pings.tick() => {
                    if last_heard.elapsed() > MAX_SILENCE {
                        return SocketEnd::Lost;
                    }
                    send(&mut self.sink, [Message::Ping(Vec::new().into())]).await
                }
            };
            if sent.is_err() {
                return SocketEnd::Lost;
            }
        }
    }
}

/// Sends frames in one go.
async fn send(
    sink: &mut SplitSink<WebSocket, Message>,
    frames: impl IntoIterator<Item = Message>,
) -> Result<(), ()> {
    let sending = async {
        for frame in frames {
            sink.feed(frame).await?;
        }
        sink.flush().await
    };
    match timeout(SEND_TIMEOUT, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}
