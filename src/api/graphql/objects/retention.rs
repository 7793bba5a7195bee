//! Retention in the graph: how long rows are kept.

use async_graphql::SimpleObject;

use crate::api::graphql::enums::RetentionTable;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::Micros;
use crate::domain::policy::PolicyTable;

/// How long a table keeps its rows.
#[derive(SimpleObject)]
pub struct RetentionPolicy {
    /// The table whose rows it removes.
    table: RetentionTable,
    /// Seconds; null keeps them for ever.
    drop_after: Option<BigInt>,
}

impl RetentionPolicy {
    pub fn new(table: PolicyTable, drop_after_s: Option<i64>) -> Self {
        Self { table: table.into(), drop_after: drop_after_s.map(BigInt) }
    }
}

/// What a change of policies would remove from the disk.
#[derive(SimpleObject)]
pub struct RetentionForecast {
    /// Rows that would go.
    rows: BigInt,
    /// What would become free on the disk, bytes.
    bytes: BigInt,
    /// Parquet files that would go whole.
    files: BigInt,
    /// Rows before this would go; null when none would.
    before: Option<DateTime>,
}

impl RetentionForecast {
    pub fn new([rows, bytes, files]: [u64; 3], before: Option<Micros>) -> Self {
        let count = |n: u64| BigInt(i64::try_from(n).unwrap_or(i64::MAX));
        Self { rows: count(rows), bytes: count(bytes), files: count(files), before: before.map(DateTime) }
    }
}
