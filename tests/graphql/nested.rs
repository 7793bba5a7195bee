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
use basalt::domain::{Micros, StreamId};

const NESTED: &str = "{ devices(first: 200) { nodes { name streams(first: 3) { nodes { name device { name }
    group { name streams(first: 1) { totalCount } } latest { value stream { device { rowId } } } } } } } }";

async fn grow(ground: &TestEnv, inside: &TestDb, devices: usize) {
    let mut rows = Vec::new();
    for number in 0..devices {
        let spec = DeviceSpec::new(format!("device {number}"), Protocol::Virtual);
        let device = ground.catalog.create_device(&ground.owner, spec).await.unwrap();
        let mut members: Vec<StreamId> = Vec::new();
        for name in ["a", "b", "c"] {
            let spec = StreamSpec::new(name, device.id);
            members.push(ground.catalog.create_stream(&ground.owner, spec).await.unwrap().id);
        }
        rows.extend(members.iter().map(|id| Reading::good(*id, Micros(NOW - MINUTE), number as f64)));
        let group = GroupSpec { name: format!("group {number}"), description: String::new() };
        ground.catalog.create_group(&ground.owner, group, members).await.unwrap();
    }
    inside.store.write(&ground.owner, rows.into_iter().collect()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nested_lists_have_the_rows_of_their_own_parents() {
    let ground = Arc::new(TestEnv::new(1).await);
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    let client = inside.serve().await;
    let request = KeyRequest { name: "key".to_owned(), ..KeyRequest::default() };
    let (_, secret) = inside.app().create_key(&ground.owner, &request).await.unwrap();
    let client = client.with_key(&secret);
    grow(&ground, &inside, 80).await;
    let got = data(&client, NESTED, json!({})).await;
    let devices = got["devices"]["nodes"].as_array().unwrap();
    assert_eq!(devices.len(), 81);
    let last = &devices[80];
    let stream = &last["streams"]["nodes"][2];
    assert_eq!(stream["group"], json!({"name": "group 79", "streams": {"totalCount": 3}}));
    assert_eq!(stream["latest"], json!({"value": 79.0, "stream": {"device": {"rowId": 81}}}));
}
