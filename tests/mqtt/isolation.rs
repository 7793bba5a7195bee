//! Two organizations and restricted keys: nothing of another by publishing, subscribing, retained messages or wills, and
//! no answer tells that there is anything.

use serde_json::json;

use super::{Plant, number, reading, take};
use crate::graphql;
use crate::support::Client;
use crate::tools::mqtt::{BOTH, Connect, End, MqttClient, Publish, Version, Will};

use Version::{V5, V311};

/// The value of every reading that the caller may not see.
const SECRET: &str = "777123.5";

/// A plant with the devices `press` and `oven`, and the organization `other`, which has a `press` of its own and a device
/// `secret`.
struct TwoPlants {
    plant: Plant,
    /// Keys that see the first organization's press alone: by its id, and by its streams.
    restricted: Vec<String>,
    /// A key of the other organization with every right there.
    foreign: String,
    foreign_client: Client,
    /// Row numbers of the streams of the other's `press` and of `secret`.
    foreign_streams: Vec<i64>,
}

impl TwoPlants {
    async fn start() -> TwoPlants {
        let plant = Plant::start().await;
        let (press, _) = plant.device("press").await;
        graphql::plant(&plant.client(), "oven", &[("temp", "fp64")]).await;
        plant.server.basalt(&["org", "create", "other"]).await.expect_success();
        let foreign = plant.server.create_key(&["--org", "other"]).await;
        let foreign_client = plant.client().with_key(&foreign);
        let mut foreign_streams = Vec::new();
        for device in ["press", "secret"] {
            foreign_streams.extend(
                graphql::plant(&foreign_client, device, &[("temp", "fp64"), ("state", "fp64")]).await.1,
            );
        }
        let mut by_stream = Vec::new();
        for stream in &plant.streams {
            by_stream.extend(["--data".to_owned(), stream.to_string()]);
        }
        let by_stream: Vec<&str> = by_stream.iter().map(String::as_str).collect();
        let restricted = vec![
            plant.server.create_key(&["--device", &press.to_string()]).await,
            plant.server.create_key(&by_stream).await,
        ];
        TwoPlants { plant, restricted, foreign, foreign_client, foreign_streams }
    }

    async fn connect(&self, version: Version, id: &str, key: &str) -> MqttClient {
        MqttClient::connect(&self.plant.address, &Connect::new(version, id, key)).await
    }

    async fn foreign_values(&self) -> Vec<f64> {
        let mut found = Vec::new();
        for stream in &self.foreign_streams {
            let query = format!("SELECT value FROM readings WHERE stream_id = {stream}");
            let rows = self.foreign_client.sql(&query).await;
            found.extend(rows.iter().map(|row| row["value"].as_f64().expect("a number")));
        }
        found
    }
}

/// How publishing is refused: an error and the end in 5.0, the end in 3.1.1.
async fn expect_refused(client: &mut MqttClient, topic: &str, qos: u8) {
    let version = client.version();
    let end = match client.publish(topic, SECRET, qos).await {
        Ok(code) if qos == 0 || code == 0x87 => client.end().await,
        Ok(code) => panic!("{topic}, {version:?}: acknowledged with {code:#x}"),
        Err(end) => end,
    };
    assert_eq!(end, (version == V5).then_some(0x87), "{topic}, {version:?}");
}

#[tokio::test]
async fn one_organization_writes_nothing_of_another() {
    let world = TwoPlants::start().await;
    // The same name in another organization is another device.
    let mut own = world.connect(V5, "own", &world.plant.server.key).await;
    let mut foreign = world.connect(V5, "foreign", &world.foreign).await;
    assert_eq!(own.publish("basalt/press/temp", "1", 1).await, Ok(0));
    assert_eq!(foreign.publish("basalt/press/temp", "2", 1).await, Ok(0));
    assert_eq!(world.plant.values(world.plant.streams[0]).await, [1.0]);
    assert_eq!(world.foreign_values().await, [2.0]);
    // Its uuid names nothing here: with every right, a device of that name comes to be in the own organization.
    let devices = world.foreign_client.get("/api/device/?name=secret").await.body;
    let uuid = devices[0]["uuid"].as_str().expect("a uuid");
    assert_eq!(own.publish(&format!("basalt/{uuid}/temp"), SECRET, 1).await, Ok(0));
    assert_eq!(world.foreign_values().await, [2.0]);
    for version in BOTH {
        for topic in ["discover/other/secret/secret/post", "control/other/secret/secret/response"] {
            for qos in 0..3 {
                let mut client = world.connect(version, "writer", &world.plant.server.key).await;
                expect_refused(&mut client, topic, qos).await;
            }
        }
    }
    assert_eq!(world.foreign_values().await, [2.0]);
}

