//! Retention policies.

use std::collections::BTreeSet;

use super::fixtures::*;
use crate::domain::policy::PolicyChange;
use crate::domain::policy::PolicyTable::{Readings, Statistics};
use crate::domain::retention::{BEGINNING_OF_TIME, END_OF_TIME};
use crate::domain::{Micros, StreamId};
use crate::store::catalog::RetentionClock;
use crate::store::table::Table;

pub(super) async fn a_policy_is_made_replaced_and_removed(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let stream = Some(stream(&catalog, &admin, device, "s").await.id);
    for of in [None, stream] {
        let (statistics, _) = catalog.retention.set_policy(&admin, Statistics, of, 7).await.unwrap();
        let (_, is_new) = catalog.retention.set_policy(&admin, Readings, of, 60).await.unwrap();
        assert!(is_new);
        let (readings, is_new) = catalog.retention.set_policy(&admin, Readings, of, i64::MAX).await.unwrap();
        assert_eq!((readings.drop_after_s, is_new), (i64::MAX, false));
        for catalog in [&catalog, &place.open().await] {
            assert_eq!(
                catalog.retention.policies(&admin, of).unwrap(),
                [readings.clone(), statistics.clone()]
            );
        }
    }
    assert_eq!(catalog.retention.all_policies().len(), 4);
    assert!(catalog.retention.remove_policy(&admin, Readings, None).await.unwrap());
    assert!(!catalog.retention.remove_policy(&admin, Readings, None).await.unwrap());
    for catalog in [&catalog, &place.open().await] {
        let left = |of| catalog.retention.policies(&admin, of).unwrap().len();
        assert_eq!((left(None), left(stream)), (1, 2));
    }
    let never = catalog.retention.set_policy(&admin, Readings, None, 0).await;
    let too_short = "drop_after_seconds: Ensure this value is greater than or equal to 1.";
    assert_eq!(refusal(never), invalid(&[too_short]));
}

pub(super) async fn policies_of_another_organization_do_not_exist(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let device = device(&catalog, &ours, "d").await.id;
    let stream = stream(&catalog, &ours, device, "s").await.id;
    catalog.retention.set_policy(&ours, Readings, None, 60).await.unwrap();
    catalog.retention.set_policy(&ours, Readings, Some(stream), 60).await.unwrap();
    assert!(catalog.retention.policies(&theirs, None).unwrap().is_empty());
    assert!(!catalog.retention.remove_policy(&theirs, Readings, None).await.unwrap());
    for of in [stream, StreamId(99)].map(Some) {
        assert_eq!(refusal(catalog.retention.policies(&theirs, of)), not_found());
        assert_eq!(refusal(catalog.retention.set_policy(&theirs, Readings, of, 1).await), not_found());
        assert_eq!(refusal(catalog.retention.remove_policy(&theirs, Readings, of).await), not_found());
    }
    assert_eq!(catalog.retention.all_policies().len(), 2);
}

pub(super) async fn a_restricted_key_sets_policies_of_its_streams_only(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let given = stream(&catalog, &admin, device, "given").await.id;
    let hidden = stream(&catalog, &admin, device, "hidden").await.id;
    let who = key(admin.org, None, Some(&[given]));
    catalog.retention.set_policy(&who, Readings, Some(given), 60).await.unwrap();
    assert_eq!(refusal(catalog.retention.set_policy(&who, Readings, Some(hidden), 60).await), not_found());
    assert_eq!(refusal(catalog.retention.policies(&who, Some(hidden))), not_found());
    assert_eq!(refusal(catalog.retention.set_policy(&who, Readings, None, 60).await), forbidden());
    assert_eq!(refusal(catalog.retention.remove_policy(&who, Readings, None).await), forbidden());
    catalog.retention.set_policy(&admin, Readings, None, 60).await.unwrap();
    assert_eq!(catalog.retention.policies(&who, None).unwrap().len(), 1, "it reads what applies to its data");
}

pub(super) async fn policies_go_with_their_stream(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let gone = stream(&catalog, &admin, device, "gone").await.id;
    catalog.retention.set_policy(&admin, Readings, Some(gone), 60).await.unwrap();
    catalog.retention.set_policy(&admin, Statistics, None, 60).await.unwrap();
    catalog.streams.delete_stream(&admin, gone).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(catalog.retention.all_policies().len(), 1);
    }
}

const HOUR: i64 = 3_600_000_000;

fn at(hours: i64) -> RetentionClock {
    let now = Micros(START.0 + hours * HOUR);
    RetentionClock { now, watermark: now.0 }
}

