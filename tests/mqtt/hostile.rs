//! Hostile clients: packets that were generated and broken, topics of 64 KiB, storms of filters, wills by the hundred,
//! handshakes that never end. The server lives in bounded memory, and a healthy client beside is answered.
//!
//! 10,000 packets in every change; 100,000 in tests/long.sh.

use std::time::Duration;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::reading;
use crate::hostile::{AttackedServer, STARVATION_LIMIT};
use crate::support::{free_port, sized, until};
use crate::tools::mqtt::encode::{
    PINGREQ, PUBACK, PUBCOMP, PUBREC, PUBREL, RECEIVE_MAXIMUM, SESSION_EXPIRY, TOPIC_ALIAS, ack, disconnect,
    four_bytes, frame, prefixed, subscribe, two_bytes, unsubscribe,
};
use crate::tools::mqtt::{BOTH, Connect, MqttClient, Packet, Publish, Version, Will};

use Version::{V5, V311};

/// Hostile connections at the same time.
const CONNECTIONS: usize = 8;
/// Memory that an attack may cost, MiB: beside what the server holds anyway.
const MAX_GROWTH_MIB: u64 = 256;

/// A server with the broker under attack, and a healthy client of MQTT beside the one of HTTP.
struct Attack {
    attacked: AttackedServer,
    address: String,
    before_mib: Option<u64>,
    stop: CancellationToken,
    healthy: JoinHandle<usize>,
}

impl Attack {
    async fn start(env: &[(&str, &str)]) -> Attack {
        let address = format!("127.0.0.1:{}", free_port());
        let env = [&[("BASALT_MQTT__LISTEN", address.as_str())], env].concat();
        let attacked = AttackedServer::start(&env).await;
        let stop = CancellationToken::new();
        let hello = Connect::new(V5, "healthy", &attacked.server.key);
        let healthy = tokio::spawn(publish_until(stop.clone(), address.clone(), hello));
        let before_mib = attacked.server.reset_peak_memory();
        Attack { attacked, address, before_mib, stop, healthy }
    }

    fn hello(&self, version: Version, id: &str) -> Connect {
        Connect::new(version, id, &self.attacked.server.key)
    }

    /// Ends the attack: everybody else was served, and memory is bounded.
    async fn finish(self) {
        self.stop.cancel();
        let published = self.healthy.await.expect("the healthy client was answered");
        let found = self.attacked.server.client().sql("SELECT count(*) AS n FROM readings r JOIN streams s ON s.id = r.stream_id JOIN devices d ON d.id = s.device_id WHERE d.name = 'healthy mqtt'").await;
        assert_eq!(found[0]["n"], published, "every acknowledged reading is there once");
        let peak = self.attacked.finish().await;
        if let Some(before) = self.before_mib {
            assert!(peak < before + MAX_GROWTH_MIB, "{before} MiB before, {peak} MiB at most");
        }
    }
}

