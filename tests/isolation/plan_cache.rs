//! Plans that a server remembers belong to nobody.

use super::fixture::{self, IsolationFixture};
use super::probes::exact;
use crate::in_process::{MINUTE, NOW};
use crate::support::one_in;

/// A server remembers how statements are planned: of another caller, another moment, or a caller who may not ask, it is
/// answered as one that was never asked before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_others_asked_before_is_answered_as_a_new_one() {
    let world = IsolationFixture::new().await;
    let [(_, by_device), (_, by_stream)] = world.restricted().await;
    let all = [
        ("everything", world.key(&[], &[], &[]).await),
        ("by device", by_device),
        ("another organization", world.foreign_key().await),
        ("no readings", world.key(&["data:read", "device:read"], &[], &[]).await),
        ("by stream", by_stream),
    ];
    // Without those that may answer one of several equal rows.
    let exact = exact(&world).into_iter().map(|(query, _)| query);
    let mut queries: Vec<String> = exact.filter(|query| !query.contains("LIMIT")).collect();
    queries.extend(
        [
            "SELECT stream_id, ts, value FROM readings ORDER BY 1, 2",
            "SELECT sum(value) OVER (ORDER BY ts, stream_id) AS s FROM readings ORDER BY 1",
            "SELECT id, name FROM streams ORDER BY id",
            "SELECT now() - now() AS never",
            "SELECT nonsense FROM readings",
        ]
        .map(str::to_owned),
    );
    // A part of them, and again with new rows: what is remembered has no rows either.
    for (round, step) in [(0, 2), (1, 8)] {
        for (nth, query) in one_in(step, queries.iter().enumerate()) {
            for (kind, client) in &all {
                let (status, answer) = client.try_sql(query).await.outcome();
                let (new_status, new) =
                    client.try_sql(&format!("{query} -- {round} {nth} {kind}")).await.outcome();
                assert_eq!((status, answer), (new_status, new), "{round}, {kind}: {query}");
            }
        }
        fixture::write(&world.db, &world.env.owner, &world.own, false, NOW - 20 * MINUTE).await;
        world.db.store.flush().await.unwrap();
    }
}
