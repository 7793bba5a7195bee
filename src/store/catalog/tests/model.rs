//! Tests of models: uploads, versions, visibility, and scoring progress.

use serde_json::json;

use super::fixtures::*;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::event::EventFilter;
use crate::domain::model::{
    Anomaly, LateRange, MAX_VERSIONS, ModelFileInfo, ModelFiles, ModelKind, ModelProgress, ModelSettings,
    ThresholdRun, UploadedModel,
};
use crate::domain::pagination::Pagination;
use crate::domain::{Micros, ModelId, Principal, Result, StreamId};
use crate::store::catalog::{AnomalyEventChange, Catalog, ModelUpload, UploadTarget};

pub(super) fn upload(target: UploadTarget, sources: &[StreamId], content: u8) -> ModelUpload {
    let file =
        |name: &str| ModelFileInfo { name: name.to_owned(), size_bytes: 2, sha256: format!("{content}") };
    let mut settings = ModelSettings::new(ModelKind::LstmAe, sources.to_vec());
    settings.threshold = Some(f64::from(content));
    let files = ModelFiles { model: vec![content, 1], scaler: vec![content, 2] };
    ModelUpload { target, settings, model: file("m.tflite"), scaler: file("s.pkl"), files }
}

pub(super) fn new_device(name: &str) -> UploadTarget {
    let device = DeviceSpec::new(name, Protocol::Ai);
    UploadTarget::Device { device, stream: format!("{name} score") }
}

/// Creates a source stream of the administrator's, and a model over it.
pub(super) async fn upload_new_model(catalog: &Catalog, who: &Principal) -> (StreamId, UploadedModel) {
    let device = device(catalog, who, "plant").await.id;
    let source = stream(catalog, who, device, "s").await.id;
    let made = catalog.models.upload_model(who, upload(new_device("watch"), &[source], 1)).await.unwrap();
    (source, made)
}

fn page() -> EventFilter {
    EventFilter { page: Pagination::ALL, ..EventFilter::default() }
}

pub(super) async fn an_upload_makes_what_is_missing_or_nothing(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (source, made) = upload_new_model(&catalog, &admin).await;
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(catalog.models.model(&admin, made.model.id).unwrap(), made.model);
        assert_eq!(catalog.devices.device(&admin, made.device.id).unwrap(), made.device);
        assert_eq!(catalog.streams.stream(&admin, made.stream.id).unwrap(), made.stream);
        let files = catalog.models.model_files(&admin, made.model.id, 1).await.unwrap();
        assert_eq!((files.model, files.scaler), (vec![1, 1], vec![1, 2]));
    }
    assert_eq!(made.device.spec.metadata["source"], source.0);
    assert_eq!(made.device.spec.metadata["threshold"], 1.0);

    let plant = catalog.streams.stream(&admin, source).unwrap().spec.device;
    let gauge = stream(&catalog, &admin, plant, "gauge").await.id;
    let on_plant = UploadTarget::Stream { device: plant, stream: "score".to_owned() };
    for (target, sources, expected) in [
        (new_device("other"), vec![StreamId(99)], "source: Invalid pk \"99\" - object does not exist."),
        (new_device("watch"), vec![source], "name: This field must be unique."),
        (on_plant, vec![source], "device_id: Device is not an AI device."),
        (UploadTarget::Existing(gauge), vec![source], "data_id: Device is not an AI device."),
        (new_device("other"), vec![], "source: This field is required."),
        (new_device("other"), vec![source, source], "source: Data 1 is named twice."),
    ] {
        let refused =
            catalog.models.check_upload(&admin, &target, &upload(target.clone(), &sources, 2).settings);
        assert_eq!(refusal(refused), invalid(&[expected]));
        let refused = catalog.models.upload_model(&admin, upload(target, &sources, 2)).await;
        assert_eq!(refusal(refused), invalid(&[expected]));
    }
    assert_eq!(catalog.devices.devices(&admin, &DeviceFilter::default()).len(), 2, "the plant and the watch");
    assert_eq!(catalog.models.models(&admin).len(), 1);
}

pub(super) async fn versions_come_back_and_the_oldest_go(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (source, made) = upload_new_model(&catalog, &admin).await;
    let (id, target) = (made.model.id, UploadTarget::Existing(made.stream.id));
    let last = u8::try_from(MAX_VERSIONS).unwrap() + 2;
    for content in 2..=last {
        let next =
            catalog.models.upload_model(&admin, upload(target.clone(), &[source], content)).await.unwrap();
        assert_eq!((next.model.id, next.model.version.number), (id, i32::from(content)));
    }
    let numbers = |versions: Vec<_>| -> Vec<i32> {
        versions.iter().map(|version: &crate::domain::model::ModelVersion| version.number).collect()
    };
    let kept = numbers(catalog.models.model_versions(&admin, id).await.unwrap());
    assert_eq!(kept, (3..=i32::from(last)).rev().collect::<Vec<_>>());
    assert_eq!(refusal(catalog.models.model_files(&admin, id, 2).await.map(drop)), not_found());

    let back = catalog.models.roll_back_model(&admin, id, None).await.unwrap();
    assert_eq!(back.version.number, i32::from(last) - 1);
    assert_eq!(back.version.settings.threshold, Some(f64::from(last - 1)));
    let device = place.open().await.devices.device(&admin, made.device.id).unwrap();
    assert_eq!(device.spec.metadata["threshold"], f64::from(last - 1), "the device says what runs");
    let named = catalog.models.roll_back_model(&admin, id, Some(3)).await.unwrap();
    assert_eq!(place.open().await.models.model(&admin, id).unwrap(), named);
    let none = catalog.models.roll_back_model(&admin, id, Some(2)).await;
    assert_eq!(refusal(none), invalid(&["version: There is no version 2 of this model."]));
    // Version numbers are not reused.
    let next = catalog.models.upload_model(&admin, upload(target, &[source], 7)).await.unwrap();
    assert_eq!(next.model.version.number, i32::from(last) + 1);
}

