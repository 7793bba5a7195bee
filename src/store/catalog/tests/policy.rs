//! Retention policies.

use std::collections::BTreeSet;

use super::place::*;
use crate::domain::policy::PolicyChange;
use crate::domain::policy::PolicyTable::{Readings, Statistics};
use crate::domain::retention::{EVERYTHING, NOTHING};
use crate::domain::{Micros, StreamId};
use crate::store::catalog::Moment;
use crate::store::table::Table;

pub(super) async fn a_policy_is_made_replaced_and_removed(place: Place) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let stream = Some(stream(&catalog, &admin, device, "s").await.id);
    for of in [None, stream] {
        let (statistics, _) = catalog.set_policy(&admin, Statistics, of, 7).await.unwrap();
        let (_, is_new) = catalog.set_policy(&admin, Readings, of, 60).await.unwrap();
        assert!(is_new);
        let (readings, is_new) = catalog.set_policy(&admin, Readings, of, i64::MAX).await.unwrap();
        assert_eq!((readings.drop_after_s, is_new), (i64::MAX, false));
        for catalog in [&catalog, &place.open().await] {
            assert_eq!(catalog.policies(&admin, of).unwrap(), [readings.clone(), statistics.clone()]);
        }
    }
    assert_eq!(catalog.all_policies().len(), 4);
    assert!(catalog.remove_policy(&admin, Readings, None).await.unwrap());
    assert!(!catalog.remove_policy(&admin, Readings, None).await.unwrap());
    for catalog in [&catalog, &place.open().await] {
        let left = |of| catalog.policies(&admin, of).unwrap().len();
        assert_eq!((left(None), left(stream)), (1, 2));
    }
    let never = catalog.set_policy(&admin, Readings, None, 0).await;
    let too_short = "drop_after_seconds: Ensure this value is greater than or equal to 1.";
    assert_eq!(refusal(never), invalid(&[too_short]));
}

pub(super) async fn policies_of_another_organization_do_not_exist(place: Place) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let device = device(&catalog, &ours, "d").await.id;
    let stream = stream(&catalog, &ours, device, "s").await.id;
    catalog.set_policy(&ours, Readings, None, 60).await.unwrap();
    catalog.set_policy(&ours, Readings, Some(stream), 60).await.unwrap();
    assert!(catalog.policies(&theirs, None).unwrap().is_empty());
    assert!(!catalog.remove_policy(&theirs, Readings, None).await.unwrap());
    for of in [stream, StreamId(99)].map(Some) {
        assert_eq!(refusal(catalog.policies(&theirs, of)), not_found());
        assert_eq!(refusal(catalog.set_policy(&theirs, Readings, of, 1).await), not_found());
        assert_eq!(refusal(catalog.remove_policy(&theirs, Readings, of).await), not_found());
    }
    assert_eq!(catalog.all_policies().len(), 2);
}

pub(super) async fn a_restricted_key_sets_policies_of_its_streams_only(place: Place) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let given = stream(&catalog, &admin, device, "given").await.id;
    let hidden = stream(&catalog, &admin, device, "hidden").await.id;
    let who = key(admin.org, None, Some(&[given]));
    catalog.set_policy(&who, Readings, Some(given), 60).await.unwrap();
    assert_eq!(refusal(catalog.set_policy(&who, Readings, Some(hidden), 60).await), not_found());
    assert_eq!(refusal(catalog.policies(&who, Some(hidden))), not_found());
    assert_eq!(refusal(catalog.set_policy(&who, Readings, None, 60).await), forbidden());
    assert_eq!(refusal(catalog.remove_policy(&who, Readings, None).await), forbidden());
    catalog.set_policy(&admin, Readings, None, 60).await.unwrap();
    assert_eq!(catalog.policies(&who, None).unwrap().len(), 1, "it reads what applies to its data");
}

pub(super) async fn policies_go_with_their_stream(place: Place) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let gone = stream(&catalog, &admin, device, "gone").await.id;
    catalog.set_policy(&admin, Readings, Some(gone), 60).await.unwrap();
    catalog.set_policy(&admin, Statistics, None, 60).await.unwrap();
    catalog.delete_stream(&admin, gone).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(catalog.all_policies().len(), 1);
    }
}

const HOUR: i64 = 3_600_000_000;

fn at(hours: i64) -> Moment {
    let now = Micros(START.0 + hours * HOUR);
    Moment { now, sealed: now.0 }
}

