//! Refused callers, with the status, and SQL that is refused to everybody.

use super::fixture::IsolationFixture;
use crate::support::rows;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_a_wrong_key_and_a_revoked_key_are_401_everywhere() {
    let world = IsolationFixture::new().await;
    let app = world.db.app();
    let request = basalt::app::access::KeyRequest { name: "gone".to_owned(), ..Default::default() };
    let (key, revoked) = app.access.create_key(&world.env.owner, &request).await.unwrap();
    app.access.revoke_key(&world.env.owner, key.id).await.unwrap();
    let wrong = format!("{}x", &revoked[..revoked.len() - 1]);
    for (name, client) in [
        ("no key", world.client.clone()),
        ("not a key", world.client.with_key("hello")),
        ("a wrong key", world.client.with_key(&wrong)),
        ("a revoked key", world.client.with_key(&revoked)),
    ] {
        for (method, path) in [
            ("POST", "/sql"),
            ("GET", "/sql?q=SELECT%201"),
            ("POST", "/ingest"),
            ("POST", "/write"),
            ("POST", "/api/v2/write"),
            ("POST", "/api/v1/write"),
            ("POST", "/v1/metrics"),
            ("POST", "/query"),
            ("GET", "/api/value/"),
            ("GET", "/api/data/"),
            ("GET", "/api/data/1/value/"),
            ("GET", "/api/data/1/statistic/"),
            ("GET", "/api/statistic/"),
            ("GET", "/api/device/"),
            ("POST", "/api/device/"),
            ("GET", "/metrics"),
        ] {
            let answer = client.send(method, path, &[], "SELECT 1").await;
            answer.about(&name).expect(401);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_scope_is_403_and_named() {
    let world = IsolationFixture::new().await;
    for (scope, tables) in rows![
        "value:read", &["readings", "core_value", "latest", "messages", "quarantine"][..];
        "statistic:read", &["statistics", "core_valuestatistics"];
        "event-log:read", &["events", "core_eventlog"];
        "device:read",
            &["annotations", "commands", "devices", "products", "core_device", "documents", "sites", "components", "mqtt_sessions"];
        "data:read", &["streams", "core_data"];
        "group:read", &["groups"];
        "system:read", &["query_log", "audit_log", "clients", "jobs", "nodes", "shards"];
    ] {
        let all = rows![
            "value:read"; "statistic:read"; "event-log:read"; "device:read"; "data:read"; "group:read"; "system:read";
        ];
        let others: Vec<&str> = all.into_iter().filter(|s| *s != scope).collect();
        let client = world.key(&others, &[], &[]).await;
        for table in tables {
            for query in [
                format!("SELECT * FROM {table}"),
                format!("SELECT 1 FROM basalt.public.{table} LIMIT 1"),
                format!("SELECT * FROM public.\"{table}\""),
                format!("SELECT (SELECT count(*) FROM {table})"),
                format!("WITH x AS (SELECT * FROM {table}) SELECT * FROM x"),
                format!("SELECT 1 WHERE EXISTS (SELECT 1 FROM {table})"),
                format!("SELECT 1 UNION ALL SELECT count(*) FROM {table}"),
                format!("EXPLAIN SELECT * FROM {table}"),
                format!("EXPLAIN ANALYZE SELECT * FROM {table}"),
                format!("DESCRIBE {table}"),
            ] {
                client.try_sql(&query).await.about(&format!("without {scope}")).refused(403, scope);
            }
            let shown = client.sql("SELECT table_name FROM information_schema.tables").await;
            assert!(shown.iter().all(|r| r["table_name"] != **table), "{table} without {scope}: {shown:?}");
            let shown = client.sql("SELECT table_name, column_name FROM information_schema.columns").await;
            assert!(shown.iter().all(|r| r["table_name"] != **table), "{table} without {scope}: {shown:?}");
        }
    }
    let reader = world.key(&["value:read"], &[], &[]).await;
    reader.ingest("application/x-ndjson", "{}").await.refused(403, "value:write");
    // A write scope satisfies the read scope of the same resource.
    let writer = world.key(&["value:write"], &[], &[]).await;
    writer.try_sql("SELECT 1 FROM readings LIMIT 1").await.ok();
    // A name that only looks like a table needs no scope.
    let nothing = world.key(&["group:read"], &[], &[]).await;
    for query in ["SELECT 1", "WITH readings AS (SELECT 1 AS x) SELECT x FROM readings"] {
        nothing.try_sql(query).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sql_only_reads() {
    let world = IsolationFixture::new().await;
    let client = world.key(&[], &[], &[]).await;
    let dir = world.db.dir.display().to_string();
    let before = client.sql("SELECT count(*) AS n FROM readings").await;
    world.db.store.flush().await.unwrap();
    let mut statements: Vec<String> = [
        "INSERT INTO readings SELECT * FROM readings",
        "INSERT INTO streams VALUES (1)",
        "DELETE FROM readings",
        "UPDATE readings SET value = 0",
        "TRUNCATE TABLE readings",
        "DROP TABLE readings",
        "DROP VIEW core_value",
        "CREATE TABLE t AS SELECT * FROM readings",
        "CREATE TABLE t (a INT)",
        "CREATE VIEW v AS SELECT * FROM readings",
        "CREATE OR REPLACE VIEW core_value AS SELECT 1",
        "CREATE SCHEMA s",
        "CREATE DATABASE d",
        "CREATE FUNCTION f(INT) RETURNS INT RETURN $1 + 1",
        "CREATE INDEX i ON readings (ts)",
        "ALTER TABLE readings ADD COLUMN x INT",
        "SET datafusion.execution.target_partitions = 1",
        "SET TIME ZONE '+02:00'",
        "RESET datafusion.execution.time_zone",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DEALLOCATE p",
        "GRANT SELECT ON readings TO PUBLIC",
        "VACUUM",
        "EXPLAIN INSERT INTO readings SELECT * FROM readings",
        "EXPLAIN ANALYZE INSERT INTO readings SELECT * FROM readings",
        "EXPLAIN ANALYZE DELETE FROM readings",
        "SELECT 1; DROP TABLE readings",
        "SELECT 1; SELECT 2",
        "COPY readings TO '/tmp/basalt-copied.parquet'",
        "COPY (SELECT 1) TO '/tmp/basalt-copied.csv' STORED AS CSV",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/basalt-copied.csv' STORED AS CSV",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM 'file:///etc/passwd'",
        "SELECT * FROM 'http://127.0.0.1:1/x.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('/etc/passwd')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
    ]
    .map(str::to_owned)
    .into();
    statements.push(format!("SELECT * FROM '{dir}/lake/readings'"));
    statements.push(format!("SELECT * FROM '{dir}/checkpoint.bin'"));
    for statement in &statements {
        let (status, answer) = client.try_sql(statement).await.outcome();
        assert!((400..500).contains(&status), "{statement}: {status} {answer}");
    }
    assert!(!std::path::Path::new("/tmp/basalt-copied.parquet").exists());
    assert!(!std::path::Path::new("/tmp/basalt-copied.csv").exists());
    assert_eq!(client.sql("SELECT count(*) AS n FROM readings").await, before);
}