pub(super) async fn a_floor_is_remembered_and_never_goes_back(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let (one, two) =
        (stream(&catalog, &admin, device, "one").await.id, stream(&catalog, &admin, device, "two").await.id);
    catalog.retention.set_policy(&admin, Readings, None, 3600).await.unwrap();
    let raise = async |hours| {
        catalog
            .retention
            .raise_retention_floors(Table::Readings, &BTreeSet::from([one.0]), at(hours))
            .await
            .unwrap()
    };
    let floors = |catalog: &crate::store::catalog::Catalog| {
        [one, two].map(|s| catalog.retention.retention_floors(Table::Readings).cutoff_of(s.0))
    };
    for (name, hours, expected) in [("raised", 5, 4), ("further", 7, 6), ("the clock goes back", 3, 6)] {
        raise(hours).await;
        for catalog in [&catalog, &place.open().await] {
            assert_eq!(floors(catalog), [START.0 + expected * HOUR, BEGINNING_OF_TIME], "{name}");
        }
    }
    // Never beyond windows whose statistics are missing.
    let unsealed = RetentionClock { watermark: START.0 + 7 * HOUR + 1, ..at(20) };
    catalog
        .retention
        .raise_retention_floors(Table::Readings, &BTreeSet::from([one.0]), unsealed)
        .await
        .unwrap();
    assert_eq!(floors(&catalog)[0], START.0 + 7 * HOUR);
    catalog.retention.remove_policy(&admin, Readings, None).await.unwrap();
    raise(30).await;
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(floors(catalog)[0], START.0 + 7 * HOUR, "without a policy nothing is raised");
        let kept = catalog.retention.retention_bounds(at(30).now);
        assert_eq!(
            [one, two].map(|s| kept.visible_from.start_of(s.0)),
            [START.0 + 7 * HOUR, BEGINNING_OF_TIME]
        );
        assert_eq!(catalog.retention.raw_from([one, two]), [(one.0, Micros(START.0 + 7 * HOUR))].into());
    }
}

pub(super) async fn what_is_deleted_keeps_no_rows(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (left, gone) = (device(&catalog, &admin, "left").await.id, device(&catalog, &admin, "gone").await.id);
    let mut streams = Vec::new();
    for (device, name) in [(left, "kept"), (left, "deleted"), (gone, "with its device")] {
        streams.push(stream(&catalog, &admin, device, name).await.id.0);
    }
    catalog.streams.delete_stream(&admin, StreamId(streams[1])).await.unwrap();
    catalog.devices.delete_device(&admin, gone).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        for table in [Table::Readings, Table::Statistics] {
            let cutoffs = catalog.retention.cutoffs(table, at(0));
            let from: Vec<i64> = streams.iter().map(|id| cutoffs.cutoff_of(*id)).collect();
            assert_eq!(from, [BEGINNING_OF_TIME, END_OF_TIME, END_OF_TIME], "{table:?}");
        }
        let messages = catalog.retention.retention_floors(Table::Messages);
        assert_eq!([left, gone].map(|id| messages.cutoff_of(id.0)), [BEGINNING_OF_TIME, END_OF_TIME]);
    }
}

pub(super) async fn what_is_kept_follows_policies_and_the_clock(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let (one, two) =
        (stream(&catalog, &admin, device, "one").await.id, stream(&catalog, &admin, device, "two").await.id);
    let shown = |hours| {
        let kept = catalog.retention.retention_bounds(at(hours).now);
        [one, two].map(|s| {
            (kept.visible_from.start_of(s.0) != BEGINNING_OF_TIME)
                .then(|| (kept.visible_from.start_of(s.0) - START.0) / HOUR)
        })
    };
    assert_eq!(shown(0), [None, None]);
    catalog.retention.set_policy(&admin, Readings, None, 3600).await.unwrap();
    assert_eq!((shown(0), shown(5), shown(2)), ([Some(-1); 2], [Some(4); 2], [Some(1); 2]));
    catalog.retention.set_policy(&admin, Readings, Some(two), 7200).await.unwrap();
    assert_eq!(shown(2), [Some(1), Some(0)]);
    catalog.retention.set_policy(&admin, Statistics, Some(one), 60).await.unwrap();
    assert_eq!(
        catalog.retention.retention_bounds(at(2).now).statistics_from.start_of(one.0),
        START.0 + 2 * HOUR - 60_000_000
    );
    // Dry runs of a change: the organization's policy does not affect a stream with its own.
    let reach = |stream, keep| {
        let change = PolicyChange { stream, tables: vec![Readings], drop_after_s: keep };
        let reach = catalog.retention.dry_run_policy_change(&admin, &change, at(0).now).unwrap();
        let from = [one, two].map(|s| reach.cutoffs[Table::Readings].cutoff_of(s.0));
        (
            from.map(|from| (from != BEGINNING_OF_TIME).then(|| (from - START.0) / HOUR)),
            reach.before.is_some(),
        )
    };
    assert_eq!(reach(None, Some(5 * 3600)), ([Some(-5), None], true));
    assert_eq!(reach(Some(two), Some(5 * 3600)), ([None, Some(-5)], true));
    assert_eq!(reach(Some(two), None), ([None, Some(-1)], true), "the organization's comes back");
    assert_eq!(reach(None, None), ([None, None], false));
    catalog.retention.remove_policy(&admin, Readings, None).await.unwrap();
    assert_eq!(shown(2), [None, Some(0)]);
    assert_eq!(reach(Some(two), None), ([None, None], false));
}