pub(super) async fn a_floor_is_remembered_and_never_goes_back(place: Place) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let (one, two) =
        (stream(&catalog, &admin, device, "one").await.id, stream(&catalog, &admin, device, "two").await.id);
    catalog.set_policy(&admin, Readings, None, 3600).await.unwrap();
    let raise = async |hours| {
        catalog.raise_floors(Table::Readings, &BTreeSet::from([one.0]), at(hours)).await.unwrap()
    };
    let floors = |catalog: &crate::store::catalog::Catalog| {
        [one, two].map(|s| catalog.floors(Table::Readings).from(s.0))
    };
    for (name, hours, expected) in [("raised", 5, 4), ("further", 7, 6), ("the clock goes back", 3, 6)] {
        raise(hours).await;
        for catalog in [&catalog, &place.open().await] {
            assert_eq!(floors(catalog), [START.0 + expected * HOUR, EVERYTHING], "{name}");
        }
    }
    // Not past windows whose statistics are missing.
    let unsealed = Moment { sealed: START.0 + 7 * HOUR + 1, ..at(20) };
    catalog.raise_floors(Table::Readings, &BTreeSet::from([one.0]), unsealed).await.unwrap();
    assert_eq!(floors(&catalog)[0], START.0 + 7 * HOUR);
    catalog.remove_policy(&admin, Readings, None).await.unwrap();
    raise(30).await;
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(floors(catalog)[0], START.0 + 7 * HOUR, "without a policy nothing is raised");
        let kept = catalog.kept(at(30).now);
        assert_eq!([one, two].map(|s| kept.shown.of(s.0)), [START.0 + 7 * HOUR, EVERYTHING]);
        assert_eq!(catalog.raw_from([one, two]), [(one.0, Micros(START.0 + 7 * HOUR))].into());
    }
}

pub(super) async fn what_is_deleted_keeps_no_rows(place: Place) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (left, gone) = (device(&catalog, &admin, "left").await.id, device(&catalog, &admin, "gone").await.id);
    let mut streams = Vec::new();
    for (device, name) in [(left, "kept"), (left, "deleted"), (gone, "with its device")] {
        streams.push(stream(&catalog, &admin, device, name).await.id.0);
    }
    catalog.delete_stream(&admin, StreamId(streams[1])).await.unwrap();
    catalog.delete_device(&admin, gone).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        for table in [Table::Readings, Table::Statistics] {
            let cutoffs = catalog.cutoffs(table, at(0));
            let from: Vec<i64> = streams.iter().map(|id| cutoffs.from(*id)).collect();
            assert_eq!(from, [EVERYTHING, NOTHING, NOTHING], "{table:?}");
        }
        let messages = catalog.floors(Table::Messages);
        assert_eq!([left, gone].map(|id| messages.from(id.0)), [EVERYTHING, NOTHING]);
    }
}

pub(super) async fn what_is_kept_follows_policies_and_the_clock(place: Place) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let (one, two) =
        (stream(&catalog, &admin, device, "one").await.id, stream(&catalog, &admin, device, "two").await.id);
    let shown = |hours| {
        let kept = catalog.kept(at(hours).now);
        [one, two].map(|s| (kept.shown.of(s.0) != EVERYTHING).then(|| (kept.shown.of(s.0) - START.0) / HOUR))
    };
    assert_eq!(shown(0), [None, None]);
    catalog.set_policy(&admin, Readings, None, 3600).await.unwrap();
    assert_eq!((shown(0), shown(5), shown(2)), ([Some(-1); 2], [Some(4); 2], [Some(1); 2]));
    catalog.set_policy(&admin, Readings, Some(two), 7200).await.unwrap();
    assert_eq!(shown(2), [Some(1), Some(0)]);
    catalog.set_policy(&admin, Statistics, Some(one), 60).await.unwrap();
    assert_eq!(catalog.kept(at(2).now).statistics.of(one.0), START.0 + 2 * HOUR - 60_000_000);
    // What a change would reach: the organization's leaves a stream with its own alone.
    let reach = |stream, keep| {
        let change = PolicyChange { stream, tables: vec![Readings], drop_after_s: keep };
        let reach = catalog.reach(&admin, &change, at(0).now).unwrap();
        let from = [one, two].map(|s| reach.cutoffs[Table::Readings].from(s.0));
        (from.map(|from| (from != EVERYTHING).then(|| (from - START.0) / HOUR)), reach.before.is_some())
    };
    assert_eq!(reach(None, Some(5 * 3600)), ([Some(-5), None], true));
    assert_eq!(reach(Some(two), Some(5 * 3600)), ([None, Some(-5)], true));
    assert_eq!(reach(Some(two), None), ([None, Some(-1)], true), "the organization's comes back");
    assert_eq!(reach(None, None), ([None, None], false));
    catalog.remove_policy(&admin, Readings, None).await.unwrap();
    assert_eq!(shown(2), [None, Some(0)]);
    assert_eq!(reach(Some(two), None), ([None, None], false));
}