#[tokio::test]
async fn a_restricted_key_writes_to_its_own_alone() {
    let world = TwoPlants::start().await;
    let (_, oven) = world.plant.device("oven").await;
    let key = &world.restricted[0];
    for version in BOTH {
        let mut client = world.connect(version, "writer", key).await;
        assert_eq!(client.publish("basalt/press/temp", "1", 1).await, Ok(0), "{version:?}");
        for topic in [
            "basalt/oven/temp".to_owned(),
            format!("basalt/{oven}/temp"),
            // One that does not exist is refused alike.
            "basalt/nothing/temp".to_owned(),
            "basalt/secret/temp".to_owned(),
        ] {
            for qos in 0..3 {
                let mut client = world.connect(version, "writer", key).await;
                expect_refused(&mut client, &topic, qos).await;
            }
        }
        // A fact of another device is a matter of the message, not of the topic.
        let mut client = world.connect(version, "writer", key).await;
        let fact = json!({"id": "oven", "s1_id": "temp", "s1_v": 777_123.5}).to_string();
        let acked = client.publish("os/sensors/raw", fact, 1).await;
        let is_refused =
            matches!((version, acked), (V311, Ok(0) | Err(None)) | (V5, Ok(0x87 | 0x99) | Err(Some(0x87))));
        assert!(is_refused, "{version:?}: {acked:x?}");
    }
    let secret = format!("SELECT count(*) AS n FROM readings WHERE value = {SECRET}");
    assert_eq!(world.plant.client().sql(&secret).await, [json!({"n": 0})]);
}

#[tokio::test]
async fn filters_show_nothing_of_others() {
    let world = TwoPlants::start().await;
    let (_, oven) = world.plant.device("oven").await;
    let (_, press) = world.plant.device("press").await;
    let mut own = world.connect(V5, "own-writer", &world.plant.server.key).await;
    let mut foreign = world.connect(V5, "foreign-writer", &world.foreign).await;
    for version in BOTH {
        for key in &world.restricted {
            for filter in ["#", "basalt/#", "+/+/+", "basalt/+/temp", "basalt/press/#"] {
                let mut reader = world.connect(version, "reader", key).await;
                assert_eq!(reader.subscribe(&[(filter, 1)]).await, [1], "{filter}");
                assert_eq!(own.publish("basalt/oven/temp", SECRET, 1).await, Ok(0));
                for topic in ["basalt/press/temp", "basalt/secret/temp"] {
                    assert_eq!(foreign.publish(topic, SECRET, 1).await, Ok(0));
                }
                assert_eq!(own.publish("basalt/press/temp", "1", 1).await, Ok(0));
                assert_eq!(take(&mut reader, 1).await, [("basalt/press/temp".to_owned(), 1.0)], "{filter}");
                reader.disconnect(0).await;
            }
            let mut reader = world.connect(version, "reader", key).await;
            let refused = if version == V5 { 0x87 } else { 0x80 };
            // What exists and what does not are refused alike.
            for filter in
                ["basalt/oven/#", &format!("basalt/{oven}/temp"), "basalt/secret/temp", "basalt/nothing/#"]
            {
                let granted = reader.subscribe(&[(filter, 1), (&format!("basalt/{press}/#"), 1)]).await;
                assert_eq!(granted, [refused, 1], "{filter}");
            }
            for filter in
                ["control/other/#", "discover/other/secret/#", "$SYS/#", "$SYS/broker/uptime", "elsewhere/#"]
            {
                assert_eq!(reader.subscribe(&[(filter, 1)]).await, [refused], "{filter}");
            }
        }
    }
}

#[tokio::test]
async fn retained_messages_and_wills_stay_where_they_belong() {
    let world = TwoPlants::start().await;
    let mut own = world.connect(V5, "own-writer", &world.plant.server.key).await;
    let mut foreign = world.connect(V5, "foreign-writer", &world.foreign).await;
    for (is_own, topic) in
        [(true, "basalt/oven/temp"), (false, "basalt/press/temp"), (false, "basalt/secret/temp")]
    {
        let client = if is_own { &mut own } else { &mut foreign };
        let publish = Publish::new(topic, SECRET, 1, 9).retained();
        assert_eq!(client.send_publish(&publish).await, Ok(0), "{topic}");
    }
    for version in BOTH {
        for key in &world.restricted {
            let mut reader = world.connect(version, "reader", key).await;
            for filter in ["#", "basalt/#", "basalt/press/#", "+/+/+"] {
                assert_eq!(reader.subscribe(&[(filter, 1)]).await, [1]);
            }
            // A foreign client disappears; its organization hears of it.
            let will = Will { is_retained: true, ..Will::new("basalt/press/state", SECRET) };
            let mortal = Connect::new(version, "mortal", &world.foreign).with_will(will);
            let mut watcher = world.connect(version, "watcher", &world.foreign).await;
            watcher.subscribe(&[("basalt/press/state", 0)]).await;
            MqttClient::connect(&world.plant.address, &mortal).await.cut();
            while watcher.take_message().await.is_retained {
                // What the round before has retained.
            }
            assert_eq!(own.publish("basalt/press/rpm", "5", 1).await, Ok(0));
            assert_eq!(take(&mut reader, 1).await, [("basalt/press/rpm".to_owned(), 5.0)], "{version:?}");
            reader.disconnect(0).await;

            for topic in ["basalt/oven/state", "basalt/secret/state", "basalt/nothing/state"] {
                let refused = Connect::new(version, "mortal", key).with_will(Will::new(topic, SECRET));
                let end = MqttClient::try_connect(&world.plant.address, &refused).await.err();
                let expected: Option<End> = Some(Some(if version == V5 { 0x87 } else { 5 }));
                assert_eq!(end, expected, "a will for {topic}, {version:?}");
            }
        }
    }
}

