//! Annotations, their classes and reference pairs: storage, overlaps, references, visibility.

use std::sync::Arc;

use serde_json::{Map, json};
use uuid::Uuid;

use super::fixtures::*;
use crate::domain::annotation::{
    Annotation, AnnotationFilter, AnnotationSort, AnnotationSource, AnnotationSpec, ScopeType,
};
use crate::domain::document::{
    AnnotationClassSpec, AnnotationField, AnnotationFieldType, ComponentSpec, Document, DocumentKind,
    DocumentSpec, ReferencePairSpec, SiteSpec,
};
use crate::domain::pagination::Pagination;
use crate::domain::{DeviceId, Kind, Micros, Principal, Result};
use crate::store::catalog::{AnnotationChange, Catalog, NewDocument, OrgLimits};

async fn document(catalog: &Catalog, who: &Principal, spec: DocumentSpec) -> Result<Arc<Document>> {
    let made = catalog.documents.create_documents(who, vec![NewDocument::new(spec)]).await?;
    Ok(Arc::clone(&made[0]))
}

async fn class(catalog: &Catalog, who: &Principal, key: &str) -> Uuid {
    let field = AnnotationField {
        name: "hours".to_owned(),
        field_type: AnnotationFieldType::Number,
        required: false,
        options: Vec::new(),
    };
    let spec = AnnotationClassSpec {
        key: key.to_owned(),
        name: key.to_owned(),
        color: None,
        scopes: ScopeType::ALL.into(),
        fields: vec![field],
        pack: None,
    };
    document(catalog, who, DocumentSpec::AnnotationClass(spec)).await.unwrap().uuid
}

async fn component(catalog: &Catalog, who: &Principal, device: DeviceId, key: &str) -> Arc<Document> {
    let (key, name) = (key.to_owned(), key.to_owned());
    let spec = ComponentSpec { device, key, name, sensor_profile: None, metadata: Map::new() };
    document(catalog, who, DocumentSpec::Component(spec)).await.unwrap()
}

fn spec(class: Uuid, scope: (ScopeType, Uuid), start: i64, end: Option<i64>) -> AnnotationSpec {
    AnnotationSpec {
        class,
        scope_type: scope.0,
        scope: scope.1,
        start: Micros(start),
        end: end.map(Micros),
        values: Map::new(),
        source: AnnotationSource::Manual,
        confidence: None,
        note: None,
    }
}

async fn annotate(catalog: &Catalog, who: &Principal, spec: AnnotationSpec) -> Result<Annotation> {
    match catalog.annotations.create_annotation(who, spec, "tester".to_owned()).await? {
        AnnotationChange::Done(made) => Ok(*made),
        AnnotationChange::Refused(problems) => panic!("{problems:?}"),
    }
}

/// Begins of the annotations of a list.
async fn starts(catalog: &Catalog, who: &Principal, filter: AnnotationFilter) -> Vec<i64> {
    let rows = catalog.annotations.annotations(who, &filter).await.unwrap();
    rows.iter().map(|row| row.spec.start.0).collect()
}

pub(super) async fn an_annotation_comes_back_as_it_was_given(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let (class, device) = (class(&catalog, &who, "fault").await, device(&catalog, &who, "d").await);
    let scope = (ScopeType::Device, device.aliases.uuid);
    let first = AnnotationSpec {
        values: json!({"hours": 1.5}).as_object().cloned().unwrap(),
        source: AnnotationSource::Ml,
        confidence: Some(0.25),
        note: Some("worn".to_owned()),
        ..spec(class, scope, 5, Some(9))
    };
    let made = annotate(&catalog, &who, first.clone()).await.unwrap();
    assert_eq!((&made.spec, made.class_key.as_str(), made.created_by.as_str()), (&first, "fault", "tester"));
    assert_eq!((made.place.device, made.place.stream, made.place.document), (Some(device.id), None, None));
    drop(catalog);
    let catalog = place.open().await;
    assert_eq!(catalog.annotations.annotation(&who, made.uuid).await.unwrap(), made);
    let other = spec(class, scope, 6, None);
    let refuse = |_: &Annotation| Err(crate::domain::Error::conflict("not now"));
    let refused = catalog.annotations.update_annotation(&who, made.uuid, other.clone(), refuse).await;
    assert_eq!(refusal(refused).0, Kind::Conflict);
    let changed =
        catalog.annotations.update_annotation(&who, made.uuid, other.clone(), |_| Ok(())).await.unwrap();
    let AnnotationChange::Done(changed) = changed else { panic!("{changed:?}") };
    assert_eq!((&changed.spec, changed.created_at), (&other, made.created_at));
    let wrong = AnnotationSpec { values: json!({"days": 1}).as_object().cloned().unwrap(), ..other.clone() };
    let wrong = catalog.annotations.create_annotation(&who, wrong, String::new()).await.unwrap();
    assert!(matches!(wrong, AnnotationChange::Refused(problems) if problems[0].field == "values.days"));
    let unknown = spec(Uuid::nil(), (ScopeType::Site, device.aliases.uuid), 5, None);
    assert_eq!(
        refusal(annotate(&catalog, &who, unknown).await),
        invalid(&["class: does not exist", "scope: does not exist"])
    );
    catalog.annotations.delete_annotation(&who, made.uuid).await.unwrap();
    assert_eq!(refusal(catalog.annotations.delete_annotation(&who, made.uuid).await), not_found());
    assert_eq!(refusal(catalog.annotations.annotation(&who, made.uuid).await), not_found());
}

