//! docs/sql.md is right: its examples run.

use super::answers;
use crate::in_process::TestEnv;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_of_the_document_run() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    answers::write(&env, &db, true).await;
    let client = answers::client(&env, &db).await;
    let document = include_str!("../../docs/sql.md");
    let examples: Vec<&str> =
        document.split("```sql\n").skip(1).filter_map(|part| part.split("```").next()).collect();
    assert!(examples.len() > 8, "{examples:?}");
    for example in examples {
        client.try_sql(example).await.ok();
    }
}
