//! Connecting: clients that are let in or refused, and connections that end taken over or silent.

use serde_json::json;

use super::Plant;
use crate::support::{rows, until};
use crate::tools::mqtt::encode::{
    PINGREQ, RECEIVE_MAXIMUM, TOPIC_ALIAS_MAXIMUM, disconnect, frame, prefixed, two_bytes,
};
use crate::tools::mqtt::{BOTH, Connect, End, MqttClient, Property, Publish, Version, Will};

use Version::{V5, V311};

/// Answers that say that a key is not accepted.
const BAD_KEY_V311: &[End] = &[Some(4), Some(5)];
const BAD_KEY_V5: &[End] = &[Some(0x86), Some(0x87)];
/// Bytes that are no CONNECT: the specifications allow a close without a word.
const MALFORMED: &[End] = &[None, Some(0x81), Some(0x82)];

#[tokio::test]
async fn everything_that_the_specifications_allow_connects() {
    let plant = Plant::start().await;
    let hello = |version, id: &str| plant.hello(version, id);
    let long = "x".repeat(200);
    let mut rows = Vec::new();
    for version in BOTH {
        rows.push(("a_key_as_password", hello(version, "plain")));
        rows.push(("no_keep_alive", Connect { keep_alive_s: 0, ..hello(version, "idle") }));
        rows.push(("no_client_id", hello(version, "")));
        rows.push(("a_long_client_id", hello(version, &long)));
        rows.push(("a_client_id_of_other_letters", hello(version, "Presse Nº 7/ü")));
        rows.push(("any_user_name", Connect { user: Some(String::new()), ..hello(version, "nobody") }));
        rows.push(("a_session_that_stays", hello(version, &format!("stays{version:?}")).persistent()));
        let will = Will::new("basalt/press/state", "0");
        rows.push(("a_will", hello(version, "mortal").with_will(will)));
        let state = Will::new("$SYS/broker/connection/press.plant/state", "0");
        rows.push(("a_bridge_of_mosquitto", hello(version, "press.plant").with_will(state)));
    }
    rows.push(("5_no_client_id_and_no_clean_start", hello(V5, "").persistent()));
    rows.push(("5_password_without_user", Connect { user: None, ..hello(V5, "lonely") }));
    let none = two_bytes(TOPIC_ALIAS_MAXIMUM, 0);
    rows.push(("5_no_topic_aliases", hello(V5, "plain").with_properties(&none)));
    let many = two_bytes(TOPIC_ALIAS_MAXIMUM, 9);
    rows.push(("5_topic_aliases", hello(V5, "aliases").with_properties(&many)));
    let one = two_bytes(RECEIVE_MAXIMUM, 1);
    rows.push(("5_one_message_at_a_time", hello(V5, "slow").with_properties(&one)));
    let users = [&[0x26][..], &prefixed(b"a"), &prefixed(b"b")].concat();
    rows.push(("5_user_properties", hello(V5, "users").with_properties(&users.repeat(2))));
    for (name, connect) in rows {
        let connected = MqttClient::try_connect(&plant.address, &connect).await;
        let mut client = connected.unwrap_or_else(|end| panic!("{name}, {:?}: {end:x?}", connect.version));
        assert!(!client.is_present, "{name}: it is the first of its name");
        if connect.version == V5 && connect.client_id.is_empty() {
            let given = client.properties.get(&0x12);
            assert!(matches!(given, Some(Property::Text(id)) if !id.is_empty()), "{name}: {given:?}");
        }
        client.ping().await;
        client.disconnect(0).await;
    }
}