pub(super) async fn an_organization_has_no_more_annotations_than_it_may(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    catalog.orgs.set_org_limits(OrgLimits { annotations: 2, ..OrgLimits::default() });
    for who in [&ours, &theirs] {
        let class = class(&catalog, who, "fault").await;
        let device = device(&catalog, who, "press").await;
        let of_device = |start| spec(class, (ScopeType::Device, device.aliases.uuid), start, None);
        let first = annotate(&catalog, who, of_device(1)).await.unwrap();
        annotate(&catalog, who, of_device(2)).await.unwrap();
        let (kind, message) = {
            let error = annotate(&catalog, who, of_device(3)).await.expect_err("a third one");
            (error.kind, error.message.to_string())
        };
        assert_eq!(kind, Kind::LimitReached, "{message}");
        assert!(message.contains("limits.annotations"), "{message}");
        assert_eq!(starts(&catalog, who, AnnotationFilter::default()).await.len(), 2, "nothing is stored");
        catalog.annotations.update_annotation(who, first.uuid, of_device(9), |_| Ok(())).await.unwrap();
        // What is deleted makes room, also when it goes with its device.
        catalog.annotations.delete_annotation(who, first.uuid).await.unwrap();
        annotate(&catalog, who, of_device(4)).await.unwrap();
        catalog.devices.delete_device(who, device.id).await.unwrap();
        let device = self::device(&catalog, who, "another").await;
        let of_device = |start| spec(class, (ScopeType::Device, device.aliases.uuid), start, None);
        annotate(&catalog, who, of_device(5)).await.unwrap();
    }
    drop(catalog);
    // Those of before a restart count too.
    let catalog = place.open().await;
    catalog.orgs.set_org_limits(OrgLimits { annotations: 1, ..OrgLimits::default() });
    let class = class(&catalog, &ours, "other").await;
    let device = device(&catalog, &ours, "third").await;
    let spec = spec(class, (ScopeType::Device, device.aliases.uuid), 6, None);
    assert_eq!(refusal(annotate(&catalog, &ours, spec).await).0, Kind::LimitReached);
}

