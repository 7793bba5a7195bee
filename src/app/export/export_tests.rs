//! Tests of exports: what a file contains, what ends in failure, and which files stay.

use std::collections::BTreeSet;
use std::io::Read;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rawzip::ZipArchive;
use serde_json::{Value, json};

use super::*;
use crate::app::readings::ReadingSource;
use crate::app::{App, test_app};
use crate::domain::annotation::{AnnotationSource, AnnotationSpec, ScopeType};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::document::{AnnotationClassSpec, DocumentSpec, SiteSpec};
use crate::domain::export::{ExportContent, ExportResult, ExportScope, ExportStatus, KEPT_S, Manifest};
use crate::domain::job::{JobFilter, JobState};
use crate::domain::stream::StreamFilter;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{DeviceId, Kind};
use crate::store::catalog::AnnotationChange;
use crate::store::objects::reader::ObjectReader;

const NOON: Micros = Micros(1_777_377_600_000_000);

struct Plant {
    dir: tempfile::TempDir,
    app: App,
    who: Principal,
    device: DeviceId,
    /// UUID of the device.
    uuid: Uuid,
}

impl Plant {
    async fn open() -> Plant {
        let (dir, app) = test_app::open().await;
        let who = app.access.system(None).unwrap();
        let device = app.devices.create_device(&who, DeviceSpec::new("press", Protocol::Mqtt)).await.unwrap();
        Plant { dir, app, who, device: device.id, uuid: device.aliases.uuid }
    }

    async fn receive(&self, payload: &Value) {
        let device = Some(self.device);
        let source = ReadingSource { principal: &self.who, device, topic: "t", is_answered: false };
        let text = payload.to_string();
        let received = self.app.readings.receive_readings(&source, text.as_bytes()).await.unwrap();
        assert_eq!(received.quarantined, 0, "{payload}");
    }

    async fn request(&self, scope_type: ExportScope, scope: Uuid) -> Export {
        let hour = 3600 * MICROS_PER_SECOND;
        let (from, to) = (NOON, Micros(NOON.0 + hour));
        let includes = BTreeSet::from([ExportContent::Readings]);
        let spec = ExportSpec { scope_type, scope, from, to, includes };
        self.app.exports.create_export(&self.who, spec, "me".to_owned()).await.unwrap()
    }

    /// Writes an export as the worker does, and returns it as it ended.
    async fn write(&self, export: &Export) -> Export {
        let catalog = self.app.parts.store.catalog();
        let started = catalog.jobs.start_export(export.uuid).await.unwrap();
        self.app.exports.run_export(started, &CancellationToken::new()).await;
        self.app.exports.export(&self.who, export.uuid).await.unwrap()
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path().join(EXPORT_DIR)).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The readings of a finished export, and its manifest.
    fn read(&self, export: &Export) -> (Vec<RecordBatch>, Manifest) {
        let mut bytes = Vec::new();
        let opened = self.app.exports.export_files().open(export.uuid).unwrap();
        let ObjectReader::Local(mut file) = opened else { panic!("exports are in the data directory") };
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!(export.result.map(|result| result.size_bytes), Some(bytes.len() as u64));
        let zip = ZipArchive::from_slice(&bytes).unwrap();
        let (mut readings, mut manifest) = (Vec::new(), None);
        let mut entries = zip.entries();
        while let Some(entry) = entries.next_entry().unwrap() {
            let data = zip.get_entry(entry.wayfinder()).unwrap().data().to_vec();
            let path = entry.file_path();
            let name: &[u8] = path.as_ref();
            match name {
                b"readings.parquet" => {
                    let file = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(data)).unwrap();
                    readings = file.build().unwrap().map(|batch| batch.unwrap()).collect();
                }
                b"manifest.json" => manifest = Some(serde_json::from_slice(&data).unwrap()),
                other => panic!("{other:?}"),
            }
        }
        (readings, manifest.unwrap())
    }
}

