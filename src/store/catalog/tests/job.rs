//! Jobs: through their states, of one organization, bounded, and one with exports.

use std::collections::BTreeSet;

use serde_json::json;

use super::fixtures::*;
use crate::domain::caller::Caller;
use crate::domain::export::{CANCELLED, ExportContent, ExportResult, ExportScope, ExportSpec, ExportStatus};
use crate::domain::job::{
    ImportReport, ImportUnit, ImportedFile, Job, JobEnd, JobFilter, JobKind, JobState, JobSubject, KEPT_S,
    MAX_FINISHED, MAX_UNFINISHED, NO_REPORT, REPORT_TIMEOUT_S, RESTARTED,
};
use crate::domain::pagination::Pagination;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{DeviceId, KeyId, Kind, Micros, ModelId, Principal, Result};
use crate::store::catalog::Catalog;

fn of_model(device: DeviceId) -> JobSubject {
    JobSubject::Model { model: ModelId(7), device }
}

fn file() -> JobSubject {
    let name = "a.csv".to_owned();
    JobSubject::Import(ImportedFile { name, size: Some(10), unit: ImportUnit::Bytes })
}

fn export_of(scope: uuid::Uuid) -> ExportSpec {
    let includes = BTreeSet::from([ExportContent::Readings]);
    ExportSpec { scope_type: ExportScope::Device, scope, from: Micros(-5), to: Micros(5), includes }
}

async fn all(catalog: &Catalog, who: &Principal) -> Vec<Job> {
    catalog.jobs.jobs(who, &JobFilter::default()).await.unwrap()
}

fn is<T>(found: Result<T>, kind: Kind) -> bool {
    found.map(drop).unwrap_err().kind == kind
}

pub(super) async fn a_job_goes_through_its_states_and_outlives_a_restart(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let create = async || catalog.jobs.create_job(&admin, JobKind::Score, of_model(device)).await.unwrap();
    let (done, interrupted, waiting) = (create().await, create().await, create().await);
    assert_eq!((done.state, done.progress), (JobState::Queued, 0.0));
    assert!(
        is(catalog.jobs.end_job(done.id, JobEnd::Done(json!({}))).await, Kind::Conflict),
        "it has not begun"
    );
    for job in [&done, &interrupted] {
        catalog.jobs.start_job(job.id).await.unwrap();
        assert!(is(catalog.jobs.start_job(job.id).await, Kind::Conflict));
        catalog.jobs.set_job_progress(job.uuid, Some(0.25));
        assert_eq!(catalog.jobs.job(&admin, job.id).await.unwrap().progress, 0.25);
    }
    catalog.jobs.set_job_progress(interrupted.uuid, Some(7.0));
    catalog.jobs.set_job_progress(interrupted.uuid, Some(f64::NAN));
    assert_eq!(catalog.jobs.job_progress(interrupted.uuid), Some(1.0), "within its limits");
    catalog.jobs.set_job_progress(waiting.uuid, Some(0.5));
    assert_eq!(catalog.jobs.job_progress(waiting.uuid), None, "it does not run");
    catalog.jobs.set_job_progress(interrupted.uuid, Some(0.5));
    catalog.jobs.save_job_progress().await.unwrap();
    let ended = catalog.jobs.end_job(done.id, JobEnd::Done(json!({"windows": 3}))).await.unwrap();
    assert_eq!((ended.progress, ended.result.clone()), (1.0, Some(json!({"windows": 3}))));
    drop(catalog);
    let catalog = place.open().await;
    let before = all(&catalog, &admin).await;
    let states: Vec<_> = before.iter().map(|job| (job.id, job.state, job.progress)).collect();
    let expected = [
        (waiting.id, JobState::Queued, 0.0),
        (interrupted.id, JobState::Running, 0.5),
        (done.id, JobState::Done, 1.0),
    ];
    assert_eq!(states, expected);
    catalog.jobs.recover_jobs().await.unwrap();
    let after = all(&catalog, &admin).await;
    assert_eq!(after[2], ended, "what has ended is as it was");
    for job in &after[..2] {
        assert_eq!((job.state, job.error.as_str()), (JobState::Failed, RESTARTED));
        assert!(job.ended_at.is_some());
    }
    assert_eq!(catalog.jobs.job_state(done.id).await.unwrap(), Some(JobState::Done));
    catalog.devices.delete_device(&admin, device).await.unwrap();
    assert!(all(&catalog, &admin).await.is_empty());
    assert_eq!(catalog.jobs.job_state(done.id).await.unwrap(), None);
}