/// Publishes and is sent what it has published, until it is told to stop; how often.
async fn publish_until(stop: CancellationToken, address: String, hello: Connect) -> usize {
    let late = "the healthy client is starved";
    let mut client = timeout(STARVATION_LIMIT, MqttClient::connect(&address, &hello)).await.expect(late);
    timeout(STARVATION_LIMIT, client.subscribe(&[("basalt/healthy mqtt/beat", 1)])).await.expect(late);
    let mut count = 0;
    while !stop.is_cancelled() {
        let payload = reading(count as i64, count as f64);
        let beat = async {
            assert_eq!(client.publish("basalt/healthy mqtt/beat", payload, 1).await, Ok(0));
            client.take_message().await
        };
        timeout(STARVATION_LIMIT, beat).await.expect(late);
        count += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    count
}

fn text(random: &mut StdRng, longest: usize) -> String {
    const LEVELS: [&str; 12] =
        ["basalt", "press", "temp", "+", "#", "", "$SYS", "discover", "control", "\0", "é", "a"];
    let mut text: Vec<&str> = Vec::new();
    for _ in 0..random.random_range(0..6) {
        text.push(LEVELS[random.random_range(0..LEVELS.len())]);
    }
    let mut text = text.join("/");
    if random.random_ratio(1, 30) {
        text.push_str(&"x/".repeat(random.random_range(0..longest / 2)));
    }
    text
}

/// A packet that is right, or nearly.
fn packet(random: &mut StdRng, version: Version) -> Vec<u8> {
    let id = random.random_range(0..20);
    let qos = random.random_range(0..4);
    match random.random_range(0..12) {
        0..4 => {
            let payloads =
                ["1", "21.5", "", "hot", "[1,2]", r#"{"value":1,"ts":9e99}"#, r#"{"a":{"b":1}}"#, "[[[[[["];
            let payload = payloads[random.random_range(0..payloads.len())];
            let mut publish = Publish::new(&text(random, 65_000), payload, qos, id);
            publish.is_retained = random.random_ratio(1, 4);
            publish.is_again = random.random_ratio(1, 8);
            if random.random_ratio(1, 8) {
                publish.properties = two_bytes(TOPIC_ALIAS, random.random());
            }
            publish.encode(version)
        }
        4 | 5 => {
            let filters: Vec<_> = (0..random.random_range(0..4)).map(|_| text(random, 65_000)).collect();
            let filters: Vec<_> =
                filters.iter().map(|filter| (filter.as_str(), random.random_range(0..64))).collect();
            subscribe(version, id, &filters)
        }
        6 => unsubscribe(version, id, &[&text(random, 200)]),
        7 => ack([PUBACK, PUBREC, PUBREL, PUBCOMP][random.random_range(0..4_usize)], id),
        8 => PINGREQ.to_vec(),
        9 => disconnect(version, random.random()),
        10 => {
            let junk: Vec<u8> = (0..random.random_range(0..60)).map(|_| random.random()).collect();
            frame(random.random(), &junk)
        }
        _ => {
            let will = Will { qos, ..Will::new(&text(random, 65_000), "1") };
            Connect::new(version, &text(random, 60_000), "nobody").with_will(will).encode()
        }
    }
}

/// Changes, adds or takes away a few bytes.
fn break_bytes(random: &mut StdRng, bytes: &mut Vec<u8>) {
    for _ in 0..random.random_range(0..4) {
        if bytes.is_empty() {
            return;
        }
        // The first bytes say what the others are.
        let end = if random.random() { bytes.len().min(16) } else { bytes.len() };
        let at = random.random_range(0..end);
        match random.random_range(0..3) {
            0 => bytes[at] = random.random(),
            1 => bytes.insert(at, random.random()),
            _ => {
                bytes.remove(at);
            }
        }
    }
}

/// Sends so many packets, on as many connections as it takes. Most are opened with a key that is right, since strangers
/// get no further than CONNECT.
async fn attack(address: &str, hello: &Connect, seed: u64, packets: usize) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut sent = 0;
    while sent < packets {
        let mut connect = hello.clone();
        connect.client_id = format!("hostile-{seed}-{}", random.random_range(0..4));
        if random.random_ratio(1, 3) {
            connect = connect.persistent();
        }
        let mut bytes = connect.encode();
        if random.random_ratio(1, 8) {
            break_bytes(&mut random, &mut bytes);
        }
        let Ok(mut socket) = TcpStream::connect(address).await else { panic!("the broker listens") };
        for _ in 0..random.random_range(1..20) {
            let mut one = packet(&mut random, hello.version);
            if random.random_ratio(1, 2) {
                break_bytes(&mut random, &mut one);
            }
            bytes.extend(one);
            sent += 1;
        }
        socket.write_all(&bytes).await.unwrap_or(());
        // Nothing more comes: what is incomplete stays so.
        socket.shutdown().await.unwrap_or(());
        let mut answer = Vec::new();
        // A reset is as good as a close.
        timeout(STARVATION_LIMIT, socket.read_to_end(&mut answer))
            .await
            .expect("the server hangs up")
            .unwrap_or(0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_that_are_broken_cost_nothing() {
    let packets = sized(10_000, 100_000);
    let started = Attack::start(&[]).await;
    let attacks = (0..CONNECTIONS).map(|n| {
        let hello = started.hello(BOTH[n % 2], "hostile");
        let address = started.address.clone();
        async move { attack(&address, &hello, n as u64, packets / CONNECTIONS).await }
    });
    join_all(attacks).await;
    started.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_of_64_kib_and_storms_of_filters_are_bounded() {
    let started = Attack::start(&[]).await;
    let longest = 65_535;
    for version in BOTH {
        let long = "x".repeat(longest - 13);
        for topic in [
            format!("basalt/press/{long}"),
            format!("basalt/{}", "/".repeat(longest - 7)),
            "y".repeat(longest),
        ] {
            let mut client = MqttClient::connect(&started.address, &started.hello(version, "long")).await;
            client.raw(&Publish::new(&topic, "1", 1, 1).encode(version)).await;
            // Acknowledged as what cannot be stored, or the end: but an answer.
            match client.packet().await {
                Some(Packet::Ack { code, .. }) => assert!(version == V311 || code >= 0x80, "{code:#x}"),
                Some(Packet::Disconnect { code }) => assert!(code >= 0x80),
                None => {}
                other => panic!("{other:?}"),
            }
        }
        // Sessions full of filters, long ones and deep ones.
        for n in 0..sized(4, 20) {
            let hello = started.hello(version, &format!("storm-{n}")).persistent();
            let mut client = MqttClient::connect(&started.address, &hello).await;
            let mut granted = 0;
            for round in 0..40 {
                let filters: Vec<String> = match round % 4 {
                    0 => vec![format!("basalt/press/{}", "x".repeat(60_000)); 3],
                    1 => (0..500).map(|i| format!("basalt/{}{round}-{i}/#", "+/".repeat(i % 40))).collect(),
                    2 => vec!["+/".repeat(30_000) + "#"],
                    _ => (0..500).map(|i| format!("basalt/+/{round}-{i}")).collect(),
                };
                let filters: Vec<_> = filters.iter().map(|filter| (filter.as_str(), 1)).collect();
                client.raw(&subscribe(version, round + 1, &filters)).await;
                match client.answer().await {
                    Some(Packet::SubAck { codes, .. }) => {
                        granted += codes.iter().filter(|code| **code < 3).count()
                    }
                    // A packet that was too long, or a filter that was.
                    _ => break,
                }
            }
            assert!(granted <= 5000, "{granted} subscriptions of one session");
        }
    }
    started.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wills_by_the_hundred_are_published_and_forgotten() {
    let started = Attack::start(&[]).await;
    for round in 0..3 {
        let mut clients = Vec::new();
        for n in 0..150 {
            let version = BOTH[n % 2];
            // Numbers with much white space before them, and texts that no stream takes.
            let padding = " ".repeat(12_000);
            let payload = if n % 3 == 0 { "x".repeat(12_000) } else { format!("{padding}{n}") };
            let will = Will { is_retained: n % 5 == 0, ..Will::new(&format!("basalt/flood/w{n}"), &payload) };
            let hello = started.hello(version, &format!("flood-{n}")).with_will(will);
            clients.push(MqttClient::connect(&started.address, &hello).await);
        }
        clients.into_iter().for_each(MqttClient::cut);
        let query = "SELECT count(*) AS n FROM readings r JOIN streams s ON s.id = r.stream_id JOIN devices d ON d.id = s.device_id WHERE d.name = 'flood'";
        let client = started.attacked.server.client();
        until!("the wills are stored", super::PATIENCE; client.sql(query).await[0]["n"] == 100 * (round + 1));
    }
    started.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_never_end_hold_no_place_that_others_need() {
    let tls = format!("127.0.0.1:{}", free_port());
    let env = [
        ("BASALT_MQTT__TLS_LISTEN", tls.as_str()),
        ("BASALT_MQTT__HOST", "localhost"),
        ("BASALT_MQTT__CONNECTIONS", "100"),
    ];
    let started = Attack::start(&env).await;
    let hello = started.hello(V5, "newcomer");
    let connect = hello.encode();
    // The beginning of a ClientHello, of a CONNECT, and nothing.
    let client_hello = [&[0x16, 3, 1, 1, 0, 1, 0, 0, 0xFC, 3, 3][..], &[7; 100]].concat();
    let mut strangers = Vec::new();
    for n in 0..400 {
        let (address, bytes) = match n % 4 {
            0 => (&tls, &client_hello[..]),
            1 => (&tls, &[][..]),
            2 => (&started.address, &connect[..connect.len() - 3]),
            _ => (&started.address, &[][..]),
        };
        if let Ok(mut socket) = TcpStream::connect(address).await {
            socket.write_all(bytes).await.unwrap_or(());
            strangers.push(socket);
        }
    }
    for _ in 0..10 {
        let newcomer = crate::support::eventually("a newcomer is let in", super::PATIENCE, || async {
            MqttClient::try_connect(&started.address, &hello).await.ok()
        });
        newcomer.await.ping().await;
    }
    // All of them are let go of, without any doing of theirs.
    for stranger in &mut strangers {
        let mut bytes = Vec::new();
        timeout(super::PATIENCE, stranger.read_to_end(&mut bytes))
            .await
            .expect("the server closes")
            .unwrap_or(0);
    }
    started.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_read_is_sent_no_more_than_fits() {
    let started = Attack::start(&[]).await;
    let many = two_bytes(RECEIVE_MAXIMUM, 65_535);
    let mut deaf = Vec::new();
    for n in 0..20 {
        let hello = started.hello(V5, &format!("deaf-{n}")).with_properties(&many);
        let mut client = MqttClient::connect(&started.address, &hello).await;
        assert_eq!(client.subscribe(&[("basalt/loud/#", [0, 1][n % 2])]).await, [[0, 1][n % 2]]);
        deaf.push(client);
    }
    let mut loud = MqttClient::connect(&started.address, &started.hello(V5, "loud")).await;
    for round in 0..100_i64 {
        let batch: Vec<_> = (0..1000)
            .map(|i| serde_json::json!({"ts": super::NOON_S + round * 1000 + i, "value": i}))
            .collect();
        let payload = serde_json::Value::Array(batch).to_string();
        assert_eq!(loud.publish("basalt/loud/s", payload, 1).await, Ok(0), "{round}");
    }
    started.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_not_finished_are_bounded() {
    let started = Attack::start(&[]).await;
    for version in BOTH {
        // QoS 2 without a release: every packet id there is.
        let hello = started.hello(version, "unfinished").persistent();
        let mut client = MqttClient::connect(&started.address, &hello).await;
        'all: for chunk in (1..=u16::MAX).collect::<Vec<_>>().chunks(500) {
            let bytes: Vec<u8> = chunk
                .iter()
                .flat_map(|id| Publish::new("basalt/open/s", "1", 2, *id).encode(version))
                .collect();
            client.raw(&bytes).await;
            for _ in chunk {
                match client.packet().await {
                    Some(Packet::Ack { first: PUBREC, .. }) => {}
                    // Past the quota that CONNACK has told.
                    Some(Packet::Disconnect { code: 0x93 }) | None => break 'all,
                    other => panic!("{other:?}"),
                }
            }
        }
        // Sessions without number, each with the longest name.
        for n in 0..300 {
            let hello = started.hello(version, &format!("{n}-{}", "n".repeat(8_000))).persistent();
            if let Ok(client) = MqttClient::try_connect(&started.address, &hello).await {
                client.disconnect(0).await;
            }
        }
    }
    // Properties without end.
    let users = [&[0x26][..], &prefixed(b"a"), &prefixed(&[b'b'; 100])].concat().repeat(100);
    let hello = started
        .hello(V5, "users")
        .with_properties(&users)
        .with_properties(&four_bytes(SESSION_EXPIRY, u32::MAX));
    if let Ok(mut client) = MqttClient::try_connect(&started.address, &hello).await {
        client.ping().await;
    }
    started.finish().await;
}