pub(super) async fn annotations_are_found_by_the_time_they_overlap(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let (class, device) = (class(&catalog, &who, "fault").await, device(&catalog, &who, "d").await);
    let scope = (ScopeType::Device, device.aliases.uuid);
    // A point, a long one, a short one, and one without length.
    for (start, end) in [(10, None), (0, Some(100)), (20, Some(30)), (40, Some(40))] {
        annotate(&catalog, &who, spec(class, scope, start, end)).await.unwrap();
    }
    let range = |from: Option<i64>, to: Option<i64>| AnnotationFilter {
        from: from.map(Micros),
        to: to.map(Micros),
        ..AnnotationFilter::default()
    };
    let rows = [
        (None, None, vec![0, 10, 20, 40]),
        (Some(10), Some(11), vec![0, 10]),
        (Some(11), Some(20), vec![0]),
        (Some(29), Some(30), vec![0, 20]),
        (Some(30), Some(40), vec![0]),
        (Some(40), Some(41), vec![0, 40]),
        (Some(100), None, vec![]),
        (None, Some(1), vec![0]),
        (None, Some(0), vec![]),
    ];
    for (from, to, expected) in rows {
        let filter = range(from, to);
        assert_eq!(
            catalog.annotations.count_annotations(&who, &filter).await.unwrap(),
            expected.len() as u64
        );
        assert_eq!(starts(&catalog, &who, filter).await, expected, "{from:?}..{to:?}");
    }
    let order = |sort, is_descending| AnnotationFilter {
        order: vec![(sort, is_descending)],
        ..AnnotationFilter::default()
    };
    assert_eq!(starts(&catalog, &who, order(AnnotationSort::StartTime, true)).await, [40, 20, 10, 0]);
    assert_eq!(starts(&catalog, &who, order(AnnotationSort::EndTime, false)).await, [10, 20, 40, 0]);
    assert_eq!(starts(&catalog, &who, order(AnnotationSort::EndTime, true)).await, [0, 40, 20, 10]);
    let page = AnnotationFilter { page: Pagination { offset: 1, limit: 2 }, ..AnnotationFilter::default() };
    assert_eq!(starts(&catalog, &who, page).await, [10, 20]);
    // Pages by the last row repeat and leave out nothing.
    let (mut filter, mut found) = (AnnotationFilter::default(), Vec::new());
    filter.page.limit = 1;
    while let Some(row) = catalog.annotations.annotations(&who, &filter).await.unwrap().pop() {
        found.push(row.spec.start.0);
        filter.after = Some((row.spec.start, row.id));
    }
    assert_eq!(found, [0, 10, 20, 40]);
    let other = AnnotationFilter { class: Some(Uuid::nil()), ..AnnotationFilter::default() };
    assert!(starts(&catalog, &who, other).await.is_empty());
    let by_source = AnnotationFilter { source: Some(AnnotationSource::Rule), ..AnnotationFilter::default() };
    assert!(starts(&catalog, &who, by_source).await.is_empty());
    let of_scope = AnnotationFilter { scope: Some(scope.1), ..AnnotationFilter::default() };
    assert_eq!(starts(&catalog, &who, of_scope).await.len(), 4);
}

pub(super) async fn an_annotation_goes_with_what_it_is_about(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let class = class(&catalog, &who, "fault").await;
    let site = document(&catalog, &who, DocumentSpec::Site(SiteSpec::new("s"))).await.unwrap();
    let device = device(&catalog, &who, "d").await;
    let stream = stream(&catalog, &who, device.id, "t").await;
    let component = component(&catalog, &who, device.id, "c").await;
    let scopes = [
        (ScopeType::Site, site.uuid),
        (ScopeType::Device, device.aliases.uuid),
        (ScopeType::Component, component.uuid),
        (ScopeType::Sensor, stream.uuid),
    ];
    for (index, scope) in scopes.into_iter().enumerate() {
        annotate(&catalog, &who, spec(class, scope, index as i64, None)).await.unwrap();
    }
    let all = AnnotationFilter::default;
    assert_eq!(starts(&catalog, &who, all()).await, [0, 1, 2, 3]);
    let of_device = AnnotationFilter { device: Some(device.id), ..all() };
    assert_eq!(starts(&catalog, &who, of_device).await, [1, 2, 3]);
    catalog.documents.delete_document(&who, DocumentKind::Component, component.uuid).await.unwrap();
    assert_eq!(starts(&catalog, &who, all()).await, [0, 1, 3]);
    catalog.streams.delete_stream(&who, stream.id).await.unwrap();
    assert_eq!(starts(&catalog, &who, all()).await, [0, 1]);
    let in_use = catalog.documents.delete_document(&who, DocumentKind::AnnotationClass, class).await;
    assert_eq!(refusal(in_use).0, Kind::Conflict);
    catalog.documents.delete_document(&who, DocumentKind::Site, site.uuid).await.unwrap();
    catalog.devices.delete_device(&who, device.id).await.unwrap();
    assert_eq!(starts(&catalog, &who, all()).await, [0; 0]);
    catalog.documents.delete_document(&who, DocumentKind::AnnotationClass, class).await.unwrap();
}

