//! Statements of drivers and tools when they connect, when they list what there is, and when they chart it, with the answers that they need.
//! The statements of Npgsql, Power BI, Grafana, Ruby's pg, Metabase 0.57 and DBeaver 24.2.3 are written from what their sources ask. For Superset
//! 6.1.0, SQLAlchemy 1.4.54 below it was recorded, and the charts are written from its sources. The others were recorded.
//!
//! The files in `asked/` have blocks with an empty line between them. A block begins with its name; then come, each behind
//! `-- `, values of parameters (`$ value`, or `$= statement` that answers the value), the first columns of the rows (`= a|b`) or their
//! number (`rows 0`). A comment of the tool itself stands behind a space.

use std::path::Path;

use super::fixture::ToolsFixture;
use super::wire::{PgClient, PgError, Rows, columns, kinds};

/// A statement with what is known of its answer.
struct DriverStatement<'a> {
    name: &'a str,
    text: String,
    /// Values of parameters behind a space, or the statements that answer them behind `= `.
    values: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
    count: Option<usize>,
}

impl<'a> DriverStatement<'a> {
    fn parse(block: &'a str) -> DriverStatement<'a> {
        let (heads, text): (Vec<_>, Vec<_>) = block.lines().partition(|line| line.starts_with("-- "));
        let heads: Vec<&str> = heads.iter().map(|line| &line[3..]).collect();
        let behind = |sign: &'static str| heads[1..].iter().filter_map(move |head| head.strip_prefix(sign));
        DriverStatement {
            name: heads[0],
            text: text.join("\n"),
            values: behind("$").collect(),
            rows: behind("= ").map(|row| row.split('|').collect()).collect(),
            count: behind("rows ").next().map(|count| count.parse().unwrap()),
        }
    }

    async fn ask(&self, pg: &mut PgClient) -> Result<Rows, PgError> {
        if self.values.is_empty() {
            return pg.query(&self.text).await;
        }
        let mut values = Vec::new();
        for value in &self.values {
            values.push(match value.strip_prefix("= ") {
                Some(statement) => pg.query(statement).await?.remove(0).remove(0),
                None => value.strip_prefix(' ').map(str::to_owned),
            });
        }
        let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
        pg.query_with_params(&self.text, &values).await
    }

    fn check(&self, answer: &Rows) {
        assert_eq!(answer.len(), self.count.unwrap_or(self.rows.len()), "{}: {answer:?}", self.name);
        for (row, expected) in answer.iter().zip(&self.rows) {
            let shown: Vec<_> =
                row.iter().take(expected.len()).map(|cell| cell.as_deref().unwrap_or("NULL")).collect();
            assert_eq!(shown, *expected, "{}", self.name);
        }
    }
}

#[tokio::test]
async fn what_drivers_ask_is_answered_as_they_need_it() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/asked");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let blocks = std::fs::read_to_string(&path).unwrap();
        for asked in blocks.split("\n\n").map(DriverStatement::parse) {
            match asked.ask(&mut pg).await {
                Ok(rows) => asked.check(&rows),
                Err(error) => panic!("{}, {}: {error:?}", path.display(), asked.name),
            }
        }
    }
}

/// asyncpg knows `oid[]` and no other array before it has asked for the others.
#[tokio::test]
async fn columns_and_parameters_are_described_as_by_postgresql() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    for (text, expected) in [
        (
            "SELECT count(*), max(value), 1, 'a' AS \"A\", ts::date FROM readings GROUP BY ts",
            vec![("count", 20), ("max", 701), ("?column?", 20), ("A", 25), ("ts", 1082)],
        ),
        ("SELECT id, row_number() OVER (ORDER BY id) FROM streams", vec![("id", 23), ("row_number", 20)]),
        ("SELECT *, ts - lag(ts) OVER (ORDER BY ts) FROM latest", vec![("?column?", 1186)]),
        ("SELECT interval '1 day'", vec![("interval", 1186)]),
        (
            "SELECT ts AT TIME ZONE 'Asia/Tokyo' AS a, date_trunc('day', ts AT TIME ZONE 'Asia/Tokyo') AS b, \
             (ts AT TIME ZONE 'Asia/Tokyo')::timestamp AS c, ts AS d FROM readings",
            vec![("a", 1114), ("b", 1114), ("c", 1114), ("d", 1184)],
        ),
        ("SELECT oid, typinput FROM pg_catalog.pg_type", vec![("oid", 26), ("typinput", 25)]),
    ] {
        pg.parse("", text, &[]).await;
        pg.bind("", "", [0, 0], &[]).await;
        pg.send('D', b"P\0").await;
        pg.execute("", 1).await;
        let described = columns(&pg.sync().await.unwrap());
        let behind = described.iter().skip(described.len() - expected.len());
        assert_eq!(behind.map(|(name, oid)| (name.as_str(), *oid)).collect::<Vec<_>>(), expected, "{text}");
    }
    pg.parse("", "SELECT 1 FROM pg_catalog.pg_type WHERE oid = any($1::oid[])", &[]).await;
    pg.send('D', b"S\0").await;
    let described = pg.sync().await.unwrap();
    assert_eq!(kinds(&described), "1tTZ");
    assert_eq!(described[1].1[2..], 1028_u32.to_be_bytes());
}
