//! Queries of tools to `pg_catalog`, which tells a key of its own tables only.

use std::collections::BTreeSet;

use super::fixture::ToolsFixture;
use super::wire::PgClient;
use crate::support::rows;

const TABLES: &str = "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = 'public' ORDER BY 1";

#[tokio::test]
async fn the_catalog_shows_what_the_key_may_read() {
    let world = ToolsFixture::new(&[]).await;
    let streams = world.server.create_key(&["--scope", "data:read"]).await;
    let rows = [
        ("everything", world.key(), 27),
        ("streams", streams.as_str(), 2),
        ("restricted", &world.restricted, 27),
    ];
    for (name, key, count) in rows {
        let mut pg = PgClient::connect(&world.server.pg_address(), key).await.unwrap();
        let tables = pg.query(TABLES).await.unwrap();
        assert_eq!(tables.len(), count, "{name}: {tables:?}");
        let listed =
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1";
        assert_eq!(pg.query(listed).await.unwrap(), tables, "{name}");
        let granted = "SELECT table_name FROM information_schema.role_table_grants ORDER BY 1";
        assert_eq!(pg.query(granted).await.unwrap(), tables, "{name}");
        let columns = "SELECT DISTINCT c.relname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c \
             ON c.oid = a.attrelid ORDER BY 1";
        assert_eq!(pg.query(columns).await.unwrap(), tables, "{name}");
    }
}

/// `\df` lists what docs/sql.md says of functions, and what it lists is there to be called.
#[tokio::test]
async fn the_functions_listed_are_those_of_the_document() {
    let (world, mut pg) = ToolsFixture::with_client(&[]).await;
    let sql = "SELECT DISTINCT p.proname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
         WHERE n.nspname = 'public' ORDER BY 1";
    let listed: BTreeSet<String> =
        pg.query(sql).await.unwrap().into_iter().map(|row| row[0].clone().unwrap()).collect();
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sql.md")).unwrap();
    let table = document.split("| function | answers |").nth(1).unwrap().split("\n\n").next().unwrap();
    let named = table.split('`').skip(1).step_by(2).filter_map(|call| call.split_once('('));
    let named: BTreeSet<String> = named.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(listed, named);
    let known = world
        .server
        .client()
        .sql("SELECT DISTINCT routine_name AS name FROM information_schema.routines")
        .await;
    for name in &listed {
        assert!(known.iter().any(|row| row["name"] == **name), "there is no function {name}");
    }
    let counts = "SELECT count(*), count(DISTINCT oid) FROM pg_catalog.pg_proc";
    let counts = pg.query(counts).await.unwrap().remove(0);
    assert_eq!(counts[0], counts[1], "each has a number of its own");
}

#[tokio::test]
async fn a_restricted_key_sees_its_rows_only() {
    let world = ToolsFixture::new(&[]).await;
    let mut pg = PgClient::connect(&world.server.pg_address(), &world.restricted).await.unwrap();
    let rows = [
        ("SELECT count(*) FROM readings", "120"),
        ("SELECT count(*) FROM readings WHERE value < 0", "0"),
        ("SELECT count(*) FROM streams", "1"),
        ("SELECT count(*) FROM streams s JOIN pg_catalog.pg_class c ON c.relname = s.name", "0"),
        ("SELECT count(*) FROM latest", "1"),
    ];
    for (text, expected) in rows {
        assert_eq!(pg.query(text).await.unwrap()[0][0].as_deref(), Some(expected), "{text}");
        assert_eq!(pg.query_with_params(text, &[]).await.unwrap()[0][0].as_deref(), Some(expected), "{text}");
    }
}

#[tokio::test]
async fn numbers_of_objects_hold_over_connections() {
    let world = ToolsFixture::new(&[]).await;
    let sql = "SELECT oid FROM pg_catalog.pg_class WHERE relname = 'readings'";
    let mut found = Vec::new();
    for _ in 0..3 {
        let mut pg = world.connect().await;
        // Another table first: the order of questions makes no difference.
        pg.query("SELECT nspname FROM pg_catalog.pg_namespace").await.unwrap();
        found.push(pg.query(sql).await.unwrap());
        found.push(pg.query("SELECT 'readings'::regclass::oid").await.unwrap());
    }
    assert!(found.iter().all(|rows| *rows == found[0] && rows.len() == 1), "{found:?}");
}

/// Answers what clients say when they come in, and when they list what there is.
#[tokio::test]
async fn what_tools_ask_is_answered() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    let rows = rows![
        "jdbc_tables",
            "SELECT current_database() AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME FROM \
            pg_catalog.pg_namespace n, pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_description d ON (c.oid = d.objoid AND \
            d.objsubid = 0) WHERE c.relnamespace = n.oid AND n.nspname LIKE 'public' ORDER BY TABLE_SCHEM, TABLE_NAME";
        "psycopg_types",
            "SELECT typname AS name, oid, typarray AS array_oid, oid::regtype::text AS regtype, typdelim AS \
            delimiter FROM pg_type t WHERE t.oid = to_regtype('hstore') ORDER BY t.oid";
        "grafana_version", "SELECT current_setting('server_version_num')::int/100 as version";
        "grafana_columns",
            "SELECT quote_ident(column_name) AS \"column\", data_type AS \"type\" FROM \
            information_schema.columns WHERE quote_ident(table_name) = 'readings'";
        "plan", "EXPLAIN (ANALYZE, VERBOSE, COSTS off, BUFFERS off, TIMING off, FORMAT TEXT) SELECT 1";
        "asyncpg", "UNLISTEN *";
        "pool", "DISCARD ALL";
    ];
    for (name, text) in rows {
        if let Err(error) = pg.query(text).await {
            panic!("{name}: {error:?}");
        }
    }
}
