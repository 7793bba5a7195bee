//! Retention types of the schema: policies and dry runs.

use async_graphql::SimpleObject;

use crate::api::graphql::enums::RetentionTable;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::Micros;
use crate::domain::policy::PolicyTable;

/// Retention policy of one table.
#[derive(SimpleObject)]
pub struct RetentionPolicy {
    /// The table that the policy applies to.
    table: RetentionTable,
    /// Retention period, seconds; null keeps rows forever.
    drop_after: Option<BigInt>,
}

impl RetentionPolicy {
    /// Builds the policy of a table; `drop_after_s` are seconds, `None` keeps rows for ever.
    pub fn new(table: PolicyTable, drop_after_s: Option<i64>) -> Self {
        Self { table: table.into(), drop_after: drop_after_s.map(BigInt) }
    }
}

/// Dry run of a change of retention policies: the data that it would remove.
#[derive(SimpleObject)]
#[graphql(name = "RetentionForecast")]
pub struct RetentionDryRun {
    /// Number of rows that would be removed.
    rows: BigInt,
    /// Disk space that would be freed, bytes.
    bytes: BigInt,
    /// Number of Parquet files that would be removed entirely.
    files: BigInt,
    /// Rows before this time would be removed; null if none would be.
    before: Option<DateTime>,
}

impl RetentionDryRun {
    /// Builds it from rows, bytes and files, and the time before which rows would go.
    pub fn new([rows, bytes, files]: [u64; 3], before: Option<Micros>) -> Self {
        let [rows, bytes, files] = [rows, bytes, files].map(BigInt::saturating);
        Self { rows, bytes, files, before: before.map(DateTime) }
    }
}
