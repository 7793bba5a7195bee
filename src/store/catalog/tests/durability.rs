//! Tests that hold for every entity: the mirror equals the database, ids are never reused, changes do not interleave.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::fixtures::*;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::pagination::Pagination;
use crate::domain::policy::PolicyTable;
use crate::domain::stream::{StreamFilter, StreamSpec};
use crate::domain::{Kind, Principal};
use crate::store::catalog::Catalog;

/// Everything that can be read of one organization.
fn everything(catalog: &Catalog, who: &Principal) -> String {
    format!(
        "{:#?}",
        (
            (catalog.orgs.orgs(who), catalog.users.users(who), catalog.keys.keys(who)),
            catalog.devices.devices(who, &DeviceFilter::default()),
            catalog.streams.streams(who, &StreamFilter::default()),
            catalog.groups.groups(who, Pagination::ALL),
            (catalog.retention.policies(who, None).unwrap(), catalog.streams.visible_streams(who)),
        )
    )
}

pub(super) async fn opening_again_migrates_nothing_and_reads_everything(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    for who in [&ours, &theirs] {
        let device = device(&catalog, who, "d").await.id;
        let gone = stream(&catalog, who, device, "gone").await.id;
        let kept = stream(&catalog, who, device, "kept").await.id;
        let line = group(&catalog, who, "line").await.id;
        set_members(&catalog, who, line, vec![gone, kept]).await.unwrap();
        catalog.streams.delete_stream(who, gone).await.unwrap();
        catalog.streams.update_stream(who, kept, |spec| spec.name = "renamed".to_owned()).await.unwrap();
        catalog.retention.set_policy(who, PolicyTable::Readings, None, 60).await.unwrap();
        let prefix = format!("p{}", who.org);
        catalog.keys.create_key(who, key_spec("k"), secret(&prefix)).await.unwrap();
    }
    for _ in 0..2 {
        let again = place.open().await;
        again.ping().await.unwrap();
        for who in [&ours, &theirs] {
            assert_eq!(everything(&again, who), everything(&catalog, who));
        }
    }
}

pub(super) async fn ids_are_never_used_again(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let parent = device(&catalog, &admin, "parent").await.id;
    let mut last =
        (parent, stream(&catalog, &admin, parent, "s").await.id, group(&catalog, &admin, "g").await.id);
    catalog.streams.delete_stream(&admin, last.1).await.unwrap();
    catalog.groups.delete_group(&admin, last.2).await.unwrap();
    for _ in 0..2 {
        let catalog = place.open().await;
        let device = device(&catalog, &admin, "next").await.id;
        let stream = stream(&catalog, &admin, device, "s").await.id;
        let group = group(&catalog, &admin, "g").await.id;
        assert!(device > last.0 && stream > last.1 && group > last.2);
        catalog.groups.delete_group(&admin, group).await.unwrap();
        catalog.devices.delete_device(&admin, device).await.unwrap();
        last = (device, stream, group);
    }
}

pub(super) async fn concurrent_changes_of_one_row_lose_nothing(place: TestDatabase) {
    let catalog = Arc::new(place.open().await);
    let admin = admin(&catalog);
    let id = device(&catalog, &admin, "d").await.id;
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..50 {
        let (catalog, admin) = (Arc::clone(&catalog), admin.clone());
        tasks.spawn(async move {
            let add = |spec: &mut DeviceSpec| {
                let count = spec.metadata.get("count").and_then(|n| n.as_i64()).unwrap_or(0);
                spec.metadata.insert("count".to_owned(), (count + 1).into());
                spec.metadata.insert(format!("task {i}"), true.into());
            };
            catalog.devices.update_device(&admin, id, add).await.unwrap();
        });
    }
    tasks.join_all().await;
    for catalog in [&*catalog, &place.open().await] {
        let metadata = &catalog.devices.device(&admin, id).unwrap().spec.metadata;
        assert_eq!((metadata["count"].as_i64(), metadata.len()), (Some(50), 51));
    }
}

