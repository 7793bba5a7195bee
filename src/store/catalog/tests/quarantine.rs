//! Quarantine: bounded for each organization, seen by it alone, and gone after its time.

use super::fixtures::*;
use crate::domain::pagination::Pagination;
use crate::domain::quarantine::{Mistake, QuarantineEntry, QuarantineFilter, QuarantineReason};
use crate::domain::{DeviceId, Kind, Micros, QuarantineId};
use crate::store::catalog::quarantine::{MAX_BYTES_PER_ORG, MAX_ROWS_PER_ORG};

fn entry(device: Option<DeviceId>, payload: &str, at: i64) -> QuarantineEntry {
    let mistake = Mistake::new(QuarantineReason::Malformed, "payload", "is no JSON");
    let entry = QuarantineEntry::new(&mistake, "topic", payload.as_bytes(), Micros(at));
    QuarantineEntry { device, ..entry }
}

pub(super) async fn quarantined_readings_are_filtered_paged_and_outlive_a_restart(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let other = QuarantineEntry { reason: QuarantineReason::TooLarge, ..entry(None, "b", 2) };
    catalog
        .quarantine
        .quarantine(&admin, vec![entry(Some(device), "a", 1), other, entry(None, "c", 3)])
        .await
        .unwrap();
    catalog.quarantine.quarantine(&admin, vec![entry(Some(DeviceId(99)), "d", 4)]).await.unwrap();
    drop(catalog);
    let catalog = place.open().await;
    let found = async |filter: QuarantineFilter| {
        let rows = catalog.quarantine.quarantined(&admin, &filter).await.unwrap();
        let texts: String = rows.iter().map(|row| row.entry.payload.as_str()).collect();
        (texts, catalog.quarantine.count_quarantined(&admin, &filter).await.unwrap())
    };
    let all = QuarantineFilter::default;
    assert_eq!(found(all()).await, ("abcd".to_owned(), 4));
    assert_eq!(found(QuarantineFilter { newest_first: true, ..all() }).await, ("dcba".to_owned(), 4));
    let page = Pagination { offset: 1, limit: 2 };
    assert_eq!(found(QuarantineFilter { page, ..all() }).await, ("bc".to_owned(), 4));
    assert_eq!(found(QuarantineFilter { device: Some(device), ..all() }).await, ("a".to_owned(), 1));
    let (from, to) = (Some(Micros(2)), Some(Micros(3)));
    assert_eq!(found(QuarantineFilter { from, to, ..all() }).await, ("b".to_owned(), 1));
    let reason = Some(QuarantineReason::TooLarge);
    assert_eq!(found(QuarantineFilter { reason, ..all() }).await, ("b".to_owned(), 1));
    let rows = catalog.quarantine.quarantined(&admin, &all()).await.unwrap();
    let after = Some((rows[1].entry.received_at, rows[1].id));
    assert_eq!(found(QuarantineFilter { after, ..all() }).await, ("cd".to_owned(), 4));
    assert_eq!(found(QuarantineFilter { after, newest_first: true, ..all() }).await, ("a".to_owned(), 4));
    // Of one time, those with a higher id.
    let after = Some((rows[1].entry.received_at, QuarantineId(rows[1].id.0 - 1)));
    assert_eq!(found(QuarantineFilter { after, ..all() }).await, ("bcd".to_owned(), 4));
    catalog.quarantine.purge_quarantine(Micros(3)).await.unwrap();
    assert_eq!(found(all()).await, ("cd".to_owned(), 2));
}

pub(super) async fn quarantine_is_of_one_organization_and_goes_with_its_device(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let (a, b) = (device(&catalog, &ours, "a").await.id, device(&catalog, &ours, "b").await.id);
    catalog.quarantine.quarantine(&ours, vec![entry(Some(a), "a", 1), entry(None, "n", 2)]).await.unwrap();
    let all = QuarantineFilter::default();
    let rows = catalog.quarantine.quarantined(&ours, &all).await.unwrap();
    for who in [&theirs, &key(ours.org, Some(&[b]), None), &key(ours.org, None, Some(&[]))] {
        assert!(catalog.quarantine.quarantined(who, &all).await.unwrap().is_empty());
        assert_eq!(catalog.quarantine.count_quarantined(who, &all).await.unwrap(), 0);
        for row in &rows {
            assert_eq!(
                catalog.quarantine.quarantined_by_uuid(who, row.uuid).await.unwrap_err().kind,
                Kind::NotFound
            );
            assert_eq!(
                catalog.quarantine.delete_quarantined(who, row.uuid).await.unwrap_err().kind,
                Kind::NotFound
            );
        }
    }
    let restricted = key(ours.org, Some(&[a]), None);
    assert_eq!(catalog.quarantine.quarantined(&restricted, &all).await.unwrap(), rows[..1]);
    catalog.quarantine.delete_quarantined(&ours, rows[1].uuid).await.unwrap();
    assert_eq!(
        catalog.quarantine.delete_quarantined(&ours, rows[1].uuid).await.unwrap_err().kind,
        Kind::NotFound
    );
    catalog.devices.delete_device(&ours, a).await.unwrap();
    assert_eq!(catalog.quarantine.count_quarantined(&ours, &all).await.unwrap(), 0);
}

pub(super) async fn the_oldest_in_quarantine_make_room(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    catalog.quarantine.quarantine(&theirs, vec![entry(None, "theirs", 1)]).await.unwrap();
    let all = QuarantineFilter::default();
    for batch in 0..MAX_ROWS_PER_ORG / 1000 {
        let rows = (0..1000).map(|n| entry(None, "x", batch * 1000 + n)).collect();
        catalog.quarantine.quarantine(&ours, rows).await.unwrap();
    }
    assert_eq!(catalog.quarantine.count_quarantined(&ours, &all).await.unwrap(), MAX_ROWS_PER_ORG as u64);
    catalog.quarantine.quarantine(&ours, vec![entry(None, "newest", i64::from(i32::MAX))]).await.unwrap();
    assert_eq!(
        catalog.quarantine.count_quarantined(&ours, &all).await.unwrap(),
        MAX_ROWS_PER_ORG as u64 / 10 * 9
    );
    let filter =
        QuarantineFilter { newest_first: true, page: Pagination { offset: 0, limit: 1 }, ..all.clone() };
    assert_eq!(catalog.quarantine.quarantined(&ours, &filter).await.unwrap()[0].entry.payload, "newest");
    let long = "y".repeat(16 << 10);
    let many = usize::try_from(MAX_BYTES_PER_ORG).unwrap() / long.len() + 1;
    for _ in 0..many / 512 + 1 {
        catalog
            .quarantine
            .quarantine(&ours, vec![entry(None, &long, i64::from(i32::MAX)); 512])
            .await
            .unwrap();
    }
    assert!(catalog.quarantine.count_quarantined(&ours, &all).await.unwrap() <= many as u64);
    assert_eq!(catalog.quarantine.count_quarantined(&theirs, &all).await.unwrap(), 1);
}
