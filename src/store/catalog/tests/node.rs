//! Nodes of a cluster: renewed, silent, forgotten, and shown to the operator alone.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::fixtures::*;
use crate::domain::cluster::{ClusterNode, ClusterRole};
use crate::domain::time::SystemClock;
use crate::domain::{Clock, DeviceId, Micros};

fn node(id: u128, role: ClusterRole, url: Option<&str>) -> ClusterNode {
    ClusterNode {
        id: Uuid::from_u128(id),
        role,
        url: url.map(str::to_owned),
        version: "1.2.3".to_owned(),
        started_at: Micros(7),
        renewed_at: Micros(0),
        is_running: false,
    }
}

/// Ids of nodes, and whether they run.
fn states(nodes: &[ClusterNode]) -> Vec<(u128, bool)> {
    nodes.iter().map(|node| (node.id.as_u128(), node.is_running)).collect()
}

/// Moves the last renewal of a node back, as if it had been silent since.
async fn silence(place: &TestDatabase, id: u128, seconds: i64) {
    let (db, id, us) = (place.raw_connection().await, Uuid::from_u128(id), seconds * 1_000_000);
    let statement = format!("UPDATE cluster_nodes SET renewed_at = renewed_at - {us} WHERE id = '{id}'");
    assert_eq!(db.execute_unprepared(&statement).await.unwrap().rows_affected(), 1);
    db.close().await.unwrap();
}

pub(super) async fn a_node_runs_as_long_as_it_renews_its_entry(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    assert!(catalog.nodes.nodes(&admin).await.unwrap().is_empty());
    let query = node(1, ClusterRole::Query, Some("http://127.0.0.1:8003/"));
    let first = catalog.nodes.renew_node(&query).await.unwrap();
    let off_us = (SystemClock.now().0 - first[0].renewed_at.0).abs();
    assert!(off_us < 60_000_000, "it is the database's time, and not that of the catalog's clock: {first:?}");
    let expected = ClusterNode { renewed_at: first[0].renewed_at, is_running: true, ..query.clone() };
    assert_eq!(first, [expected]);
    let ingest = node(2, ClusterRole::Ingest, None);
    let both = catalog.nodes.renew_node(&ingest).await.unwrap();
    assert_eq!(states(&both), [(2, true), (1, true)], "the ingest node is first");
    silence(&place, 1, 11).await;
    let both = catalog.nodes.nodes(&admin).await.unwrap();
    assert_eq!(states(&both), [(2, true), (1, false)]);
    let again = catalog.nodes.renew_node(&query).await.unwrap();
    assert_eq!(states(&again), [(2, true), (1, true)]);
    assert!(again[1].renewed_at >= first[0].renewed_at);
    assert_eq!(catalog.nodes.nodes(&admin).await.unwrap(), again);
    for _ in 0..2 {
        catalog.nodes.remove_node(query.id).await.unwrap();
        assert_eq!(states(&catalog.nodes.nodes(&admin).await.unwrap()), [(2, true)]);
    }
}

pub(super) async fn a_silent_node_is_forgotten_after_a_day_or_with_its_url(place: TestDatabase) {
    let catalog = place.open().await;
    let url = Some("http://127.0.0.1:8003/");
    for (id, url) in [(1, None), (2, None), (3, url), (4, url)] {
        catalog.nodes.renew_node(&node(id, ClusterRole::Query, url)).await.unwrap();
    }
    silence(&place, 1, 86_401).await;
    silence(&place, 2, 86_000).await;
    silence(&place, 3, 11).await;
    let left = catalog.nodes.renew_node(&node(5, ClusterRole::Query, url)).await.unwrap();
    assert_eq!(states(&left), [(2, false), (4, true), (5, true)], "a node that runs keeps its entry");
}

pub(super) async fn nodes_are_for_the_operator(place: TestDatabase) {
    let catalog = place.open().await;
    let (admin, other) = (admin(&catalog), other_org(&catalog).await);
    catalog.nodes.renew_node(&node(1, ClusterRole::Ingest, None)).await.unwrap();
    let restricted = key(admin.org, Some(&[DeviceId(1)]), None);
    let rows = [("admin", &admin, 1), ("restricted", &restricted, 0), ("another_organization", &other, 0)];
    for (name, who, expected) in rows {
        assert_eq!(catalog.nodes.nodes(who).await.unwrap().len(), expected, "{name}");
    }
}