fn reading(sensor: &str, micros: i64, value: &Value) -> Value {
    json!({"sensorId": sensor, "timestamp": Micros(NOON.0 + micros).to_iso(), "value": value})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_has_the_readings_of_its_range_by_sensor_and_time() {
    let plant = Plant::open().await;
    let hour = 3600 * MICROS_PER_SECOND;
    let mut second = reading("t", 2, &json!(2.5));
    second["metadata"] = json!({"who": "me"});
    plant.receive(&json!([reading("t", -1, &json!(0.5)), reading("on", 5, &json!(true))])).await;
    plant.receive(&json!([second, reading("t", 0, &json!(1.5)), reading("t", hour, &json!(9.5))])).await;
    plant.receive(&json!([reading("t", hour - 1, &json!(3.5)), reading("note", 7, &json!("hi"))])).await;
    let ready = plant.write(&plant.request(ExportScope::Device, plant.uuid).await).await;
    assert_eq!((ready.status, ready.error.as_str()), (ExportStatus::Ready, ""));
    assert_eq!(ready.result.map(|result| result.reading_count), Some(5));
    let (batches, manifest) = plant.read(&ready);
    assert_eq!((manifest.reading_count, manifest.files.len()), (5, 1));
    let mut rows = Vec::new();
    for batch in &batches {
        let column = |name: &str| batch.column_by_name(name).unwrap();
        for row in 0..batch.num_rows() {
            let text = |name: &str| {
                let column = column(name).as_string::<i32>();
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            let double = column("value_double").as_primitive::<Float64Type>();
            let ts = column("timestamp").as_primitive::<TimestampMicrosecondType>().value(row) - NOON.0;
            let value = double.is_valid(row).then(|| double.value(row));
            assert_eq!(text("device_id"), Some(plant.uuid.to_string()));
            rows.push((text("sensor_key").unwrap(), ts, value, text("value_text"), text("metadata")));
        }
    }
    let row = |key: &str, ts, value, text: Option<&str>, metadata: Option<&str>| {
        (key.to_owned(), ts, value, text.map(str::to_owned), metadata.map(str::to_owned))
    };
    let expected = [
        row("t", 0, Some(1.5), None, None),
        row("t", 2, Some(2.5), None, Some(r#"{"who":"me"}"#)),
        row("t", hour - 1, Some(3.5), None, None),
        row("on", 5, None, None, None),
        row("note", 7, None, Some("hi"), None),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn annotations_are_of_the_scope_and_of_what_is_below_it() {
    let plant = Plant::open().await;
    plant.receive(&json!([reading("t", 0, &json!(1.5))])).await;
    let (app, who) = (&plant.app, &plant.who);
    let filter = StreamFilter { device: Some(plant.device), ..StreamFilter::default() };
    let stream = app.streams.streams(who, &filter).unwrap()[0].uuid;
    let site =
        app.documents.create_document(who, DocumentSpec::Site(SiteSpec::new("here"))).await.unwrap().uuid;
    let class = DocumentSpec::AnnotationClass(AnnotationClassSpec {
        key: "fault".to_owned(),
        name: "Fault".to_owned(),
        color: None,
        scopes: ScopeType::ALL.to_vec(),
        fields: Vec::new(),
        pack: None,
    });
    let class = app.documents.create_document(who, class).await.unwrap().uuid;
    let hour = 3600 * MICROS_PER_SECOND;
    let annotate = async |note: &str, scope_type, scope, start: i64, end: Option<i64>| {
        let at = |micros: i64| Micros(NOON.0 + micros);
        let spec = AnnotationSpec {
            class,
            scope_type,
            scope,
            start: at(start),
            end: end.map(at),
            values: Default::default(),
            source: AnnotationSource::Manual,
            confidence: None,
            note: Some(note.to_owned()),
        };
        let annotations = &app.parts.store.catalog().annotations;
        let made = annotations.create_annotation(who, spec, "me".to_owned()).await.unwrap();
        assert!(matches!(made, AnnotationChange::Done(_)), "{note}");
    };
    annotate("sensor", ScopeType::Sensor, stream, 5, None).await;
    annotate("device", ScopeType::Device, plant.uuid, -10, Some(1)).await;
    annotate("before", ScopeType::Device, plant.uuid, -10, Some(0)).await;
    annotate("after", ScopeType::Device, plant.uuid, hour, None).await;
    annotate("site", ScopeType::Site, site, 0, Some(2 * hour)).await;
    let rows = [
        (ExportScope::Sensor, stream, vec!["sensor"]),
        (ExportScope::Device, plant.uuid, vec!["device", "sensor"]),
        // The device is at no site.
        (ExportScope::Site, site, vec!["site"]),
    ];
    for (scope_type, scope, expected) in rows {
        let spec = ExportSpec { scope_type, scope, ..plant.request(scope_type, scope).await.spec };
        let mut notes = Vec::new();
        for mut list in app.exports.annotation_lists(who, &spec).unwrap() {
            loop {
                let found = app.exports.next_annotations(who, &mut list).await.unwrap();
                if found.is_empty() {
                    break;
                }
                let batch = annotations::batch(&annotations::schema(), &found).unwrap();
                assert_eq!(batch.num_rows(), found.len());
                notes.extend(found.into_iter().filter_map(|row| row.spec.note));
            }
        }
        assert_eq!(notes, expected, "{scope_type:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_of_what_was_deleted_fails_and_leaves_no_file() {
    let plant = Plant::open().await;
    plant.receive(&json!([reading("t", 0, &json!(1.5))])).await;
    let (stream, site) = {
        let filter = StreamFilter { device: Some(plant.device), ..StreamFilter::default() };
        let stream = plant.app.streams.streams(&plant.who, &filter).unwrap()[0].clone();
        let site = DocumentSpec::Site(SiteSpec::new("here"));
        (stream, plant.app.documents.create_document(&plant.who, site).await.unwrap())
    };
    let of_sensor = plant.request(ExportScope::Sensor, stream.uuid).await;
    let of_site = plant.request(ExportScope::Site, site.uuid).await;
    let of_device = plant.request(ExportScope::Device, plant.uuid).await;
    plant.app.streams.delete_stream(&plant.who, stream.id).await.unwrap();
    plant.app.documents.delete_document(&plant.who, site.spec.kind(), site.uuid).await.unwrap();
    for export in [&of_sensor, &of_site] {
        let failed = plant.write(export).await;
        assert_eq!(failed.status, ExportStatus::Failed);
        assert!(failed.error.contains("was deleted"), "{}", failed.error);
        assert!(plant.files().is_empty());
    }
    assert_eq!(plant.write(&of_device).await.status, ExportStatus::Ready, "the device is still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_interrupted_is_written_again() {
    let plant = Plant::open().await;
    plant.receive(&json!([reading("t", 0, &json!(1.5))])).await;
    let export = plant.request(ExportScope::Device, plant.uuid).await;
    let catalog = plant.app.parts.store.catalog();
    catalog.jobs.start_export(export.uuid).await.unwrap();
    // What a process leaves that was killed.
    std::fs::create_dir_all(plant.dir.path().join(EXPORT_DIR)).unwrap();
    let half = plant.dir.path().join(EXPORT_DIR).join(format!("{}.part", export.uuid));
    std::fs::write(&half, "half").unwrap();
    plant.app.exports.purge_exports(NOON).await.unwrap();
    assert_eq!(plant.files().len(), 1, "it may be written this moment");
    let ready = plant.write(&export).await;
    assert_eq!(ready.status, ExportStatus::Ready);
    assert_eq!(plant.files(), [export.uuid.to_string()]);
    assert_eq!(plant.read(&ready).0.iter().map(|batch| batch.num_rows()).sum::<usize>(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_export_has_failed_and_leaves_no_file() {
    let plant = Plant::open().await;
    plant.receive(&json!([reading("t", 0, &json!(1.5))])).await;
    let catalog = plant.app.parts.store.catalog();
    // Cancelled while it is written, and when all of it is written.
    for stops_worker in [true, false] {
        let export = plant.request(ExportScope::Device, plant.uuid).await;
        let started = catalog.jobs.start_export(export.uuid).await.unwrap();
        let jobs = plant.app.jobs.jobs(&plant.who, &JobFilter::default()).await.unwrap();
        assert_eq!((jobs[0].uuid, jobs[0].state), (export.uuid, JobState::Running));
        plant.app.jobs.cancel_job(&plant.who, jobs[0].id).await.unwrap();
        let cancel = CancellationToken::new();
        if stops_worker {
            cancel.cancel();
        }
        plant.app.exports.run_export(started, &cancel).await;
        assert!(plant.files().is_empty(), "{stops_worker}");
        let failed = plant.app.exports.export(&plant.who, export.uuid).await.unwrap();
        assert_eq!((failed.status, failed.error.as_str()), (ExportStatus::Failed, "cancelled"));
        let job = plant.app.jobs.job(&plant.who, jobs[0].id).await.unwrap();
        assert_eq!((job.state, job.error.as_str()), (JobState::Cancelled, ""));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_with_their_export_or_after_a_week() {
    let plant = Plant::open().await;
    let one = plant.write(&plant.request(ExportScope::Device, plant.uuid).await).await;
    let other = plant.write(&plant.request(ExportScope::Device, plant.uuid).await).await;
    let result = one.result.map(|result| ExportResult { size_bytes: 0, ..result });
    assert_eq!(result, Some(ExportResult::default()));
    std::fs::write(plant.dir.path().join(EXPORT_DIR).join(Uuid::from_u128(1).to_string()), "x").unwrap();
    plant.app.exports.purge_exports(plant.app.now()).await.unwrap();
    assert_eq!(plant.files().len(), 2, "the file of no export is gone");
    let link = plant.app.exports.export_link(&plant.who, &one).await.unwrap().unwrap();
    plant.app.exports.delete_export(&plant.who, one.uuid).await.unwrap();
    assert_eq!(plant.files(), [other.uuid.to_string()]);
    assert!(open(&plant.app, &link, one.uuid).await.is_err_and(|error| error.kind == Kind::NotFound));
    let later = Micros(plant.app.now().0 + KEPT_S * MICROS_PER_SECOND);
    plant.app.exports.purge_exports(later).await.unwrap();
    assert!(plant.files().is_empty());
    let expired = plant.app.exports.export(&plant.who, other.uuid).await.unwrap();
    assert_eq!(expired.status, ExportStatus::Expired);
    assert_eq!(plant.app.exports.export_link(&plant.who, &expired).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_for_one_file() {
    let plant = Plant::open().await;
    let one = plant.write(&plant.request(ExportScope::Device, plant.uuid).await).await;
    let other = plant.write(&plant.request(ExportScope::Device, plant.uuid).await).await;
    let link = plant.app.exports.export_link(&plant.who, &one).await.unwrap().unwrap();
    assert_eq!(open(&plant.app, &link, one.uuid).await.unwrap().export, one.uuid);
    let moved = link.path_and_query.replace(&one.uuid.to_string(), &other.uuid.to_string());
    let moved = ExportLink { path_and_query: moved, ..link };
    assert_eq!(open(&plant.app, &moved, other.uuid).await.unwrap_err().kind, Kind::Forbidden);
    let pending = plant.request(ExportScope::Device, plant.uuid).await;
    assert_eq!(plant.app.exports.export_link(&plant.who, &pending).await.unwrap(), None);
    assert_eq!(
        plant.app.exports.delete_export(&plant.who, pending.uuid).await.unwrap_err().kind,
        Kind::Conflict
    );
}

async fn open(app: &App, link: &ExportLink, uuid: Uuid) -> Result<ExportFile> {
    use crate::auth::signed_path::SignedQuery;
    let (path, query) = link.path_and_query.split_once('?').unwrap();
    let value = |name: &str| {
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    };
    let query = SignedQuery {
        date: value("X-Amz-Date"),
        expires: value("X-Amz-Expires"),
        signature: value("X-Amz-Signature"),
    };
    app.exports.open_export(path, query, uuid).await
}