pub(super) async fn annotations_are_seen_with_what_they_are_about(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let class = class(&catalog, &ours, "fault").await;
    let site = document(&catalog, &ours, DocumentSpec::Site(SiteSpec::new("s"))).await.unwrap();
    let (a, b) = (device(&catalog, &ours, "a").await, device(&catalog, &ours, "b").await);
    let stream = stream(&catalog, &ours, a.id, "t").await;
    let scopes = [
        (ScopeType::Site, site.uuid),
        (ScopeType::Device, a.aliases.uuid),
        (ScopeType::Sensor, stream.uuid),
        (ScopeType::Device, b.aliases.uuid),
    ];
    let mut made = Vec::new();
    for (index, scope) in scopes.into_iter().enumerate() {
        made.push(annotate(&catalog, &ours, spec(class, scope, index as i64, None)).await.unwrap());
    }
    let rows = [
        ("the_administrator", ours.clone(), vec![0, 1, 2, 3]),
        ("a_key_of_one_device", key(ours.org, Some(&[a.id]), None), vec![1, 2]),
        ("a_key_of_one_stream", key(ours.org, None, Some(&[stream.id])), vec![2]),
        ("a_key_of_both", key(ours.org, Some(&[b.id]), Some(&[stream.id])), vec![2, 3]),
        ("a_key_of_nothing", key(ours.org, Some(&[]), None), vec![]),
        ("another_organization", theirs, vec![]),
    ];
    for (name, who, expected) in rows {
        let all = AnnotationFilter::default();
        assert_eq!(starts(&catalog, &who, all.clone()).await, expected, "{name}");
        assert_eq!(
            catalog.annotations.count_annotations(&who, &all).await.unwrap(),
            expected.len() as u64,
            "{name}"
        );
        for row in &made {
            let is_seen = expected.contains(&row.spec.start.0);
            assert_eq!(
                catalog.annotations.annotation(&who, row.uuid).await.is_ok(),
                is_seen,
                "{name}: {row:?}"
            );
            if !is_seen {
                assert_eq!(
                    refusal(catalog.annotations.delete_annotation(&who, row.uuid).await),
                    not_found(),
                    "{name}"
                );
                let change =
                    catalog.annotations.update_annotation(&who, row.uuid, row.spec.clone(), |_| Ok(())).await;
                assert_eq!(refusal(change), not_found(), "{name}");
                assert!(annotate(&catalog, &who, row.spec.clone()).await.is_err(), "{name}");
            }
        }
    }
    let of_stream = key(ours.org, None, Some(&[stream.id]));
    annotate(&catalog, &of_stream, spec(class, scopes[2], 9, None)).await.unwrap();
    // It sees the device of its stream, but may not speak of all of it.
    assert_eq!(refusal(annotate(&catalog, &of_stream, spec(class, scopes[1], 9, None)).await), forbidden());
}

pub(super) async fn a_reference_pair_goes_with_either_component(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let (a, b) = (device(&catalog, &who, "a").await.id, device(&catalog, &who, "b").await.id);
    let (one, two) = (component(&catalog, &who, a, "c").await, component(&catalog, &who, b, "c").await);
    let pair = |valid_from: i64| {
        DocumentSpec::ReferencePair(ReferencePairSpec {
            handle: Uuid::new_v4(),
            name: None,
            primary: one.uuid,
            reference: two.uuid,
            primary_device: a,
            reference_device: b,
            valid_from: Micros(valid_from),
            valid_to: Some(Micros(valid_from + 10)),
            metadata: Map::new(),
        })
    };
    let made = document(&catalog, &who, pair(0)).await.unwrap();
    assert_eq!(refusal(document(&catalog, &who, pair(9)).await).0, Kind::Conflict);
    let next = document(&catalog, &who, pair(10)).await.unwrap();
    let at = (DocumentKind::ReferencePair, next.uuid);
    let moved = catalog.documents.update_document(&who, at, None, |spec| {
        let DocumentSpec::ReferencePair(stored) = spec else { return };
        stored.valid_from = Micros(5);
    });
    assert_eq!(refusal(moved.await).0, Kind::Conflict);
    let pairs = |who: &Principal| catalog.documents.documents(who, DocumentKind::ReferencePair).len();
    let seen = [Some(&[a][..]), Some(&[b][..]), Some(&[a, b][..])].map(|ids| pairs(&key(who.org, ids, None)));
    assert_eq!(seen, [0, 0, 2], "a pair is seen by who sees both devices");
    drop(catalog);
    let catalog = place.open().await;
    let pairs = |who: &Principal| catalog.documents.documents(who, DocumentKind::ReferencePair).len();
    assert_eq!(
        catalog.documents.document(&who, DocumentKind::ReferencePair, made.uuid).unwrap().spec,
        made.spec
    );
    catalog.devices.delete_device(&who, b).await.unwrap();
    assert_eq!(pairs(&who), 0);
    drop(catalog);
    let catalog = place.open().await;
    assert!(catalog.documents.documents(&who, DocumentKind::ReferencePair).is_empty());
    let three = component(&catalog, &who, a, "d").await;
    let inner = DocumentSpec::ReferencePair(ReferencePairSpec {
        reference: three.uuid,
        reference_device: a,
        ..made.reference_pair().unwrap().clone()
    });
    document(&catalog, &who, inner).await.unwrap();
    catalog.documents.delete_document(&who, DocumentKind::Component, three.uuid).await.unwrap();
    assert!(catalog.documents.documents(&who, DocumentKind::ReferencePair).is_empty());
}
