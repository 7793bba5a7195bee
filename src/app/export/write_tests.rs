//! Tests of what changes while an export is written.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::app::readings::ReadingSource;
use crate::app::test_app;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::document::{DocumentKind, DocumentSpec, SiteSpec};
use crate::domain::export::{ExportScope, ExportStatus};
use crate::domain::time::MICROS_PER_SECOND;

const NOON: Micros = Micros(1_777_377_600_000_000);
/// Sensors of the export. Its parts wait in a channel of one, so those of most sensors are read after the first arrived.
const SENSORS: i64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_export_whose_scope_is_deleted_fails() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let site =
        app.documents.create_document(&who, DocumentSpec::Site(SiteSpec::new("here"))).await.unwrap().uuid;
    let device = app.devices.create_device(&who, DeviceSpec::new("press", Protocol::Mqtt)).await.unwrap();
    let catalog = app.parts.store.catalog();
    let placed = catalog.devices.update_device_in_topology(&who, device.id, |_, topology| {
        topology.site = Some(site);
        Ok(())
    });
    placed.await.unwrap();
    let reading = |nth: i64| {
        let at = Micros(NOON.0 + nth).to_iso();
        json!({"sensorId": format!("t{nth}"), "timestamp": at, "value": 1.5})
    };
    let readings = Value::from((0..SENSORS).map(reading).collect::<Vec<_>>()).to_string();
    let source = ReadingSource { principal: &who, device: Some(device.id), topic: "t", is_answered: false };
    let received = app.readings.receive_readings(&source, readings.as_bytes()).await.unwrap();
    assert_eq!(received.quarantined, 0);
    let spec = ExportSpec {
        scope_type: ExportScope::Site,
        scope: site,
        from: NOON,
        to: Micros(NOON.0 + 3600 * MICROS_PER_SECOND),
        includes: BTreeSet::from([ExportContent::Readings]),
    };
    let export = app.exports.create_export(&who, spec, "me".to_owned()).await.unwrap();
    let running = catalog.jobs.start_export(export.uuid).await.unwrap();
    assert_eq!(running.status, ExportStatus::Running);

    let (parts, mut received) = mpsc::channel(1);
    let feed = ExportFeed { exports: &app.exports, export: &running, reader: running.reader(), parts };
    let deleting = async {
        let mut rows = 0;
        while let Some(part) = received.recv().await {
            if matches!(part, ArchivePart::Rows(_)) {
                rows += 1;
            }
            if rows == 1 {
                app.documents.delete_document(&who, DocumentKind::Site, site).await.unwrap();
                rows += 1;
            }
        }
        rows
    };
    let (fed, rows) = tokio::join!(feed.run(), deleting);
    assert!((2..SENSORS).contains(&rows), "it ends before every sensor was read: {rows}");
    let Err(FeedEnd::Failed(error)) = fed else { panic!("it is written although its site is gone") };
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Kind::NotFound, format!("SITE {site} was deleted").as_str())
    );
    // The job that meets this ends so.
    app.exports.run_export(running, &CancellationToken::new()).await;
    let failed = app.exports.export(&who, export.uuid).await.unwrap();
    assert_eq!((failed.status, failed.result), (ExportStatus::Failed, None));
    assert!(failed.error.contains("was deleted"), "{}", failed.error);
}
