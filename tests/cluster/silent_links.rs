//! A database that never answers again on the connections of a query node, as one whose machine has lost its power and whose address
//! another has taken: callers get an answer all the same, and the node goes on with new connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::rest::stream_of;
use crate::support::{Client, Cluster, Link, eventually, until};

/// Connections of a query node to the catalog's database.
pub const CATALOG_CONNECTIONS: usize = 8;
/// Longer than a node waits for the database, and shorter than TCP does.
const EVENT_TIMEOUT: Duration = Duration::from_secs(90);

/// A key that nobody has.
const UNKNOWN_KEY: &str = "bslt_nobody_0123456789abcdef0123456789abcdef";

/// Asks a node for what costs it little more than the question to its database, until the end; it may refuse with 503. Returns how often
/// it did.
async fn ask(client: Client, is_over: Arc<AtomicBool>) -> usize {
    let mut refusals = 0;
    while !is_over.load(Ordering::SeqCst) {
        let (status, answer) = client.get("/metrics").await.outcome();
        assert!([200, 503].contains(&status), "{status} {answer}");
        refusals += usize::from(status == 503);
    }
    refusals
}

#[tokio::test]
async fn a_database_that_falls_silent_is_given_up_and_connected_to_again() {
    let cluster = Cluster::start(&[]).await;
    let link = Link::to(cluster.catalog_url()).await;
    let node = cluster.query_node(&[("BASALT_CATALOG_URL", &link.url)]).await;
    // A request that takes longer has failed.
    let client = node.client().with_timeout(EVENT_TIMEOUT);
    let is_over = Arc::new(AtomicBool::new(false));
    let start = |_| tokio::spawn(ask(client.clone(), is_over.clone()));
    let callers: Vec<_> = (0..2 * CATALOG_CONNECTIONS).map(start).collect();
    until!("the node uses all connections that it may have", EVENT_TIMEOUT;
        link.connections() >= CATALOG_CONNECTIONS);
    // The node has to save the refusal and to load the stream while its connections carry nothing.
    let nobody = client.with_key(UNKNOWN_KEY);
    nobody.try_sql("SELECT 1").await.expect(401);
    link.strand_connections();
    let owner = cluster.ingest.client();
    let (_, stream) = stream_of(&owner, "speed", "fp64").await;
    let statement = format!("SELECT count(*) AS n FROM streams WHERE id = {stream}");
    let rows = eventually("the node answers again", EVENT_TIMEOUT, || async {
        let (status, rows) = client.try_sql(&statement).await.outcome();
        (status == 200).then_some(rows)
    })
    .await;
    assert_eq!(rows, json!([{"n": 1}]), "it has the change");
    let statement = "SELECT count(*) AS n FROM audit_log WHERE outcome = 'unauthenticated'";
    until!("the refusal is in the audit log", EVENT_TIMEOUT; owner.sql(statement).await != [json!({"n": 0})]);
    is_over.store(true, Ordering::SeqCst);
    let mut refusals = 0;
    for caller in callers {
        refusals += caller.await.expect("each request was answered");
    }
    assert!(refusals > 0, "requests met the silence");
}