pub(super) async fn a_job_is_seen_with_its_subject(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let (a, b) = (device(&catalog, &ours, "a").await, device(&catalog, &ours, "b").await);
    let stream = stream(&catalog, &ours, a.id, "s").await;
    let (of_a, of_b) = (key(ours.org, Some(&[a.id]), None), key(ours.org, Some(&[b.id]), None));
    let of_stream = key(ours.org, None, Some(&[stream.id]));
    assert!(is(catalog.jobs.create_job(&of_b, JobKind::Score, of_model(a.id)).await, Kind::NotFound));
    let score = catalog.jobs.create_job(&ours, JobKind::Score, of_model(a.id)).await.unwrap();
    let export = catalog.jobs.create_export(&of_a, export_of(a.aliases.uuid), String::new()).await.unwrap();
    let whole = catalog.jobs.create_export(&ours, export_of(a.aliases.uuid), String::new()).await.unwrap();
    let import = catalog.jobs.create_job(&of_b, JobKind::Import, file()).await.unwrap();
    let jobs = all(&catalog, &ours).await;
    assert_eq!(
        jobs.iter().map(|job| job.uuid).collect::<Vec<_>>(),
        [import.uuid, whole.uuid, export.uuid, score.uuid]
    );
    // A key with lists sees an import if it is the same key: those of the fixtures are.
    let rows = [
        ("administrator", &ours, vec![0, 1, 2, 3]),
        ("device", &of_a, vec![0, 2, 3]),
        ("other_device", &of_b, vec![0]),
        ("stream", &of_stream, vec![0, 3]),
        ("other_organization", &theirs, vec![]),
    ];
    for (name, who, expected) in rows {
        let seen: Vec<_> = all(&catalog, who).await.into_iter().map(|job| job.id).collect();
        let expected: Vec<_> = expected.into_iter().map(|place: usize| jobs[place].id).collect();
        assert_eq!(seen, expected, "{name}");
        for job in &jobs {
            let is_seen = expected.contains(&job.id);
            assert_eq!(catalog.jobs.job(who, job.id).await.is_ok(), is_seen, "{name}: {job:?}");
            if !is_seen {
                assert!(is(catalog.jobs.cancel_job(who, job.id).await, Kind::NotFound), "{name}: {job:?}");
                let report = ImportReport::default();
                assert!(is(catalog.jobs.report_import(who, job.id, report).await, Kind::NotFound), "{name}");
            }
        }
    }
    let page = Pagination { offset: 1, limit: 1 };
    let filter = JobFilter { kind: Some(JobKind::Export), state: Some(JobState::Queued), page };
    assert_eq!(catalog.jobs.jobs(&ours, &filter).await.unwrap(), jobs[2..3]);
    assert_eq!(all(&catalog, &ours).await, jobs, "nobody has changed anything");
}

pub(super) async fn an_export_is_one_with_its_job(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.aliases.uuid;
    let create =
        async || catalog.jobs.create_export(&admin, export_of(device), String::new()).await.unwrap().uuid;
    let job = async |uuid: uuid::Uuid| {
        all(&catalog, &admin).await.into_iter().find(|job| job.uuid == uuid).unwrap()
    };
    let (ready, failed, waiting, running) = (create().await, create().await, create().await, create().await);
    for uuid in [ready, failed, running] {
        assert_eq!(catalog.jobs.job_progress(uuid), None);
        catalog.jobs.start_export(uuid).await.unwrap();
        assert_eq!((job(uuid).await.state, catalog.jobs.job_progress(uuid)), (JobState::Running, Some(0.0)));
    }
    let result = ExportResult { size_bytes: 3, reading_count: 2, annotation_count: 1 };
    catalog.jobs.finish_export(ready, Ok(result)).await.unwrap();
    catalog.jobs.finish_export(failed, Err("no".to_owned())).await.unwrap();
    let shown = json!({"size_bytes": 3, "readings": 2, "annotations": 1});
    assert_eq!((job(ready).await.state, job(ready).await.result), (JobState::Done, Some(shown)));
    assert_eq!((job(failed).await.state, job(failed).await.error), (JobState::Failed, "no".to_owned()));
    for uuid in [waiting, running] {
        let cancelled = catalog.jobs.cancel_job(&admin, job(uuid).await.id).await.unwrap();
        assert_eq!(cancelled.state, JobState::Cancelled);
        let export = catalog.jobs.export(&admin, uuid).await.unwrap();
        assert_eq!((export.status, export.error.as_str()), (ExportStatus::Failed, CANCELLED));
        assert!(export.completed_at.is_some());
        assert!(is(catalog.jobs.start_export(uuid).await, Kind::Conflict));
        assert!(is(catalog.jobs.finish_export(uuid, Ok(result)).await, Kind::Conflict), "it stays cancelled");
        assert_eq!(catalog.jobs.job_progress(uuid), None);
    }
    let unchanged = catalog.jobs.cancel_job(&admin, job(ready).await.id).await.unwrap();
    assert_eq!(unchanged.state, JobState::Done);
    assert_eq!(catalog.jobs.export(&admin, ready).await.unwrap().status, ExportStatus::Ready);
    let interrupted = create().await;
    catalog.jobs.start_export(interrupted).await.unwrap();
    drop(catalog);
    let catalog = place.open().await;
    catalog.jobs.recover_jobs().await.unwrap();
    let unfinished = catalog.jobs.unfinished_exports().await.unwrap();
    assert_eq!(unfinished.len(), 1, "it is written again");
    catalog.jobs.start_export(interrupted).await.unwrap();
    catalog.jobs.finish_export(interrupted, Ok(result)).await.unwrap();
    assert_eq!(all(&catalog, &admin).await[0].state, JobState::Done);
}

