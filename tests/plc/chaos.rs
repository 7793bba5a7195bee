//! A line that delays, cuts, garbles, repeats and mixes up answers: no wrong value is ever stored, everything heals by
//! itself, and nobody else notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use basalt::domain::device::Protocol;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{EVENT_TIMEOUT, device_at, readings, simulator, stream_at};
use crate::support::{Client, Server, until};

/// Fault of an answer.
#[derive(Debug, Clone, Copy)]
enum ResponseFault {
    None,
    /// Past the timeout; the next answers come after it on the same connection.
    Delay,
    /// Half of it, then the end.
    Cut,
    /// A byte of the header is another.
    Garble,
    /// It comes twice.
    Repeat,
    /// It has the serial number of another request.
    OtherSerial,
}

/// A line that harms every other answer while `is_bad`, each way in turn.
struct FaultyProxy {
    port: u16,
    is_bad: Arc<AtomicUsize>,
    /// Answers that were harmed.
    harmed: Arc<AtomicUsize>,
}

impl FaultyProxy {
    /// `serial` is where the serial number, or what stands for one, is in an answer. The first `opening` answers of a connection, by
    /// which a session is opened, come as they are.
    async fn to(device: u16, serial: Option<usize>, opening: usize) -> FaultyProxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (is_bad, harmed) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicUsize::new(0)));
        let line = FaultyProxy { port, is_bad: Arc::clone(&is_bad), harmed: Arc::clone(&harmed) };
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (is_bad, harmed) = (Arc::clone(&is_bad), Arc::clone(&harmed));
                tokio::spawn(async move { carry(near, device, (serial, opening), &is_bad, &harmed).await });
            }
        });
        line
    }
}

/// Carries requests there and answers back until either side ends.
async fn carry(
    mut near: TcpStream,
    device: u16,
    (serial, opening): (Option<usize>, usize),
    is_bad: &AtomicUsize,
    harmed: &AtomicUsize,
) -> Option<()> {
    let mut far = TcpStream::connect(("127.0.0.1", device)).await.ok()?;
    let (mut request, mut answer) = (vec![0; 4096], vec![0; 4096]);
    for count in 0.. {
        let len = near.read(&mut request).await.ok().filter(|len| *len > 0)?;
        far.write_all(&request[..len]).await.ok()?;
        let len = far.read(&mut answer).await.ok().filter(|len| *len > 0)?;
        let answer = &mut answer[..len];
        let harm = if is_bad.load(Ordering::SeqCst) == 0 || count < opening || (count - opening) % 2 == 0 {
            ResponseFault::None
        } else {
            let harms = [
                ResponseFault::Delay,
                ResponseFault::Cut,
                ResponseFault::Garble,
                ResponseFault::Repeat,
                ResponseFault::OtherSerial,
            ];
            harms[harmed.fetch_add(1, Ordering::SeqCst) % harms.len()]
        };
        match (harm, serial) {
            (ResponseFault::None, _) | (ResponseFault::OtherSerial, None) => {}
            (ResponseFault::Delay, _) => tokio::time::sleep(Duration::from_millis(450)).await,
            (ResponseFault::Cut, _) => {
                near.write_all(&answer[..len / 2]).await.ok()?;
                return None;
            }
            (ResponseFault::Garble, _) => answer[0] ^= 0x5A,
            (ResponseFault::Repeat, _) => near.write_all(answer).await.ok()?,
            (ResponseFault::OtherSerial, Some(at)) => answer[at] = answer[at].wrapping_add(1),
        }
        near.write_all(answer).await.ok()?;
    }
    None
}

/// Streams of which each holds its own number.
async fn numbered(client: &Client, device: i64, name: impl Fn(i64) -> String) -> Vec<(i64, i64)> {
    let mut streams = Vec::new();
    for n in 1..=12 {
        // Far from each other, so that a poll is several requests.
        let path = name(1000 + n * 500);
        let at = format!("/api/device/{device}/io/{}/?type=uint64", path.replace('%', "%25"));
        client.post(&at, &json!({ "value": n })).await.about(&path).ok();
        streams.push((stream_at(client, device, &path, "uint64").await, n));
    }
    streams
}

async fn state_of(client: &Client, device: i64) -> Value {
    client.get(&format!("/api/device/{device}/")).await["status"].clone()
}

#[tokio::test]
async fn no_wrong_value_is_ever_stored() {
    let (_server, client) = Server::with_client(&[]).await;
    let plc = simulator(Protocol::Melsec).await;
    let body = json!({"poll_interval": 0.1, "name": "well"});
    let healthy = device_at(&client, Protocol::Melsec, plc.addr().port(), body).await;
    let undisturbed = stream_at(&client, healthy, "D0", "uint16").await;
    for (name, protocol, settings, serial, opening) in [
        ("3E", Protocol::Melsec, json!({"max_gap": 0}), None, 0),
        ("4E", Protocol::Melsec, json!({"frame": "4E", "max_gap": 0}), Some(2), 0),
        ("fenet", Protocol::Fenet, json!({"max_gap": 0}), Some(14), 0),
        // The reference is after the headers of packet and transport.
        ("s7", Protocol::S7, json!({"max_gap": 0}), Some(11), 2),
        ("eip", Protocol::Eip, json!({}), Some(12), 1),
    ] {
        let simulator = simulator(protocol).await;
        let plain =
            device_at(&client, protocol, simulator.addr().port(), json!({"name": format!("{name} itself")}))
                .await;
        let line = FaultyProxy::to(simulator.addr().port(), serial, opening).await;
        let more = json!({"name": name, "timeout": 0.3, "metadata": settings});
        let device = device_at(&client, protocol, line.port, more).await;
        line.is_bad.store(0, Ordering::SeqCst);
        let path = |n| match protocol {
            Protocol::Fenet => format!("%DW{n}"),
            Protocol::S7 => format!("DB2.DBD{n}"),
            // Of an array with two dimensions nothing is asked beforehand.
            Protocol::Eip => format!("grid[{},{}]", n / 500 / 5, n / 500 % 5),
            _ => format!("D{n}"),
        };
        let streams = numbered(&client, device, path).await;
        line.is_bad.store(1, Ordering::SeqCst);
        client.patch(&format!("/api/device/{device}/"), &json!({"poll_interval": 0.1})).await.ok();
        until!("every harm twice", EVENT_TIMEOUT * 2; line.harmed.load(Ordering::SeqCst) >= 10);
        line.is_bad.store(0, Ordering::SeqCst);
        until!("online again", EVENT_TIMEOUT; state_of(&client, device).await == "online");
        for (stream, n) in streams {
            let stored = until!("a good reading at last", EVENT_TIMEOUT;
                stored = readings(&client, stream).await; stored.last().is_some_and(|last| last["quality"] == "good"));
            for reading in stored.iter().filter(|reading| reading["quality"] == "good") {
                assert_eq!(reading["value"], json!(n as f64), "{name}: stream of {n}");
            }
        }
        assert_eq!(state_of(&client, plain).await, "online", "{name}: the device itself was never in doubt");
    }
    let others = readings(&client, undisturbed).await;
    let are_good = others.iter().all(|reading| reading["quality"] == "good");
    assert!(others.len() > 20 && are_good, "{}", others.len());
}