/// CONNECTs that are refused, with the answers that are right.
fn refused(plant: &Plant, key_of_nothing: &str) -> Vec<(&'static str, Connect, &'static [End])> {
    let hello = |version, id: &str| plant.hello(version, id);
    let wrong = Some("bslt_nobody_0123456789abcdef0123456789abcdef".to_owned());
    let mut rows = Vec::new();
    for (version, bad_key) in [(V311, BAD_KEY_V311), (V5, BAD_KEY_V5)] {
        rows.extend(rows![
            "a_wrong_key", Connect { password: wrong.clone(), ..hello(version, "x") }, bad_key;
            "an_empty_key", Connect { password: Some(String::new()), ..hello(version, "x") }, bad_key;
            "a_user_alone", Connect { password: None, ..hello(version, "x") }, bad_key;
            "nobody", Connect { password: None, user: None, ..hello(version, "x") }, bad_key;
            "a_revoked_key", Connect::new(version, "x", key_of_nothing), bad_key;
        ]);
        let will = |topic: &str| hello(version, "x").with_will(Will::new(topic, "1"));
        let not_ours: &[End] = &[Some(5), Some(0x87), Some(0x90)];
        rows.push(("a_will_for_another_tree", will("elsewhere/x"), not_ours));
        rows.push(("a_will_for_the_system", will("$SYS/x"), not_ours));
        let odd: &[End] = &[None, Some(5), Some(0x81), Some(0x82), Some(0x87), Some(0x90)];
        rows.push(("a_will_with_a_wildcard", will("basalt/+/state"), odd));
        rows.push(("a_will_without_a_topic", will(""), odd));
        let qos_3 = Will { qos: 3, ..Will::new("basalt/press/state", "1") };
        rows.push(("a_will_of_qos_3", hello(version, "x").with_will(qos_3), MALFORMED));
        for (name, flipped) in
            [("a_reserved_flag", 0x01), ("will_retain_alone", 0x20), ("will_qos_alone", 0x08)]
        {
            rows.push((name, Connect { flipped, ..hello(version, "x") }, MALFORMED));
        }
        // 3.1.1, [MQTT-3.1.2-2]. A bridge of mosquitto begins with 0x84 and tries 4 after this refusal alone.
        for level in [0, 6, 0x83, 0x84] {
            rows.push(("another_level", Connect { level, ..hello(version, "x") }, &[Some(1)]));
        }
        rows.push(("another_protocol", Connect { protocol: "MQTX", ..hello(version, "x") }, &[None]));
        let odd: &[End] = &[None, Some(2), Some(0x81), Some(0x82), Some(0x85)];
        rows.push(("a_client_id_with_nul", hello(version, "a\0b"), odd));
    }
    let nobody = Connect { user: None, ..hello(V311, "x") };
    rows.push(("311_password_without_user", nobody, &[None, Some(4), Some(5)]));
    // 3.1.1, [MQTT-3.1.3-8]. It was closed without an answer, and nothing was logged.
    rows.push(("311_no_client_id_to_come_back_with", hello(V311, "").persistent(), &[Some(2)]));
    let old = Connect { protocol: "MQIsdp", level: 3, ..hello(V311, "x") };
    rows.push(("level_3", old, &[None, Some(1)]));
    let twice = [two_bytes(RECEIVE_MAXIMUM, 1), two_bytes(RECEIVE_MAXIMUM, 1)].concat();
    rows.push(("5_a_property_twice", hello(V5, "x").with_properties(&twice), MALFORMED));
    let none = two_bytes(RECEIVE_MAXIMUM, 0);
    rows.push(("5_no_message_at_a_time", hello(V5, "x").with_properties(&none), MALFORMED));
    rows.push(("5_a_property_of_publish", hello(V5, "x").with_properties(&[0x01, 1]), MALFORMED));
    rows.push(("5_no_property", hello(V5, "x").with_properties(&[0x7F, 1]), MALFORMED));
    rows
}

