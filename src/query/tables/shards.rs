//! `shards`: which node owns what of the data, and how far it is. There is one shard: all of the data.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;

use super::paged_scan::{PageSource, PagedTable};
use super::{ints, optional_text};
use crate::domain::cluster::Shard;
use crate::query::context::QueryContext;

/// Returns the columns; rows up to `flushed_seq` are in the lake, those up to `seq` are durable.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let number = |name: &str, is_nullable| Field::new(name, DataType::Int64, is_nullable);
        Arc::new(Schema::new(vec![
            Field::new("shard", DataType::Int32, false),
            Field::new("owner", DataType::Utf8, true),
            number("epoch", true),
            number("seq", false),
            number("flushed_seq", false),
            number("lake_version", false),
        ]))
    });
    SCHEMA.clone()
}

/// The shards that a principal sees.
pub type ShardsTable = PagedTable<AllShards>;

/// The one page: all shards.
#[derive(Debug, Clone, Copy)]
pub struct AllShards;

impl PageSource for AllShards {
    const NAME: &'static str = "Shards";
    type Row = Shard;

    fn schema() -> SchemaRef {
        schema()
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

    fn batch(rows: &[Shard]) -> Result<RecordBatch> {
        let numbers = |get: fn(&Shard) -> u64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|shard| get(shard) as i64)))
        };
        let columns: Vec<ArrayRef> = vec![
            ints(rows, |shard| Some(shard.id)),
            optional_text(rows, |shard| shard.owner.as_deref()),
            Arc::new(Int64Array::from_iter(rows.iter().map(|shard| shard.epoch))),
            numbers(|shard| shard.seq),
            numbers(|shard| shard.flushed_seq),
            numbers(|shard| shard.lake_version),
        ];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}