#[tokio::test]
async fn messages_of_sparkplug_stay_in_their_organization() {
    const DATA: &str = "spBv1.0/plant/NDATA/edge1";
    const STATE: &str = "spBv1.0/STATE/host";
    let world = TwoPlants::start().await;
    let mut foreign = world.connect(V5, "foreign-writer", &world.foreign).await;
    let mut own = world.connect(V5, "own-writer", &world.plant.server.key).await;
    for version in BOTH {
        let mut reader = world.connect(version, "reader", &world.plant.server.key).await;
        // What the organization has retained itself, and nothing of the other.
        assert_eq!(foreign.send_publish(&Publish::new(STATE, SECRET, 1, 9).retained()).await, Ok(0));
        assert_eq!(own.send_publish(&Publish::new(STATE, "1", 1, 9).retained()).await, Ok(0));
        assert_eq!(reader.subscribe(&[("spBv1.0/#", 1)]).await, [1]);
        let message = reader.take_message().await;
        assert_eq!((message.topic.as_str(), number(&message), message.is_retained), (STATE, 1.0, true));
        assert_eq!(foreign.publish(DATA, SECRET, 1).await, Ok(0));
        let mortal = Connect::new(version, "mortal", &world.foreign)
            .with_will(Will::new("spBv1.0/plant/NDEATH/edge1", SECRET));
        MqttClient::connect(&world.plant.address, &mortal).await.cut();
        assert_eq!(foreign.publish(STATE, SECRET, 1).await, Ok(0));
        assert_eq!(own.publish(DATA, "2", 1).await, Ok(0));
        assert_eq!(take(&mut reader, 1).await, [(DATA.to_owned(), 2.0)], "{version:?}");
        reader.disconnect(0).await;

        for key in &world.restricted {
            for topic in [DATA, STATE, "spBv1.0/plant/NCMD/edge1"] {
                let mut client = world.connect(version, "writer", key).await;
                expect_refused(&mut client, topic, 1).await;
                let mut client = world.connect(version, "reader", key).await;
                let refused = if version == V5 { 0x87 } else { 0x80 };
                assert_eq!(client.subscribe(&[(topic, 1), ("spBv1.0/#", 1)]).await, [refused, refused]);
            }
        }
    }
}

#[tokio::test]
async fn what_waits_for_a_session_is_not_shown_to_a_key_that_lost_its_right() {
    let world = TwoPlants::start().await;
    for version in BOTH {
        let key = world.plant.server.create_key(&[]).await;
        let hello = Connect::new(version, "sleeper", &key).persistent();
        let mut sleeper = MqttClient::connect(&world.plant.address, &hello).await;
        sleeper.subscribe(&[("basalt/#", 1)]).await;
        sleeper.disconnect(0).await;
        let mut own = world.connect(V5, "own-writer", &world.plant.server.key).await;
        assert_eq!(own.publish("basalt/oven/temp", reading(0, 1.0), 1).await, Ok(0));
        world.plant.revoke_newest_key().await;
        let end = MqttClient::try_connect(&world.plant.address, &hello).await.err();
        let expected: &[End] = if version == V5 { &[Some(0x86), Some(0x87)] } else { &[Some(4), Some(5)] };
        assert!(end.is_some_and(|end| expected.contains(&end)), "{version:?}: {end:x?}");
    }
}

/// Security review 2: a filter that begins with a wildcard was granted to every key, and showed it retained values.
#[tokio::test]
async fn a_filter_of_wildcards_shows_nothing_without_the_right_to_read_it() {
    let plant = Plant::start().await;
    let mut own = MqttClient::connect(&plant.address, &Connect::new(V5, "own", &plant.server.key)).await;
    let retained = Publish::new("basalt/press/temp", SECRET, 1, 9).retained();
    assert_eq!(own.send_publish(&retained).await, Ok(0));
    for (scope, is_granted) in
        [("group:read", false), ("event-log:read", false), ("device:read", true), ("value:read", true)]
    {
        let key = plant.server.create_key(&["--scope", scope]).await;
        for filter in ["#", "+/+/+", "+/#"] {
            let mut reader = MqttClient::connect(&plant.address, &Connect::new(V5, "reader", &key)).await;
            let expected = if is_granted { 1 } else { 0x87 };
            assert_eq!(reader.subscribe(&[(filter, 1)]).await, [expected], "{scope} {filter}");
            // A value is shown to who may read values; what is answered after it comes after it.
            if scope == "value:read" {
                assert_eq!(number(&reader.take_message().await), 777_123.5, "{filter}");
            } else {
                reader.ping().await;
                reader.ping().await;
                assert_eq!(reader.waiting(), 0, "{scope} {filter}");
            }
            reader.disconnect(0).await;
        }
    }
}
