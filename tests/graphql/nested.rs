//! Lists within lists: each row has the rows that belong to it.

use std::sync::Arc;

use basalt::app::access::KeyRequest;
use basalt::domain::device::{DeviceSpec, Protocol};
use basalt::domain::group::GroupSpec;
use basalt::domain::reading::Reading;
use basalt::domain::stream::StreamSpec;
use serde_json::json;

use super::data;
use crate::in_process::{MINUTE, NOW, TestDb, TestEnv};
use basalt::domain::{DeviceId, Micros, StreamId};

const NESTED: &str = "{ devices(first: 200) { nodes { name streams(first: 3) { nodes { name device { name }
    group { name streams(first: 1) { totalCount } } latest { value stream { device { rowId } } } } } } } }";

async fn grow(env: &TestEnv, db: &TestDb, devices: usize) {
    let mut rows = Vec::new();
    for number in 0..devices {
        let spec = DeviceSpec::new(format!("device {number}"), Protocol::Virtual);
        let device = env.catalog.devices.create_device(&env.owner, spec).await.unwrap();
        let mut members: Vec<StreamId> = Vec::new();
        for name in ["a", "b", "c"] {
            let spec = StreamSpec::new(name, device.id);
            members.push(env.catalog.streams.create_stream(&env.owner, spec).await.unwrap().id);
        }
        rows.extend(members.iter().map(|id| Reading::good(*id, Micros(NOW - MINUTE), number as f64)));
        let group = GroupSpec { name: format!("group {number}"), description: String::new() };
        env.catalog.groups.create_group(&env.owner, group, members).await.unwrap();
    }
    db.store.write(&env.owner, rows.into_iter().collect()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nested_lists_have_the_rows_of_their_own_parents() {
    let env = Arc::new(TestEnv::new(1).await);
    let dir = tempfile::tempdir().unwrap();
    let db = env.open_local(dir.path()).await;
    let client = db.serve().await;
    grow(&env, &db, 80).await;
    let key = |data: Vec<i32>| KeyRequest { name: "key".to_owned(), data, ..KeyRequest::default() };

    let (_, secret) = db.app().access.create_key(&env.owner, &key(Vec::new())).await.unwrap();
    let all = client.with_key(&secret);
    let got = data(&all, NESTED, json!({})).await;
    let devices = got["devices"]["nodes"].as_array().unwrap();
    assert_eq!(devices.len(), 81);
    let mut streams = Vec::new();
    for device in &devices[1..] {
        let (name, row_id) = (&device["name"], streams.len() / 3 + 2);
        let number: usize = name.as_str().unwrap().trim_start_matches("device ").parse().unwrap();
        assert_eq!(number, row_id - 2);
        let group = json!({"name": format!("group {number}"), "streams": {"totalCount": 3}});
        for (of, stream) in ["a", "b", "c"].into_iter().zip(device["streams"]["nodes"].as_array().unwrap()) {
            let latest = json!({"value": number as f64, "stream": {"device": {"rowId": row_id}}});
            let expected = json!({"name": of, "device": {"name": name}, "group": group, "latest": latest});
            assert_eq!(stream, &expected, "{name}");
            streams.push(stream["name"].clone());
        }
    }
    assert_eq!(streams.len(), 240);

    // The second stream of device 7, whose device it may see; of its group it sees what it may read.
    let of_device = env.catalog.streams.streams_of_devices(&env.owner, &[DeviceId(9)]);
    let (_, secret) = db.app().access.create_key(&env.owner, &key(vec![of_device[1].id.0])).await.unwrap();
    let got = data(&client.with_key(&secret), NESTED, json!({})).await;
    let latest = json!({"value": 7.0, "stream": {"device": {"rowId": 9}}});
    let group = json!({"name": "group 7", "streams": {"totalCount": 1}});
    let stream = json!({"name": "b", "device": {"name": "device 7"}, "group": group, "latest": latest});
    let device = json!({"name": "device 7", "streams": {"nodes": [stream]}});
    assert_eq!(got, json!({"devices": {"nodes": [device]}}));
}
