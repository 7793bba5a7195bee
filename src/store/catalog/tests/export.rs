//! Exports: of one organization, through their states, bounded, and back after a restart.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::fixtures::*;
use crate::domain::document::{DocumentSpec, SiteSpec};
use crate::domain::export::{
    Export, ExportContent, ExportResult, ExportScope, ExportSpec, ExportStatus, KEPT_S, MAX_PER_ORG,
    MAX_UNFINISHED_PER_ORG,
};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Kind, Micros};
use crate::store::catalog::NewDocument;

fn spec(scope_type: ExportScope, scope: Uuid) -> ExportSpec {
    let includes = BTreeSet::from([ExportContent::Readings, ExportContent::Annotations]);
    ExportSpec { scope_type, scope, from: Micros(-5), to: Micros(5), includes }
}

pub(super) async fn an_export_goes_through_its_states_and_outlives_a_restart(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.aliases.uuid;
    let spec = spec(ExportScope::Device, device);
    let created = catalog.jobs.create_export(&admin, spec.clone(), "someone".to_owned()).await.unwrap();
    assert_eq!((created.status, &created.spec, created.result), (ExportStatus::Pending, &spec, None));
    let conflict = |found: crate::domain::Result<_>| found.map(drop).unwrap_err().kind == Kind::Conflict;
    assert!(
        conflict(catalog.jobs.finish_export(created.uuid, Err("x".to_owned())).await),
        "it is not started"
    );
    assert!(conflict(catalog.jobs.delete_export(&admin, created.uuid).await));
    catalog.jobs.start_export(created.uuid).await.unwrap();
    drop(catalog);
    let catalog = place.open().await;
    let unfinished = catalog.jobs.unfinished_exports().await.unwrap();
    assert_eq!(unfinished.len(), 1);
    assert_eq!((unfinished[0].status, &unfinished[0].spec), (ExportStatus::Running, &spec));
    assert_eq!(catalog.jobs.start_export(created.uuid).await.unwrap(), unfinished[0], "it is written again");
    assert!(conflict(catalog.jobs.delete_export(&admin, created.uuid).await));
    let result = ExportResult { size_bytes: 3, reading_count: 2, annotation_count: 1 };
    let ready = catalog.jobs.finish_export(created.uuid, Ok(result)).await.unwrap();
    assert_eq!((ready.status, ready.result), (ExportStatus::Ready, Some(result)));
    assert!(conflict(catalog.jobs.start_export(created.uuid).await));
    assert_eq!(catalog.jobs.exports_with_files().await.unwrap().len(), 1);
    let completed = ready.completed_at.unwrap();
    let over = Micros(completed.0 + KEPT_S * MICROS_PER_SECOND);
    assert_eq!(catalog.jobs.expire_exports(Micros(over.0 - 1), |_| true).await.unwrap(), 0);
    assert_eq!(
        catalog.jobs.expire_exports(completed, |_| false).await.unwrap(),
        0,
        "its file was just written"
    );
    assert_eq!(catalog.jobs.expire_exports(over, |_| true).await.unwrap(), 1);
    let expired = catalog.jobs.export(&admin, created.uuid).await.unwrap();
    assert_eq!((expired.status, expired.result), (ExportStatus::Expired, Some(result)));
    assert!(catalog.jobs.exports_with_files().await.unwrap().is_empty());
    catalog.jobs.delete_export(&admin, created.uuid).await.unwrap();
    assert_eq!(catalog.jobs.delete_export(&admin, created.uuid).await.unwrap_err().kind, Kind::NotFound);
}

pub(super) async fn an_export_whose_file_is_lost_expires(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.aliases.uuid;
    let mut exports = Vec::new();
    for _ in 0..2 {
        let created =
            catalog.jobs.create_export(&admin, spec(ExportScope::Device, device), String::new()).await;
        let uuid = created.unwrap().uuid;
        catalog.jobs.start_export(uuid).await.unwrap();
        exports.push(catalog.jobs.finish_export(uuid, Ok(ExportResult::default())).await.unwrap());
    }
    let later = Micros(exports[1].completed_at.unwrap().0 + 3601 * MICROS_PER_SECOND);
    assert_eq!(catalog.jobs.expire_exports(later, |uuid| uuid == exports[0].uuid).await.unwrap(), 1);
    let status = async |export: &Export| catalog.jobs.export(&admin, export.uuid).await.unwrap().status;
    assert_eq!(status(&exports[0]).await, ExportStatus::Ready);
    assert_eq!(status(&exports[1]).await, ExportStatus::Expired);
}

