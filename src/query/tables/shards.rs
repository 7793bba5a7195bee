//! `shards`: which node owns what of the data, and how far it is. There is one shard: all of the data.

use arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;

use super::paged_scan::PageSource;
use super::row_table::{ColumnDef, column};
use super::{ints, longs, optional_text};
use crate::domain::cluster::Shard;
use crate::query::context::QueryContext;

/// The one page: all shards.
#[derive(Debug, Clone, Copy)]
pub struct AllShards;

impl PageSource for AllShards {
    const NAME: &'static str = "Shards";
    type Row = Shard;

    /// Returns the columns; rows up to `flushed_seq` are in the lake, those up to `seq` are durable.
    fn columns() -> Vec<ColumnDef<Shard>> {
        vec![
            column("shard", DataType::Int32, false, |rows: &[Shard]| ints(rows, |s| Some(s.id))),
            column("owner", DataType::Utf8, true, |rows| optional_text(rows, |s| s.owner.as_deref())),
            column("epoch", DataType::Int64, true, |rows| longs(rows, |s| s.epoch)),
            column("seq", DataType::Int64, false, |rows| longs(rows, |s| Some(s.seq as i64))),
            column("flushed_seq", DataType::Int64, false, |rows| longs(rows, |s| Some(s.flushed_seq as i64))),
            column("lake_version", DataType::Int64, false, |rows| {
                longs(rows, |s| Some(s.lake_version as i64))
            }),
        ]
    }

    fn first_page(_: &[Expr]) -> Self {
        AllShards
    }

    async fn read(self, query_context: &QueryContext) -> crate::domain::Result<Vec<Shard>> {
        query_context.shards().await
    }

    fn is_last(_: &[Shard]) -> bool {
        true
    }

    fn page_after(self, _: &Shard) -> Self {
        self
    }
}