pub(super) async fn an_import_ends_with_its_report_or_without_one(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let create = async || catalog.jobs.create_job(&admin, JobKind::Import, file()).await.unwrap();
    let (reported, silent, cancelled) = (create().await, create().await, create().await);
    assert_eq!((reported.state, reported.subject.clone()), (JobState::Running, file()));
    let progress = |part| ImportReport { progress: Some(part), end: None };
    let job = catalog.jobs.report_import(&admin, reported.id, progress(0.5)).await.unwrap();
    assert_eq!((job.state, job.progress), (JobState::Running, 0.5));
    catalog.jobs.cancel_job(&admin, cancelled.id).await.unwrap();
    let refused = catalog.jobs.report_import(&admin, cancelled.id, progress(0.5)).await.unwrap_err();
    assert_eq!((refused.kind, refused.message.as_str()), (Kind::Conflict, "the job was cancelled"));
    let device = device(&catalog, &admin, "d").await.id;
    let score = catalog.jobs.create_job(&admin, JobKind::Score, of_model(device)).await.unwrap();
    assert!(is(catalog.jobs.report_import(&admin, score.id, progress(0.5)).await, Kind::Conflict));
    // The one that is reported is reported later than the other by some steps of the clock.
    let last = catalog.jobs.job(&admin, reported.id).await.unwrap().reported_at.unwrap();
    let before = Micros(last.0 - 1 + REPORT_TIMEOUT_S * MICROS_PER_SECOND);
    assert_eq!(catalog.jobs.fail_abandoned_imports(Micros(before.0 - 1_000)).await.unwrap(), 0);
    assert_eq!(catalog.jobs.fail_abandoned_imports(before).await.unwrap(), 1);
    let failed = catalog.jobs.job(&admin, silent.id).await.unwrap();
    assert_eq!((failed.state, failed.error.as_str()), (JobState::Failed, NO_REPORT));
    let end = Some(JobEnd::Done(json!({"rows": 5})));
    let done = catalog.jobs.report_import(&admin, reported.id, ImportReport { progress: None, end }).await;
    assert_eq!(done.unwrap().state, JobState::Done);
    let interrupted = create().await;
    drop(catalog);
    let catalog = place.open().await;
    catalog.jobs.recover_jobs().await.unwrap();
    let job = catalog.jobs.report_import(&admin, interrupted.id, progress(0.75)).await.unwrap();
    assert_eq!((job.state, job.progress), (JobState::Running, 0.75), "its sender goes on");
}

pub(super) async fn jobs_are_bounded(place: TestDatabase) {
    let catalog = place.open().await;
    let (admin, theirs) = (admin(&catalog), other_org(&catalog).await);
    let create = async || catalog.jobs.create_job(&admin, JobKind::Import, file()).await;
    let mut ids = Vec::new();
    for _ in 0..MAX_UNFINISHED {
        ids.push(create().await.unwrap().id);
    }
    assert_eq!(create().await.unwrap_err().kind, Kind::Throttled);
    catalog.jobs.create_job(&theirs, JobKind::Import, file()).await.unwrap();
    // Security review 10: one caller leaves room for the others of its organization.
    let first = key(theirs.org, None, None);
    let second = Principal { caller: Caller::Key(KeyId(77)), ..first.clone() };
    let mut own = 0;
    while catalog.jobs.create_job(&first, JobKind::Import, file()).await.is_ok() {
        own += 1;
    }
    assert_eq!(own, 50, "of 100, one of which the server has");
    catalog.jobs.create_job(&second, JobKind::Import, file()).await.unwrap();
    let end = async |id| catalog.jobs.end_job(id, JobEnd::Done(json!({}))).await.unwrap();
    for id in &ids {
        end(*id).await;
    }
    for _ in ids.len()..MAX_FINISHED {
        end(create().await.unwrap().id).await;
    }
    assert_eq!(all(&catalog, &admin).await.len(), MAX_FINISHED);
    let newest = create().await.unwrap();
    let left = all(&catalog, &admin).await;
    assert_eq!((left.len(), left[0].id), (MAX_FINISHED, newest.id));
    assert!(!left.iter().any(|job| job.id == ids[0]), "the oldest made room");
    let ended = left[1].ended_at.unwrap();
    catalog.jobs.purge_jobs(Micros(ended.0 + KEPT_S * MICROS_PER_SECOND)).await.unwrap();
    assert_eq!(all(&catalog, &admin).await, [newest], "what runs is kept");
    assert_eq!(all(&catalog, &theirs).await.len(), 1 + own + 1);
}
