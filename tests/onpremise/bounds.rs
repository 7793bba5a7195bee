//! Slow readers, silent clients, floods and noise: nobody else notices.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{DEVICE, Gateway, NOON};
use crate::support::{rows, sized, until};

/// Malformed packets and requests.
const NOISE: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_is_disconnected_and_delays_nobody() {
    let gateway = Gateway::start().await;
    let mut slow = gateway.connected_socket().await;
    let waiting = gateway.handshake().await;
    let mut healthy = gateway.connected_socket().await;
    let payload = format!(r#"{{"text":"{}"}}"#, "x".repeat(200_000));
    let mut slowest = Duration::ZERO;
    for n in 0..100 {
        let begun = Instant::now();
        gateway.messages.store(n, DEVICE, NOON, &payload);
        healthy.receive_all(3).await;
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    // Of 60 MB no more has been kept for a client that takes nothing than its sockets hold.
    let mut received = 0;
    while slow.receive().await.is_some() {
        received += 1;
    }
    assert!(received < 250, "{received}");
    assert_eq!(gateway.poll(&waiting).await.0, 400, "nobody has polled it");
    healthy.send("2").await;
    assert_eq!(healthy.receive().await.as_deref(), Some("3"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_ping_is_closed_and_nobody_else() {
    let gateway = Gateway::start().await;
    let sid = gateway.handshake().await;
    let mut silent = gateway.connected_socket().await;
    let mut healthy = gateway.connected_socket().await;
    // A poll that has nothing to deliver is answered after 25 s, and who has not pinged is closed after 30 s: the unit
    // tests of sessions hold these figures, here only the order of what happens is checked.
    assert_eq!(gateway.poll(&sid).await, (200, "1:6".to_owned()));
    healthy.send("2").await;
    assert_eq!(gateway.poll(&sid).await, (200, "1:1".to_owned()));
    assert_eq!(silent.receive().await, None);
    assert_eq!(healthy.receive().await.as_deref(), Some("3"));
    healthy.send("2").await;
    assert_eq!(healthy.receive().await.as_deref(), Some("3"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_handshakes_make_room_among_themselves() {
    let gateway = Gateway::start_with(64).await;
    let (mut socket, sid) = (gateway.connected_socket().await, gateway.handshake().await);
    gateway.post(&sid, "1:2").await;
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(gateway.handshake().await);
    }
    // All of this has to be over before the healthy clients' sessions time out, on a slow machine too.
    let (old, new) = flood.split_at(136);
    for sid in old.iter().step_by(17) {
        assert_eq!(gateway.post(sid, "1:2").await.0, 400);
    }
    let mut alive = 0;
    for sid in new {
        alive += usize::from(gateway.post(sid, "1:2").await.0 == 200);
    }
    assert!((1..=32).contains(&alive), "{alive}");
    // Those are in use now. Some ended meanwhile on a slow machine: others take their places.
    let mut refused = None;
    for _ in 0..=32 {
        let (status, text) = gateway.engine("GET", "transport=polling", "").await;
        if status != 200 {
            refused = Some((status, text));
            break;
        }
        let sid = text.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        gateway.post(sid, "1:2").await;
    }
    assert_eq!(refused, Some((429, r#"{"message":"Too Many Requests"}"#.to_owned())));
    assert_eq!(gateway.poll(&sid).await, (200, "1:3".to_owned()));
    socket.send("2").await;
    assert_eq!(socket.receive().await.as_deref(), Some("3"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_that_is_given_up_ends_its_session_and_a_client_that_only_asks_is_disconnected() {
    let gateway = Gateway::start().await;
    let sid = gateway.handshake().await;
    assert!(tokio::time::timeout(Duration::from_millis(500), gateway.poll(&sid)).await.is_err(), "it waits");
    until!("the session is over", super::ANSWER_TIMEOUT; gateway.post(&sid, "1:2").await.0 == 400);
    // Answers to a client that asks and does not read are bounded too.
    let sid = gateway.handshake().await;
    assert_eq!(gateway.post(&sid, &"1:2".repeat(10_000)).await, (200, "ok".to_owned()));
    assert_eq!(gateway.poll(&sid).await.0, 400);
    let sid = gateway.handshake().await;
    let (status, text) = gateway.post(&sid, &"1:2".repeat(30_000)).await;
    assert_eq!((status, &*text), (413, r#"{"message":"Payload Too Large"}"#));
    let mut socket = gateway.connected_socket().await;
    socket.send(&format!("4{}", "x".repeat(100_000))).await;
    assert_eq!(socket.receive().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_is_refused_and_nobody_else_notices() {
    let gateway = Gateway::start().await;
    let mut healthy = gateway.connected_socket().await;
    let mut rng = StdRng::seed_from_u64(21);
    let words = rows![
        "transport=polling"; "transport=websocket"; "sid="; "&"; "EIO=3"; "%ff"; "page=x"; "b64=1"; "="; "😀";
    ];
    let mut noise = |count: usize| -> String {
        (0..rng.random_range(0..count)).map(|_| words[rng.random_range(0..words.len())]).collect()
    };
    let mut sid = gateway.handshake().await;
    for n in 0..sized(NOISE / 4, NOISE) {
        let text = noise(6).replace('😀', "%F0%9F%98%80");
        let status = match n % 4 {
            0 => gateway.engine("GET", &text.replace("transport=polling", "transport=pol"), "").await.0,
            1 => gateway.engine("POST", &text, &noise(20)).await.0,
            2 => gateway.client().get(&format!("/device/v1/devices/{text}/data?{text}")).await.status,
            _ => {
                let (status, _) = gateway.post(&sid, &noise(20)).await;
                sid = gateway.handshake().await;
                status
            }
        };
        assert!((200..500).contains(&status), "{n}: {status} {text}");
        // Often enough for the server not to take the client for dead.
        if n % 100 == 99 {
            healthy.send("2").await;
            assert_eq!(healthy.receive().await.as_deref(), Some("3"), "{n}");
        }
    }
}