pub(super) async fn a_model_goes_with_its_stream_and_without_it(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (source, made) = upload_new_model(&catalog, &admin).await;
    catalog.models.delete_model(&admin, made.model.id).await.unwrap();
    assert!(catalog.streams.stream(&admin, made.stream.id).is_ok(), "the scores stay");
    let again = upload(UploadTarget::Existing(made.stream.id), &[source], 2);
    let again = catalog.models.upload_model(&admin, again).await.unwrap();
    assert_ne!(again.model.id, made.model.id);
    catalog.devices.delete_device(&admin, made.device.id).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        for id in [made.model.id, again.model.id] {
            assert_eq!(refusal(catalog.models.model(&admin, id)), not_found());
        }
        assert!(catalog.models.all_models().is_empty());
    }
}

pub(super) async fn models_of_another_organization_do_not_exist(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let (source, made) = upload_new_model(&catalog, &ours).await;
    let id = made.model.id;
    assert!(catalog.models.models(&theirs).is_empty());
    assert_eq!(refusal(catalog.models.model(&theirs, id)), not_found());
    assert_eq!(refusal(catalog.models.model_versions(&theirs, id).await), not_found());
    assert_eq!(refusal(catalog.models.model_files(&theirs, id, 1).await.map(drop)), not_found());
    assert_eq!(refusal(catalog.models.update_model(&theirs, id, |_, _| {}).await), not_found());
    assert_eq!(refusal(catalog.models.roll_back_model(&theirs, id, None).await), not_found());
    assert_eq!(refusal(catalog.models.delete_model(&theirs, id).await), not_found());
    let stolen = catalog.models.upload_model(&theirs, upload(new_device("watch"), &[source], 2)).await;
    assert_eq!(refusal(stolen), invalid(&["source: Invalid pk \"1\" - object does not exist."]));
}

pub(super) async fn a_model_tells_no_source_that_is_not_seen(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (source, made) = upload_new_model(&catalog, &admin).await;
    let sources = |who: &Principal| -> Result<Vec<StreamId>> {
        Ok(catalog.models.model(who, made.model.id)?.version.settings.sources.clone())
    };
    let watcher = key(admin.org, Some(&[made.device.id]), None);
    assert_eq!(sources(&watcher).unwrap(), []);
    assert_eq!(catalog.models.model_versions(&watcher, made.model.id).await.unwrap()[0].settings.sources, []);
    assert_eq!(sources(&key(admin.org, Some(&[made.device.id]), Some(&[source]))).unwrap(), [source]);
    let stranger = key(admin.org, None, Some(&[source]));
    assert_eq!(refusal(sources(&stranger)), not_found());
    assert!(catalog.models.models(&stranger).is_empty());
    // A principal that sees the scores sees the model, but may not change it.
    let reader = key(admin.org, None, Some(&[made.stream.id]));
    assert!(sources(&reader).is_ok());
    assert!(catalog.models.delete_model(&reader, made.model.id).await.is_err());
    let reader = key(admin.org, None, Some(&[made.stream.id, source]));
    let unseen = device(&catalog, &admin, "unseen").await.id;
    let of = |device| UploadTarget::Stream { device, stream: "more".to_owned() };
    for target in [UploadTarget::Existing(made.stream.id), of(made.device.id)] {
        let refused = catalog.models.upload_model(&reader, upload(target, &[source], 2)).await;
        assert_eq!(refusal(refused), forbidden());
    }
    let refused = catalog.models.upload_model(&reader, upload(of(unseen), &[source], 2)).await;
    let absent = format!("device_id: Invalid pk \"{unseen}\" - object does not exist.");
    assert_eq!(refusal(refused), invalid(&[&absent]));
    assert!(
        catalog.models.update_model(&watcher, made.model.id, |enabled, _| *enabled = false).await.is_ok()
    );
    assert_eq!(sources(&admin).unwrap(), [source], "what a watcher changes keeps its sources");
}

