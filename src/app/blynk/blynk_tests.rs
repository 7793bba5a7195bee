//! Tests of the core calls over a real store: what only a principal made by hand can be refused, and the times of
//! values.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;

use super::batch_update::{BatchUpdate, SkipReason};
use super::update::DatastreamValue;
use super::*;
use crate::app::App;
use crate::app::client::ClientRequest;
use crate::app::gateway::session::SessionEvent;
use crate::app::test_app::open;
use crate::app::token::TokenGrant;
use crate::domain::audit::RequestOrigin;
use crate::domain::command::{CommandFilter, MAX_OPEN_PER_DEVICE};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::StreamSpec;
use crate::domain::{Principal, StreamId};

/// An application with two devices of one stream each.
struct Plant {
    _dir: TempDir,
    app: App,
    owner: Principal,
    devices: Vec<DeviceId>,
    streams: Vec<StreamId>,
}

impl Plant {
    async fn new() -> Self {
        let (dir, app) = open().await;
        let owner = app.access.system(None).expect("the default organization");
        let (mut devices, mut streams) = (Vec::new(), Vec::new());
        for name in ["press", "oven"] {
            let spec = DeviceSpec::new(name, Protocol::Virtual);
            let device = app.devices.create_device(&owner, spec).await.expect("a device").id;
            let stream = app.streams.create_stream(&owner, StreamSpec::new("Motor RPM", device)).await;
            devices.push(device);
            streams.push(stream.expect("a stream").id);
        }
        Self { _dir: dir, app, owner, devices, streams }
    }

    /// The access of a client with a role.
    async fn access(&self, role: Option<&str>) -> ClientAccess {
        let request = ClientRequest {
            api: "blynk".to_owned(),
            name: "c".to_owned(),
            user: None,
            role: role.map(str::to_owned),
        };
        let (client, secret) = self.app.clients.issue_client(&self.owner, &request).await.expect("a client");
        let origin = Arc::new(RequestOrigin::new("POST /oauth2/token", None, "r"));
        let grant = TokenGrant::ClientCredentials;
        let pair = self.app.tokens.issue_tokens(&client.secret.client_id, &secret, grant, &origin).await;
        let pair = pair.unwrap_or_else(|error| panic!("no token: {error:?}"));
        self.app.tokens.authenticate_access_token(&pair.access).expect("it is valid")
    }

    fn table(&self) -> BatchUpdate {
        let row = |id: &DeviceId| json!([id.0, 5]);
        BatchUpdate { labels: vec!["Motor_RPM".to_owned()], rows: self.devices.iter().map(row).collect() }
    }
}

fn five() -> DatastreamValue {
    DatastreamValue { datastream: 1, value: json!(5) }
}

#[tokio::test]
async fn a_device_of_others_is_no_access_and_one_of_nobody_is_not_found() {
    let plant = Plant::new().await;
    let mut access = plant.access(Some("operator")).await;
    access.principal.devices = Some(BTreeSet::from([plant.devices[0]]));
    let mut table = plant.table();
    table.rows.push(json!([999, 5]));
    let skipped = plant.app.blynk.batch_update(&access, table).await.expect("one row is good");
    let reasons: Vec<_> = skipped.into_iter().map(|skipped| (skipped.row, skipped.reason)).collect();
    let expected = [(1, SkipReason::NoAccess(plant.devices[1])), (2, SkipReason::DeviceNotFound(999.into()))];
    assert_eq!(reasons, expected);
    let error = plant.app.blynk.update(&access, plant.devices[1], five()).await.expect_err("of others");
    let id = plant.devices[1];
    let message = format!("Device with identifier {id} is not found or belong to another organization.");
    assert_eq!(
        (error.kind, error.message.as_str(), error.is_hidden()),
        (Kind::NotFound, message.as_str(), true)
    );
}

