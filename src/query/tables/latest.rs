//! `latest(stream_id, ts, value, text, quality)`: the newest reading of every visible stream, from memory.
//!
//! It is read when the query is planned and may be newer than the snapshot of the query's other tables; it is never
//! older than an acknowledged write.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use crate::domain::reading::Reading;
use crate::query::context::QueryContext;
use crate::query::scan::bounds::Bounds;
use crate::query::scan::table_provider::ScanPlanner;
use crate::store::memtable::run::Run;
use crate::store::schema::{self, QUALITY, STREAM_ID, TEXT, TS, VALUE};

const COLUMNS: [usize; 5] = [STREAM_ID, TS, VALUE, TEXT, QUALITY];

/// Returns the schema.
pub fn schema() -> SchemaRef {
    let readings = schema::readings();
    Arc::new(Schema::new(COLUMNS.map(|column| readings.field(column).clone()).to_vec()))
}

/// The newest readings that a principal may see.
#[derive(Debug)]
pub struct LatestTable {
    query_context: QueryContext,
}

impl LatestTable {
    pub fn new(query_context: QueryContext) -> Self {
        Self { query_context }
    }

    /// Returns one row, by stream, for each stream whose newest reading is within the bounds. A query for some streams
    /// looks up only those.
    fn rows(&self, bounds: &Bounds) -> RecordBatch {
        let newest =
            |stream| self.query_context.current_reading(stream).filter(|r| bounds.ts.contains(r.ts.0));
        let found: Vec<Reading> = match &bounds.streams {
            Some(streams) => streams.iter().copied().filter_map(newest).collect(),
            None => self.query_context.visible_streams().ids().iter().copied().filter_map(newest).collect(),
        };
        schema::run_to_batch(&Run::new(found.into_iter().collect(), 0), &COLUMNS)
    }
}

impl ScanPlanner for LatestTable {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown {
        match Bounds::split(std::slice::from_ref(filter)).1.is_empty() {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        }
    }

    fn plan(&self, _: &dyn Session, columns: &[usize], filters: &[Expr]) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = vec![vec![self.rows(&Bounds::from_filters(filters))]];
        Ok(MemorySourceConfig::try_new_exec(&rows, schema(), Some(columns.to_vec()))?)
    }
}
