//! Retention policies.

use super::place::*;
use crate::domain::StreamId;
use crate::domain::policy::PolicyTable::{Readings, Statistics};

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