pub(super) async fn the_metadata_of_an_ai_device_tells_no_source_that_is_not_seen(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (source, made) = upload_new_model(&catalog, &admin).await;
    let plant = catalog.streams.stream(&admin, source).unwrap().spec.device;
    let other = stream(&catalog, &admin, plant, "t").await.id;
    let both = upload(UploadTarget::Existing(made.stream.id), &[source, other], 2);
    catalog.models.upload_model(&admin, both).await.unwrap();
    let id = made.device.id;
    let watcher = key(admin.org, Some(&[id]), None);
    let half = key(admin.org, Some(&[id]), Some(&[source]));
    let (all, none) = (json!([source.0, other.0]), json!([]));
    // The second catalog loads the row from the database.
    for catalog in [&catalog, &place.open().await] {
        for (name, who, expected) in
            [("all", &admin, &all), ("one", &half, &json!([source.0])), ("none", &watcher, &none)]
        {
            let listed = catalog.devices.devices(who, &DeviceFilter::default());
            let listed = listed.into_iter().find(|device| device.id == id).unwrap();
            for device in [listed, catalog.devices.device(who, id).unwrap()] {
                assert_eq!(&device.spec.metadata["source"], expected, "{name}");
            }
        }
    }
    let renamed =
        catalog.devices.update_device(&watcher, id, |spec| spec.name = "seen".to_owned()).await.unwrap();
    assert_eq!(renamed.spec.metadata["source"], none);
    assert_eq!(catalog.devices.device(&admin, id).unwrap().spec.metadata["source"], all, "and they are kept");
    let paused =
        catalog.models.update_model(&watcher, made.model.id, |enabled, _| *enabled = false).await.unwrap();
    assert_eq!(paused.version.settings.sources, []);
    let back = catalog.models.roll_back_model(&watcher, made.model.id, None).await.unwrap();
    assert_eq!(back.version.settings.sources, []);
    // A single source is written as a number.
    assert_eq!(catalog.devices.device(&admin, id).unwrap().spec.metadata["source"], json!(source.0));
    assert_eq!(catalog.devices.device(&watcher, id).unwrap().spec.metadata["source"], none);
    assert_eq!(catalog.devices.device(&half, id).unwrap().spec.metadata["source"], json!(source.0));
}

pub(super) async fn no_model_is_fed_with_its_own_scores(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (_, first) = upload_new_model(&catalog, &admin).await;
    let second = upload(new_device("second"), &[first.stream.id], 2);
    let second = catalog.models.upload_model(&admin, second).await.unwrap();
    for source in [first.stream.id, second.stream.id] {
        let circle = upload(UploadTarget::Existing(first.stream.id), &[source], 3);
        let refused = refusal(catalog.models.upload_model(&admin, circle).await);
        assert_eq!(refused, invalid(&["source: A model may not be fed with its own scores."]));
    }
}

pub(super) async fn progress_and_its_event_are_one(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (_, made) = upload_new_model(&catalog, &admin).await;
    let id = made.model.id;
    assert_eq!(catalog.models.model_progress(id).await.unwrap(), Some(ModelProgress::default()));
    let above = ThresholdRun { since: Micros(5_000_000), windows: 2, peak: 3.5, peak_at: Micros(6_000_000) };
    let run = ModelProgress {
        position: Some(Micros(6_000_000)),
        run: Some(above),
        late: Some(LateRange { oldest: Micros(-7), newest: Micros(1) }),
        consumed_seq: Some(u64::MAX),
        open_anomaly: None,
    };
    catalog.models.save_progress(vec![(id, run), (ModelId(99), run)]).await.unwrap();
    assert_eq!(place.open().await.models.model_progress(id).await.unwrap(), Some(run));
    assert_eq!(catalog.models.model_progress(ModelId(99)).await.unwrap(), None);

    let anomaly = Anomaly { since: above.since, peak: above.peak, ended_at: None };
    let opened = AnomalyEventChange::Opened { event: anomaly.event(&made.model, "Watch"), above };
    let progress = catalog
        .models
        .record_anomaly(admin.org, id, ModelProgress { run: None, ..run }, opened)
        .await
        .unwrap();
    let (event, kept) = progress.open_anomaly.expect("it is open");
    assert_eq!(kept, above);
    assert_eq!(place.open().await.models.model_progress(id).await.unwrap(), Some(progress));
    assert_eq!(catalog.events.event(&admin, event).await.unwrap().spec.payload["peak"], 3.5);

    let ended = Anomaly { peak: 9.0, ended_at: Some(Micros(9_000_000)), ..anomaly };
    let spec = ended.event(&made.model, "Watch");
    let closed = AnomalyEventChange::Changed { event, message: spec.message, payload: spec.payload };
    let progress = ModelProgress { open_anomaly: None, ..progress };
    catalog.models.record_anomaly(admin.org, id, progress, closed.clone()).await.unwrap();
    let events = catalog.events.events(&admin, &page()).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].spec.payload["ended_at"], "1970-01-01T00:00:09Z");
    // A deleted event is not created again.
    catalog.events.delete_event(&admin, event).await.unwrap();
    catalog.models.record_anomaly(admin.org, id, progress, closed).await.unwrap();
    assert!(catalog.events.events(&admin, &page()).await.unwrap().is_empty());
}