#[tokio::test]
async fn what_is_refused_is_told_with_its_code_and_ends_as_do_bytes_that_are_no_connect_and_silence() {
    let plant = Plant::start().await;
    let key = plant.server.create_key(&[]).await;
    plant.revoke_newest_key().await;
    for (name, connect, expected) in refused(&plant, &key) {
        let version = connect.version;
        let end = MqttClient::try_connect(&plant.address, &connect).await.err();
        let end = end.unwrap_or_else(|| panic!("{name}, {version:?}: it is let in"));
        assert!(expected.contains(&end), "{name}, {version:?}: {end:x?}, expected one of {expected:x?}");
    }
    plant.connect(V5, "beside").await.ping().await;
    // The log says why, and nobody fills it: all of these have one address.
    let log = plant.server.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("a client of MQTT is refused")).collect();
    assert!((1..10).contains(&lines.len()), "{} lines: {lines:?}", lines.len());
    assert!(lines.iter().all(|line| line.contains("127.0.0.1") && line.contains("reason=")), "{lines:?}");

    let connect = plant.hello(V311, "x").encode();
    let mut bad_text = connect.clone();
    // The client id is the only text of one letter.
    let at = bad_text.windows(3).position(|bytes| bytes == [0, 1, b'x']).expect("the client id");
    bad_text[at + 2] = 0xFF;
    let long = Connect { client_id: "x".repeat(60_000), ..plant.hello(V311, "") }.encode();
    let publish = Publish::new("basalt/press/temp", "1", 0, 0).encode(V311);
    let flags = [&[0x11][..], &connect[1..]].concat();
    for (name, bytes) in [
        ("publish_first", publish),
        ("ping_first", PINGREQ.to_vec()),
        ("disconnect_first", disconnect(V311, 0)),
        ("flags_of_connect", flags),
        ("no_text", bad_text),
        ("connect_of_nothing", frame(0x10, &[])),
        ("connect_cut_short", frame(0x10, &connect[2..12])),
        ("a_length_of_five_bytes", vec![0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
        ("longer_than_a_stranger_may", long),
        ("http", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()),
        ("tls", vec![0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]),
    ] {
        let mut stranger = MqttClient::open(&plant.address, V5).await;
        stranger.raw(&bytes).await;
        if name == "tls" {
            // A type of packet that does not exist, whatever follows.
            stranger.raw(&[0; 200]).await;
        }
        stranger.end().await;
    }
    assert!(!plant.server.log().contains("panicked"), "{}", plant.server.log());
    plant.connect(V5, "beside").await.ping().await;

    let connect = plant.hello(V5, "x").encode();
    for bytes in [&[][..], &connect[..1], &connect[..connect.len() - 1]] {
        let mut stranger = MqttClient::open(&plant.address, V5).await;
        stranger.raw(bytes).await;
        stranger.end().await;
    }
}

#[tokio::test]
async fn a_client_is_out_that_is_taken_over_silent_or_of_a_revoked_key() {
    let plant = Plant::start().await;
    for version in BOTH {
        let mut first = plant.connect(version, "double").await;
        let mut second = plant.connect(version, "double").await;
        assert_eq!(first.end().await, (version == V5).then_some(0x8E), "{version:?}");
        second.ping().await;

        // A client of another key is another client.
        let other = plant.server.create_key(&[]).await;
        let mut third = MqttClient::connect(&plant.address, &Connect::new(version, "double", &other)).await;
        second.ping().await;
        third.ping().await;
        second.disconnect(0).await;
        third.ping().await;
    }

    for version in BOTH {
        let connect = Connect { keep_alive_s: 1, ..plant.hello(version, "silent") };
        let mut client = MqttClient::connect(&plant.address, &connect).await;
        client.ping().await;
        assert_eq!(client.end().await, (version == V5).then_some(0x8D), "{version:?}");
    }

    for version in BOTH {
        let key = plant.server.create_key(&[]).await;
        let mut client = MqttClient::connect(&plant.address, &Connect::new(version, "x", &key)).await;
        client.ping().await;
        plant.revoke_newest_key().await;
        let end = client.end().await;
        let expected: &[End] = if version == V5 { &[Some(0x87), Some(0x98)] } else { &[None] };
        assert!(expected.contains(&end), "{version:?}: {end:x?}");
    }
}

#[tokio::test]
async fn the_server_says_that_it_is_ready_what_it_supports_and_goodbye() {
    let mut plant = Plant::start().await;
    let ready = plant.client().without_key().get("/readyz/?checks=db,mqtt").await;
    ready.is(200, &json!({"status": "ok", "checks": {"db": "ok", "mqtt": "ok"}}));
    let mut client = plant.connect(V5, "reader").await;
    // No aliases, no shared subscriptions, no subscription identifiers; wildcards and retained messages.
    let property = |id: u8| match client.properties.get(&id) {
        Some(Property::Number(number)) => Some(*number),
        _ => None,
    };
    assert_eq!(property(TOPIC_ALIAS_MAXIMUM).unwrap_or(0), 0);
    assert_eq!(property(0x2A), Some(0), "shared subscriptions: {:?}", client.properties);
    assert_ne!(property(0x28), Some(0), "wildcards");
    assert_ne!(property(0x25), Some(0), "retained messages");
    assert_ne!(property(RECEIVE_MAXIMUM), Some(0));
    let mut old = plant.connect(V311, "old").await;
    plant.server.stop().await;
    assert_eq!(client.end().await, Some(0x8B), "the server shuts down");
    assert_eq!(old.end().await, None);
    plant.server.start_again().await;
    until!("the broker is back", super::PATIENCE;
        MqttClient::try_connect(&plant.address, &plant.hello(V5, "reader")).await.is_ok());
}
