//! Engine.IO 3 as its clients know it: handshakes, polls, upgrades, and the packets of events in order.

use std::time::Duration;

use serde_json::{Value, json};

use super::{DEVICE, Gateway, NOON};
use crate::support::until;

/// The packets of one message of the examples.
const PACKETS: [&str; 3] = [
    r#"42["data",{"deviceId":"9s9WdonY9","payload":{"Motor RPM":1200.5},"ts":"2026-04-28T12:00:00.000Z"}]"#,
    r#"42["9s9WdonY9",{"action":"data","payload":{"Motor RPM":1200.5},"ts":"2026-04-28T12:00:00.000Z"}]"#,
    r#"42["data_9s9WdonY9",{"Motor RPM":1200.5}]"#,
];

/// Packets as the body of a poll.
fn body(packets: &[&str]) -> String {
    packets.iter().map(|packet| format!("{}:{packet}", packet.encode_utf16().count())).collect()
}

#[tokio::test]
async fn handshakes_look_like_the_vendors_and_wrong_ones_have_their_codes() {
    let gateway = Gateway::start().await;
    let sid = gateway.handshake().await;
    let on_polling = format!("transport=polling&sid={sid}");
    let on_socket = format!("transport=websocket&sid={sid}");
    let rows: [(&str, &str, i32, &str); 12] = [
        ("GET", "", 0, "Transport unknown"),
        ("GET", "EIO=3", 0, "Transport unknown"),
        ("GET", "EIO=3&transport=flash", 0, "Transport unknown"),
        ("POST", "transport=flash", 0, "Transport unknown"),
        ("GET", "transport=polling&sid=unknown", 1, "Session ID unknown"),
        ("POST", "transport=polling&sid=unknown", 1, "Session ID unknown"),
        ("GET", "transport=websocket&sid=unknown", 1, "Session ID unknown"),
        ("POST", "transport=polling", 2, "Bad handshake method"),
        ("OPTIONS", "transport=polling", 2, "Bad handshake method"),
        ("GET", "transport=websocket", 3, "Bad request"),
        ("GET", &on_socket, 3, "Bad request"),
        ("PUT", &on_polling, 3, "Bad request"),
    ];
    for (method, query, code, message) in rows {
        let (status, text) = gateway.engine(method, query, "").await;
        let expected = json!({"code": code, "message": message});
        let found = (status, serde_json::from_str::<Value>(&text).unwrap());
        assert_eq!(found, (400, expected), "{method} {query}");
    }
    assert_eq!(gateway.post(&sid, "1:2").await, (200, "ok".to_owned()), "the session is unharmed");

    let client = gateway.client();
    for (query, origin) in [
        ("EIO=3&transport=polling", None),
        ("EIO=3&transport=polling&b64=1&t=Nabc", Some("http://page.example")),
        ("transport=polling", Some("null")),
    ] {
        let headers: Vec<_> = origin.iter().map(|origin| ("origin", *origin)).collect();
        let answer = client.send_bytes("GET", &format!("/socket.io/?{query}"), &headers, "").await;
        let answer = answer.with_header("content-type", "text/plain; charset=UTF-8");
        let answer = answer.with_header("access-control-allow-origin", origin.unwrap_or("*"));
        let credentials = answer.headers.get("access-control-allow-credentials");
        assert_eq!(credentials.map(|v| v.to_str().unwrap()), origin.map(|_| "true"));
        let text = String::from_utf8(answer.ok()).unwrap();
        let sid = text.split(r#""sid":""#).nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(sid.len(), 20);
        let open =
            format!(r#"0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}}"#);
        assert_eq!(text, body(&[&open, "40"]));
    }
    let mut socket = gateway.socket(None).await.unwrap();
    let open: Value =
        serde_json::from_str(socket.receive().await.unwrap().strip_prefix('0').unwrap()).unwrap();
    assert_eq!((&open["upgrades"], open["sid"].as_str().unwrap().len()), (&json!([]), 20));
    assert_eq!(socket.receive().await.as_deref(), Some("40"));
}

#[tokio::test]
async fn packets_of_clients_are_answered_and_what_ends_a_session_ends_it() {
    let gateway = Gateway::start().await;
    let rows: [(&str, &[&str]); 8] = [
        ("2", &["3"]),
        ("2probe", &["3"]),
        ("40/x", &[r#"44/x,"Invalid namespace""#]),
        ("40/x?token=1,", &[r#"44/x,"Invalid namespace""#]),
        ("40", &[]),
        ("41/x,", &[]),
        (r#"420["hello",1]"#, &[]),
        ("49", &[]),
    ];
    for (packet, expected) in rows {
        let mut socket = gateway.connected_socket().await;
        socket.send(packet).await;
        // The answer to a ping shows that there is no other.
        socket.send("2").await;
        let expected = [expected, &["3"]].concat();
        assert_eq!(socket.receive_all(expected.len()).await, expected, "{packet}");
        let sid = gateway.handshake().await;
        assert_eq!(gateway.post(&sid, &body(&[packet, "2"])).await, (200, "ok".to_owned()), "{packet}");
        assert_eq!(gateway.poll(&sid).await, (200, body(&expected)), "{packet}");
    }
    // python-engineio sends its packets in bytes, also when they are text.
    let sid = gateway.handshake().await;
    let path = format!("/socket.io/?transport=polling&sid={sid}");
    let binary = [("content-type", "application/octet-stream")];
    let answer = gateway.client().send_bytes("POST", &path, &binary, b"\x00\x01\xff2".to_vec()).await;
    answer.is(200, &b"ok".to_vec());
    assert_eq!(gateway.poll(&sid).await, (200, "1:3".to_owned()));

    for (packet, last) in [("1", "1:6"), ("41", "1:1"), ("9", "1:1"), ("", "1:1")] {
        let mut socket = gateway.connected_socket().await;
        socket.send(packet).await;
        assert_eq!(socket.receive().await, None, "`{packet}`");
        let sid = gateway.handshake().await;
        let (poll, post) = tokio::join!(gateway.poll(&sid), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            gateway.post(&sid, &body(&[packet])).await
        });
        assert_eq!((poll, post), ((200, last.to_owned()), (200, "ok".to_owned())), "`{packet}`");
        assert_eq!(gateway.poll(&sid).await.0, 400, "`{packet}`");
    }
    assert!(gateway.connected_socket().await.close().await, "a client that leaves gets a close frame");
    // Two polls at a time.
    let sid = gateway.handshake().await;
    let (first, second) = tokio::join!(gateway.poll(&sid), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        gateway.poll(&sid).await
    });
    assert_eq!((first, second.0), ((200, "1:1".to_owned()), 400));
}

#[tokio::test]
async fn each_message_is_three_events_in_order_on_every_transport_and_over_an_upgrade() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.connected_socket().await;
    let sid = gateway.handshake().await;
    gateway.messages.store(1, DEVICE, NOON, r#"{"Motor RPM":1200.5}"#);
    assert_eq!(socket.receive_all(3).await, PACKETS);
    assert_eq!(gateway.poll(&sid).await, (200, body(&PACKETS)));
    let (poll, ()) = tokio::join!(gateway.poll(&sid), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        gateway.messages.answer_status(DEVICE, NOON, r#"{"é":"😀"}"#);
    });
    let status = [
        r#"42["status",{"payload":{"é":"\ud83d\ude00"},"deviceId":"9s9WdonY9","ts":"2026-04-28T12:00:00.000Z"}]"#,
        r#"42["9s9WdonY9",{"action":"status","payload":{"é":"\ud83d\ude00"},"ts":"2026-04-28T12:00:00.000Z"}]"#,
        r#"42["status_9s9WdonY9",{"é":"\ud83d\ude00"}]"#,
    ];
    assert_eq!(poll, (200, body(&status)));
    assert_eq!(socket.receive_all(3).await, status);

    let sid = gateway.handshake().await;
    let mut socket = gateway.socket(Some(&sid)).await.unwrap();
    assert_eq!(gateway.socket(Some(&sid)).await.err(), Some(400), "one upgrade at a time");
    let (poll, ()) = tokio::join!(gateway.poll(&sid), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        socket.send("2probe").await;
        assert_eq!(socket.receive().await.as_deref(), Some("3probe"));
    });
    assert_eq!(poll, (200, "1:6".to_owned()));
    gateway.messages.store(1, DEVICE, NOON, r#"{"Motor RPM":1200.5}"#);
    socket.send("5").await;
    assert_eq!(socket.receive_all(3).await, PACKETS);
    socket.send("2").await;
    assert_eq!(socket.receive().await.as_deref(), Some("3"));
    for (status, text) in [gateway.poll(&sid).await, gateway.post(&sid, "1:2").await] {
        assert_eq!((status, text), (400, r#"{"code":3,"message":"Bad request"}"#.to_owned()));
    }
    assert_eq!(gateway.socket(Some(&sid)).await.err(), Some(400));
}

#[tokio::test]
async fn an_upgrade_that_fails_leaves_the_session_on_polling() {
    let gateway = Gateway::start().await;
    let rows: [&[&str]; 5] = [&["5"], &["2"], &["2probe", "4x"], &["9"], &[]];
    for packets in rows {
        let sid = gateway.handshake().await;
        let mut socket = gateway.socket(Some(&sid)).await.unwrap();
        for packet in packets {
            socket.send(packet).await;
        }
        if packets.is_empty() {
            drop(socket);
        } else {
            while socket.receive().await.is_some() {}
        }
        gateway.post(&sid, "1:2").await;
        assert_eq!(gateway.poll(&sid).await, (200, "1:3".to_owned()), "{packets:?}");
        // Another may try.
        until!("it can be upgraded", super::ANSWER_TIMEOUT; gateway.socket(Some(&sid)).await.is_ok());
    }
}

#[tokio::test]
async fn sessions_end_with_the_feed_and_with_the_server() {
    let gateway = Gateway::start().await;
    let (mut socket, sid) = (gateway.connected_socket().await, gateway.handshake().await);
    assert_eq!(gateway.messages.feeds(), 1, "one for all");
    let (poll, ()) = tokio::join!(gateway.poll(&sid), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        gateway.messages.end_feeds();
    });
    assert_eq!(poll, (200, "1:1".to_owned()));
    assert_eq!(socket.receive().await, None);
    // Whoever comes back has a feed again; without anybody there is none.
    let mut socket = gateway.connected_socket().await;
    gateway.messages.store(1, DEVICE, NOON, r#"{"Motor RPM":1200.5}"#);
    assert_eq!(socket.receive_all(3).await, PACKETS);
    drop(socket);
    until!("the feed has ended", super::ANSWER_TIMEOUT; gateway.messages.feeds() == 0);
    let mut socket = gateway.connected_socket().await;
    gateway.ending.cancel();
    assert_eq!(socket.receive().await, None);
    gateway.connections.close();
    drop(socket);
    tokio::time::timeout(super::ANSWER_TIMEOUT, gateway.connections.wait()).await.expect("all have ended");
}