pub(super) async fn an_export_is_of_what_its_requester_sees(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let (a, b) = (device(&catalog, &ours, "a").await, device(&catalog, &ours, "b").await);
    let stream = stream(&catalog, &ours, a.id, "s").await;
    let site = NewDocument::new(DocumentSpec::Site(SiteSpec::new("here")));
    catalog.documents.create_documents(&ours, vec![site.clone()]).await.unwrap();
    let of_a = key(ours.org, Some(&[a.id]), None);
    let of_stream = key(ours.org, None, Some(&[stream.id]));
    let rows = [
        ("device", spec(ExportScope::Device, a.aliases.uuid), &ours, true),
        ("own_device", spec(ExportScope::Device, a.aliases.uuid), &of_a, true),
        ("other_device", spec(ExportScope::Device, b.aliases.uuid), &of_a, false),
        ("foreign_device", spec(ExportScope::Device, a.aliases.uuid), &theirs, false),
        ("stream", spec(ExportScope::Sensor, stream.uuid), &of_stream, true),
        ("foreign_stream", spec(ExportScope::Sensor, stream.uuid), &theirs, false),
        ("site", spec(ExportScope::Site, site.uuid), &ours, true),
        ("foreign_site", spec(ExportScope::Site, site.uuid), &theirs, false),
        ("of_another_kind", spec(ExportScope::Component, site.uuid), &ours, false),
    ];
    for (name, spec, who, expected) in rows {
        let created = catalog.jobs.create_export(who, spec, String::new()).await;
        let problem = created.as_ref().err().map(|error| error.fields[0].field.clone().into_owned());
        assert_eq!(problem, (!expected).then(|| "scope".to_owned()), "{name}");
    }
    let count = async |who| catalog.jobs.exports(who).await.unwrap().len();
    assert_eq!((count(&ours).await, count(&theirs).await), (4, 0));
    assert_eq!((count(&of_a).await, count(&of_stream).await), (1, 1));
    for export in catalog.jobs.exports(&ours).await.unwrap() {
        let hidden = |found: crate::domain::Result<_>| found.map(drop).unwrap_err().kind == Kind::NotFound;
        assert!(hidden(catalog.jobs.export(&theirs, export.uuid).await));
        assert!(hidden(catalog.jobs.delete_export(&theirs, export.uuid).await));
        assert_eq!(catalog.jobs.export(&of_a, export.uuid).await.is_ok(), export.access.devices.is_some());
    }
}

pub(super) async fn exports_are_bounded(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.aliases.uuid;
    let create_for = async |requester: usize| {
        let requester = format!("user {requester}");
        catalog.jobs.create_export(&admin, spec(ExportScope::Device, device), requester).await
    };
    // Security review 10: one caller leaves room for the others of its organization.
    for _ in 0..MAX_UNFINISHED_PER_ORG / 2 {
        create_for(0).await.unwrap();
    }
    let refused = create_for(0).await.unwrap_err();
    assert!(refused.kind == Kind::LimitReached && refused.message.contains("yours"), "{refused:?}");
    for other in 1..=MAX_UNFINISHED_PER_ORG / 2 {
        create_for(other).await.unwrap();
    }
    let create = async || create_for(99).await;
    assert_eq!(create().await.unwrap_err().kind, Kind::LimitReached);
    let finish = async |uuid, end| {
        catalog.jobs.start_export(uuid).await.unwrap();
        catalog.jobs.finish_export(uuid, end).await.unwrap();
    };
    let all = catalog.jobs.unfinished_exports().await.unwrap();
    for export in &all[1..] {
        finish(export.uuid, Ok(ExportResult::default())).await;
    }
    finish(all[0].uuid, Err("no".to_owned())).await;
    for _ in all.len()..MAX_PER_ORG {
        let uuid = create().await.unwrap().uuid;
        finish(uuid, Ok(ExportResult::default())).await;
    }
    let newest = create().await.unwrap();
    let left = catalog.jobs.exports(&admin).await.unwrap();
    assert_eq!(left.len(), MAX_PER_ORG);
    assert!(!left.iter().any(|export| export.uuid == all[0].uuid), "the failed one made room");
    finish(newest.uuid, Ok(ExportResult::default())).await;
    assert_eq!(create().await.unwrap_err().kind, Kind::LimitReached, "every one has a file");
}