pub(super) async fn of_concurrent_namesakes_one_is_made(place: TestDatabase) {
    let catalog = Arc::new(place.open().await);
    let admin = admin(&catalog);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (catalog, admin) = (Arc::clone(&catalog), admin.clone());
        tasks.spawn(async move {
            catalog.devices.create_device(&admin, DeviceSpec::new("d", Protocol::Http)).await
        });
    }
    let results = tasks.join_all().await;
    let (made, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (1, 9));
    for result in refused {
        assert_eq!(refusal(result), invalid(&["name: This field must be unique."]));
    }
}

pub(super) async fn a_change_is_finished_when_its_caller_goes_away(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    {
        let mut create = pin!(catalog.devices.create_device(&admin, DeviceSpec::new("d", Protocol::Http)));
        let poll = create.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(poll, Poll::Pending), "the write is under way");
    }
    for _ in 0..500 {
        if catalog.devices.devices(&admin, &DeviceFilter::default()).len() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(everything(&catalog, &admin), everything(&place.open().await, &admin));
    assert_eq!(catalog.devices.devices(&admin, &DeviceFilter::default()).len(), 1);
}

pub(super) async fn a_name_taken_behind_the_mirror_is_the_same_error(place: TestDatabase) {
    let (first, second) = (place.open().await, place.open().await);
    let admin = admin(&first);
    let unique = invalid(&["name: This field must be unique."]);
    let other = device(&first, &admin, "d").await;
    let spec = || DeviceSpec::new("d", Protocol::Http);
    let error = second.devices.create_device(&admin, spec()).await.unwrap_err();
    assert!(error.source.is_some(), "the database said it");
    assert_eq!(refusal::<()>(Err(error)), unique);
    assert_eq!(refusal(second.devices.create_device(&admin, spec()).await), unique);
    assert_eq!(second.devices.device(&admin, other.id).unwrap(), other, "the mirror caught up");
    let stream_of = |catalog| stream(catalog, &admin, other.id, "s");
    stream_of(&first).await;
    let twin = second.streams.create_stream(&admin, StreamSpec::new("s", other.id)).await;
    assert_eq!(
        refusal(twin),
        invalid(&["non_field_errors: The fields device, name must make a unique set."])
    );
    group(&first, &admin, "g").await;
    assert_eq!(refusal(second.groups.create_group(&admin, group_spec("g"), Vec::new()).await), unique);
    first.keys.create_key(&admin, key_spec("k"), secret("p")).await.unwrap();
    let twin = second.keys.create_key(&admin, key_spec("k"), secret("p")).await;
    assert_eq!(refusal(twin), invalid(&["prefix: This field must be unique."]));
    first.orgs.create_org(&admin, "o", "O").await.unwrap();
    let twin = second.orgs.create_org(&admin, "o", "O").await;
    assert_eq!(refusal(twin), invalid(&["slug: This field must be unique."]));
}

pub(super) async fn a_row_deleted_behind_the_mirror_is_a_conflict(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let id = device(&catalog, &admin, "d").await.id;
    let behind = place.raw_connection().await;
    behind.execute_unprepared(&format!("DELETE FROM devices WHERE id = {id}")).await.unwrap();
    let (kind, _) = refusal(catalog.streams.create_stream(&admin, StreamSpec::new("s", id)).await);
    assert_eq!(kind, Kind::Conflict);
    let absent = format!("device: Invalid pk \"{id}\" - object does not exist.");
    assert_eq!(
        refusal(catalog.streams.create_stream(&admin, StreamSpec::new("s", id)).await),
        invalid(&[&absent])
    );
}

pub(super) async fn a_database_that_fails_is_unavailable(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await;
    let behind = place.raw_connection().await;
    behind.execute_unprepared("ALTER TABLE devices RENAME TO hidden").await.unwrap();
    let error =
        catalog.devices.update_device(&admin, device.id, |spec| spec.enabled = false).await.unwrap_err();
    assert_eq!((error.kind, error.source.is_some()), (Kind::Unavailable, true));
    let error =
        catalog.devices.create_device(&admin, DeviceSpec::new("e", Protocol::Http)).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable);
    assert_eq!(catalog.devices.device(&admin, device.id).unwrap(), device, "reads go on");
    behind.execute_unprepared("ALTER TABLE hidden RENAME TO devices").await.unwrap();
    catalog.devices.update_device(&admin, device.id, |spec| spec.enabled = false).await.unwrap();
}
