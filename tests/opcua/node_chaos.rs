//! A proxy that knows nodes: an answer to a call that names a certain one is withheld, cut off with its connection, late, or of another
//! length than it says. Polled or subscribed to, every other node has its value, and the one at fault is named.
//!
//! An answer that comes twice is none of this: the number of its chunk is of the past, which ends any connection (OPC UA Part 6, 6.7.2).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{EVENT_TIMEOUT, device_at, stream_at, until_last};
use crate::support::{Client, OpcuaServer, until};

/// Fate of the answer to a call that names a node.
#[derive(Debug, Clone, Copy)]
enum Mischief {
    Silence,
    Close,
    ShortLength,
    Delay,
}

/// Nodes at fault: a call for one of them alone has no answer either.
const FAULTS: [(&str, Mischief); 3] = [
    ("Line.Int16", Mischief::Silence),
    ("Line.UInt16", Mischief::Close),
    ("Line.Int32", Mischief::ShortLength),
];
/// A node whose answers come within the timeout, but late.
const DELAYED: &str = "Line.Byte";
const DELAY: Duration = Duration::from_millis(300);
/// Type, kind and size of a frame.
const HEADER: usize = 8;
/// Place of the number by which an answer belongs to its request, after channel, token and sequence number.
const REQUEST_ID: usize = 20;

/// Passes connections on to a server; returns its port.
async fn start_proxy(server: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            if let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await {
                tokio::spawn(pass(client, server));
            }
        }
    });
    port
}

async fn pass(client: TcpStream, server: TcpStream) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let expected = Arc::new(Mutex::new(HashMap::new()));
    let faults = Arc::clone(&expected);
    let asking = tokio::spawn(async move {
        while let Some(frame) = read_frame(&mut from_client).await {
            if let Some((id, mischief)) = request_id(&frame).zip(mischief_of(&frame)) {
                faults.lock().insert(id, mischief);
            }
            if to_server.write_all(&frame).await.is_err() {
                break;
            }
        }
    });
    while let Some(mut frame) = read_frame(&mut from_server).await {
        let mischief = request_id(&frame).and_then(|id| expected.lock().remove(&id));
        match mischief {
            Some(Mischief::Silence) => continue,
            Some(Mischief::Close) => break,
            Some(Mischief::ShortLength) => {
                let size = u32::try_from(frame.len() - 2).expect("a short frame");
                frame[4..HEADER].copy_from_slice(&size.to_le_bytes());
            }
            Some(Mischief::Delay) => tokio::time::sleep(DELAY).await,
            None => {}
        }
        if to_client.write_all(&frame).await.is_err() {
            break;
        }
    }
    asking.abort();
}

/// The next frame; `None` at the end of the connection.
async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut frame = vec![0; HEADER];
    stream.read_exact(&mut frame).await.ok()?;
    let size = u32::from_le_bytes([frame[4], frame[5], frame[6], frame[7]]);
    frame.resize(HEADER.max(usize::try_from(size).expect("a size")), 0);
    stream.read_exact(&mut frame[HEADER..]).await.ok()?;
    Some(frame)
}

/// The number of a request or an answer, which begins with `MSG`.
fn request_id(frame: &[u8]) -> Option<u32> {
    let id = frame.get(REQUEST_ID..)?.first_chunk()?;
    frame.starts_with(b"MSG").then(|| u32::from_le_bytes(*id))
}

/// The fate of the answer to a request. Texts in it have their lengths in front of them.
fn mischief_of(request: &[u8]) -> Option<Mischief> {
    let is_named = |node: &str| {
        let length = u32::try_from(node.len()).expect("a short name").to_le_bytes();
        let text = [&length[..], node.as_bytes()].concat();
        request.windows(text.len()).any(|window| window == text)
    };
    let fault = FAULTS.into_iter().find(|&(node, _)| is_named(node)).map(|(_, mischief)| mischief);
    fault.or_else(|| is_named(DELAYED).then_some(Mischief::Delay))
}

/// Collects nodes of this server through the proxy, until all that misbehave are named and all others have values.
pub async fn nodes_at_fault_cost_no_other_its_value(client: &Client, peer: &OpcuaServer) {
    let proxy = start_proxy(peer.port).await;
    let mut devices = Vec::new();
    for subscribes in [false, true] {
        for (bad, _) in FAULTS {
            let device = device_at(client, proxy, json!({ "use_subscription": subscribes })).await;
            let path = format!("/api/device/{device}/");
            client.patch(&path, &json!({"timeout": 1, "enabled": false})).await.ok();
            let mut streams = Vec::new();
            for point in &peer.points[..6] {
                let text = |key: &str| point[key].as_str().expect("a text");
                let node = text("path").rsplit('=').next().expect("a name");
                if node == bad || FAULTS.iter().all(|(other, _)| *other != node) {
                    streams.push((node == bad, stream_at(client, device, text("path"), text("type")).await));
                }
            }
            client.patch(&path, &json!({"enabled": true})).await.ok();
            devices.push((path, format!("{bad} alone"), streams));
        }
    }
    for (path, alone, streams) in devices {
        until!(&alone, EVENT_TIMEOUT;
            shown = client.get(&path).await.body;
            shown["last_error"].as_str().is_some_and(|error| error.contains(&alone)));
        for (is_bad, stream) in streams {
            let quality = if is_bad { "bad" } else { "good" };
            until_last(client, stream, &alone, |last| last["quality"] == quality).await;
        }
    }
}
