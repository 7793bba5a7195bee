//! Tests of redeemed grants.

use futures::future::join_all;
use uuid::Uuid;

use super::fixtures::*;
use crate::domain::Micros;

pub(super) async fn a_grant_is_redeemed_once_however_often_and_concurrently(place: TestDatabase) {
    let catalog = place.open().await;
    let later = Micros(START.0 + 60_000_000);
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let answers = join_all((0..8).map(|_| catalog.clients.redeem_grant(one, later))).await;
    assert_eq!(answers.into_iter().filter(|first| *first.as_ref().unwrap()).count(), 1);
    assert!(catalog.clients.redeem_grant(two, later).await.unwrap(), "another one is another one");
    for catalog in [&catalog, &place.open().await] {
        assert!(!catalog.clients.redeem_grant(one, later).await.unwrap());
    }
    // Expired grants are not kept: by then the token itself is refused.
    let past = Uuid::from_u128(3);
    assert!(catalog.clients.redeem_grant(past, START).await.unwrap());
    assert!(catalog.clients.redeem_grant(past, START).await.unwrap());
}
