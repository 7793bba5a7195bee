//! Between us and the server something delays, cuts, garbles and repeats itself: no wrong value is stored, what recovers
//! does so by itself, and other devices notice nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::node_chaos::nodes_at_fault_cost_no_other_its_value;
use super::{device_at, readings, stream_at, until_last, until_state};
use crate::support::{OpcuaServer, Server, free_port};

const PASS: u8 = 0;
const CUT: u8 = 1;
const GARBLE: u8 = 2;
const SILENCE: u8 = 3;
/// Longer than the device's timeout: answers come when nobody waits for them any more.
const DELAY: u8 = 4;
/// Sends the bytes before instead of these.
const STALE: u8 = 5;

/// Passes on what both sides say, or spoils what the server says.
struct ChaosProxy {
    port: u16,
    mode: Arc<AtomicU8>,
}

impl ChaosProxy {
    async fn start(server: u16) -> ChaosProxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mode = Arc::new(AtomicU8::new(PASS));
        let shared = Arc::clone(&mode);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await {
                    tokio::spawn(pass(client, server, Arc::clone(&shared)));
                }
            }
        });
        ChaosProxy { port, mode }
    }

    fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }
}

async fn pass(client: TcpStream, server: TcpStream, mode: Arc<AtomicU8>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut buffer = vec![0; 64 * 1024];
    let mut before = Vec::new();
    while let Ok(len @ 1..) = from_server.read(&mut buffer).await {
        match mode.load(Ordering::SeqCst) {
            CUT => break,
            SILENCE => continue,
            DELAY => tokio::time::sleep(Duration::from_millis(1300)).await,
            STALE if !before.is_empty() => {
                if to_client.write_all(&before).await.is_err() {
                    break;
                }
                continue;
            }
            // Behind the header, where sizes are: in what is signed.
            GARBLE if len > 60 => buffer[len - 50] ^= 0x55,
            _ => {}
        }
        if to_client.write_all(&buffer[..len]).await.is_err() {
            break;
        }
        before = buffer[..len].to_vec();
    }
    asking.abort();
}

#[tokio::test]
async fn whatever_happens_on_the_way_no_wrong_value_is_stored() {
    let mut peer = OpcuaServer::start(free_port()).await;
    peer.run_command(&json!({"trust_clients": true}));
    let (server, client) = Server::with_client(&[]).await;
    let proxy = ChaosProxy::start(peer.port).await;
    // Signed, as it must be where bytes may change on the way: nothing else tells.
    let signed = |subscribes: bool| json!({"security_policy": "Basic256Sha256", "security_mode": "Sign", "use_subscription": subscribes});
    let mut devices = Vec::new();
    // Polled, subscribed to, and elsewhere.
    for (port, subscribes) in [(proxy.port, false), (proxy.port, true), (peer.port, false)] {
        let device = device_at(&client, port, signed(subscribes)).await;
        // The one beside keeps its time: it has to notice nothing, on a busy machine too.
        if port == proxy.port {
            client.patch(&format!("/api/device/{device}/"), &json!({"timeout": 1})).await.ok();
        }
        devices.push((device, stream_at(&client, device, "ns=2;s=Line.Int64", "int64").await));
    }
    let shown = until_state(&client, devices[0].0, "offline").await;
    let thumbprint =
        shown["last_error"].as_str().and_then(|error| error.split('`').nth(1)?.rsplit(' ').next());
    server.basalt(&["opcua", "trust", thumbprint.expect("a thumbprint")]).await.expect_success();

    let mut value = -1_234_567_890_123_456_789_i64;
    for mode in [PASS, CUT, GARBLE, SILENCE, DELAY, STALE, CUT] {
        proxy.set(mode);
        // Long enough for some connections to begin and end; what happens meanwhile is told by the readings.
        tokio::time::sleep(Duration::from_secs(if mode == PASS { 0 } else { 2 })).await;
        proxy.set(PASS);
        value += 1;
        peer.run_command(&json!({"node": "ns=2;s=Line.Int64", "value": value}));
        for (device, stream) in &devices {
            let what = format!("the value after {mode}");
            let text = value.to_string();
            until_last(&client, *stream, &what, |last| last["text"].as_str() == Some(&*text)).await;
            until_state(&client, *device, "online").await;
        }
    }
    let first = -1_234_567_890_123_456_789_i64;
    for (_, stream) in &devices {
        for row in readings(&client, *stream).await {
            let known = row["text"]
                .as_str()
                .and_then(|text| text.parse().ok())
                .is_some_and(|n: i64| (first..=value).contains(&n));
            assert!(known || row["quality"] == "bad", "{row}");
        }
    }
    let elsewhere = readings(&client, devices[2].1).await;
    let bad = elsewhere
        .iter()
        .skip_while(|row| row["quality"] == "bad")
        .filter(|row| row["quality"] == "bad")
        .count();
    assert_eq!(bad, 0, "the device beside noticed nothing: {elsewhere:?}");
    nodes_at_fault_cost_no_other_its_value(&client, &peer).await;
}
