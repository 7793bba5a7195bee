//! `messages`: packets and documents as received from devices.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::exec_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};

use crate::domain::time::Day;
use crate::query::context::QueryContext;
use crate::query::scan::opaque_scan::{OpaqueScanExec, RowSource};
use crate::query::scan::table_provider::{ScanPlanner, pruning_only};
use crate::query::scan::text_batch_size;
use crate::query::scan::upsert_scan::{self, UpsertScan};
use crate::store::lake::table_reader::ReadFilter;
use crate::store::table::Table;

/// Index of the text column, which can be long.
const PAYLOAD_COLUMN: usize = 5;
/// Batches read ahead of the consumer.
const MAX_PREFETCHED_BATCHES: usize = 2;

/// Messages of one snapshot: those of devices that the principal sees completely. A message contains data of all
/// streams of its device, so access to one of these is not enough.
#[derive(Debug)]
pub struct MessagesTable {
    query_context: QueryContext,
}

impl MessagesTable {
    pub fn new(query_context: QueryContext) -> Self {
        Self { query_context }
    }
}

/// Returns every column but the last, which is seq.
pub fn schema() -> SchemaRef {
    let stored = Table::Messages.schema();
    let shown: Vec<usize> = (0..stored.fields().len() - 1).collect();
    Arc::new(stored.project(&shown).expect("columns of this schema"))
}

impl ScanPlanner for MessagesTable {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    /// Comparisons of device_id and ts narrow the scan.
    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown {
        pruning_only(upsert_scan::is_key_comparison(filter, "device_id"))
    }

    fn plan(
        &self,
        state: &dyn Session,
        columns: &[usize],
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let bounds = upsert_scan::bounds(filters, "device_id");
        let wanted = |id: &i32| bounds.streams.as_ref().is_none_or(|ids| ids.contains(id));
        let ids: Vec<i32> = self.query_context.own_devices().into_iter().filter(wanted).collect();
        let partitions = state.config().target_partitions();
        // The scan needs the key columns first.
        let mut read: Vec<usize> = vec![0, 1, 2];
        read.extend(columns.iter().copied().filter(|column| *column > 2));
        read.sort_unstable();
        let snapshot = self.query_context.snapshot.clone();
        if columns.contains(&PAYLOAD_COLUMN) {
            let messages = &snapshot.upsert_tables[Table::Messages];
            self.query_context
                .text_batch_size
                .record(text_batch_size::longest_text_in_files(messages.lake.files()));
        }
        let scan = UpsertScan { snapshot, table: Table::Messages, columns: read };
        let rows = MessagesScan {
            days: scan.days(bounds.ts),
            wanted: ReadFilter { ids: Some(ids.into()), ts: bounds.ts, label: None },
            schema: Arc::new(schema().project(columns)?),
            scan,
            columns: columns.to_vec(),
            partitions: partitions.max(1),
        };
        Ok(Arc::new(OpaqueScanExec::new(rows, partitions)))
    }
}

struct MessagesScan {
    scan: UpsertScan,
    days: Vec<Day>,
    wanted: ReadFilter,
    /// Indices into `schema()`.
    columns: Vec<usize>,
    schema: SchemaRef,
    partitions: usize,
}

impl RowSource for MessagesScan {
    fn name(&self) -> &'static str {
        "Messages"
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let days: Vec<Day> = self.days.iter().skip(partition).step_by(self.partitions).copied().collect();
        let (scan, wanted, shown) = (self.scan.clone(), self.wanted.clone(), self.columns.clone());
        let place = |column: &usize| scan.columns.iter().position(|read| read == column);
        let shown: Option<Vec<usize>> = shown.iter().map(place).collect();
        let shown = shown.ok_or_else(|| exec_datafusion_err!("a column of messages was not read"))?;
        let mut stream = RecordBatchReceiverStreamBuilder::new(self.schema(), MAX_PREFETCHED_BATCHES);
        let sender = stream.tx();
        stream.spawn_blocking(move || {
            for day in days {
                let mut give = |rows: crate::store::upsert_rows::UpsertRows| {
                    let batch = rows.batch().project(&shown).map_err(DataFusionError::from);
                    // The reader may be gone.
                    Ok(sender.blocking_send(batch).is_ok())
                };
                let read = scan.read_day(day, &wanted, &mut give);
                if !read.map_err(|e| DataFusionError::External(Box::new(e)))? {
                    return Ok(());
                }
            }
            Ok(())
        });
        Ok(stream.build())
    }
}