#[tokio::test]
async fn a_missing_permission_is_named_before_anything_is_looked_up() {
    let plant = Plant::new().await;
    let control = "You don't have the required permission: ORG_DEVICES_CONTROL.";
    let import = "You don't have the required permission: ORG_DEVICE_DATA_IMPORT.";
    let rows = [
        ("viewer", Some(control), Some(import)),
        ("org-viewer", Some(control), Some(import)),
        ("operator", None, Some(import)),
        ("importer", Some(control), None),
        ("admin", None, None),
    ];
    for (role, expected_control, expected_import) in rows {
        let access = plant.access(Some(role)).await;
        let nowhere = DeviceId(999);
        let refused = |result: Result<()>| {
            let error = result.expect_err(role);
            (error.kind == Kind::Forbidden).then_some(error.message)
        };
        let update = refused(plant.app.blynk.update(&access, nowhere, five()).await);
        assert_eq!(update.as_deref(), expected_control, "{role}");
        let nothing = import::Import { device: nowhere, datastream: 1, points: Vec::new() };
        let imported = refused(plant.app.blynk.import(&access, nothing).await);
        assert_eq!(imported.as_deref(), expected_import, "{role}");
    }
}

#[tokio::test]
async fn no_two_assigned_times_of_a_stream_are_one_whatever_else_is_written() {
    let plant = Plant::new().await;
    let store = &plant.app.parts.store;
    let mut last = 0;
    for _ in 0..1000 {
        let common = store.assign_common_millis(&plant.streams).0;
        assert!(common > last, "{last} {common}");
        let other = store.assign_common_millis(&plant.streams[1..]).0;
        assert!(other > common, "{common} {other}");
        last = store.assign_ts(plant.streams[0], plant.app.now()).0;
        assert!(last > common, "{common} {last}");
    }
}

#[tokio::test]
async fn a_connected_device_is_told_and_a_full_queue_stores_nothing() {
    let plant = Plant::new().await;
    let (app, owner, device) = (&plant.app, &plant.owner, plant.devices[0]);
    let access = plant.access(None).await;
    let waiting = || {
        let filter = CommandFilter { device: Some(device), ..CommandFilter::default() };
        app.commands.commands(owner, &filter).expect("the owner may")
    };
    let report = async |event| {
        app.gateway.report_session(owner, device, event, serde_json::Map::new()).await.expect("stored");
    };
    app.blynk.update(&access, device, five()).await.expect("stored");
    assert!(waiting().is_empty(), "it is not connected");
    report(SessionEvent::Connected).await;
    app.blynk.update(&access, device, five()).await.expect("stored");
    let commands = waiting();
    assert_eq!(commands.len(), 1);
    assert_eq!((commands[0].spec.kind.as_str(), commands[0].spec.device), ("vw", device));
    assert_eq!(json!(commands[0].spec.params), json!({"dataStreamId": 1, "pin": 1, "value": 5}));

    let current =
        || app.streams.latest_valued_reading(owner, plant.streams[0]).and_then(|reading| reading.value);
    let table = |values: Vec<i32>| {
        let rows = values.into_iter().map(|value| json!([device.0, value])).collect();
        BatchUpdate { labels: vec!["Motor_RPM".to_owned()], rows }
    };
    let many = (1..=2000).collect();
    app.blynk.batch_update(&access, table(many)).await.expect("the device is told the last value only");
    let params: Vec<_> = waiting().iter().map(|command| json!(command.spec.params)).collect();
    let expected = json!({"dataStreamId": 1, "pin": 1, "value": 2000});
    assert_eq!((current(), params.len(), &params[0]), (Some(2000.0), 2, &expected));

    let others = vec![commands[0].spec.clone(); MAX_OPEN_PER_DEVICE - params.len()];
    app.commands.create_commands(owner, others).await.expect("the queue is full now");
    let error = app.blynk.batch_update(&access, table(vec![7])).await.expect_err("the queue is full");
    assert_eq!(error.kind, Kind::Busy);
    assert_eq!((current(), waiting().len()), (Some(2000.0), MAX_OPEN_PER_DEVICE));
    report(SessionEvent::Disconnected).await;
    app.blynk.update(&access, device, five()).await.expect("stored");
    assert_eq!((current(), waiting().len()), (Some(5.0), MAX_OPEN_PER_DEVICE));
}
