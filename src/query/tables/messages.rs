//! `messages`: packets and documents as they came from devices.

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
use crate::query::scan::keyed::{self, KeyedScan};
use crate::query::scan::leaf::{Leaf, Rows};
use crate::query::scan::provider::{Scan, hint};
use crate::query::scan::text_rows;
use crate::query::session::View;
use crate::store::lake::source::Wanted;
use crate::store::table::Table;

/// The column of texts that can be long.
const PAYLOAD: usize = 5;
/// Batches read ahead of whoever takes them.
const AHEAD: usize = 2;

/// Messages of one snapshot, as one principal sees them: those of devices that are wholly his. A message holds what
/// all streams of its device said, so seeing one of these is not enough.
#[derive(Debug)]
pub struct Messages {
    view: View,
}

impl Messages {
    pub fn new(view: View) -> Self {
        Self { view }
    }
}

/// Every column but the last, which is seq.
pub fn schema() -> SchemaRef {
    let stored = Table::Messages.schema();
    let shown: Vec<usize> = (0..stored.fields().len() - 1).collect();
    Arc::new(stored.project(&shown).expect("columns of this schema"))
}

impl Scan for Messages {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    /// Comparisons of device_id and ts bound what is read.
    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown {
        hint(keyed::is_plain(filter, "device_id"))
    }

    fn plan(
        &self,
        state: &dyn Session,
        columns: &[usize],
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let bounds = keyed::bounds(filters, "device_id");
        let wanted = |id: &i32| bounds.streams.as_ref().is_none_or(|ids| ids.contains(id));
        let ids: Vec<i32> = self.view.own_devices().into_iter().filter(wanted).collect();
        let partitions = state.config().target_partitions();
        // The key leads, as reading it needs.
        let mut read: Vec<usize> = vec![0, 1, 2];
        read.extend(columns.iter().copied().filter(|column| *column > 2));
        read.sort_unstable();
        let snapshot = self.view.snapshot.clone();
        if columns.contains(&PAYLOAD) {
            let messages = &snapshot.keyed[Table::Messages];
            self.view.texts.note(text_rows::of_files(messages.lake.files()));
        }
        let scan = KeyedScan { snapshot, table: Table::Messages, columns: read };
        let rows = MessageRows {
            days: scan.days(bounds.ts),
            wanted: Wanted { ids: Some(ids.into()), ts: bounds.ts, label: None },
            schema: Arc::new(schema().project(columns)?),
            scan,
            columns: columns.to_vec(),
            partitions: partitions.max(1),
        };
        Ok(Arc::new(Leaf::new(rows, partitions)))
    }
}

struct MessageRows {
    scan: KeyedScan,
    days: Vec<Day>,
    wanted: Wanted,
    /// Indices into `schema()`.
    columns: Vec<usize>,
    schema: SchemaRef,
    partitions: usize,
}

impl Rows for MessageRows {
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
        let mut stream = RecordBatchReceiverStreamBuilder::new(self.schema(), AHEAD);
        let sender = stream.tx();
        stream.spawn_blocking(move || {
            for day in days {
                let mut give = |rows: crate::store::keyed::KeyedRows| {
                    let batch = rows.batch().project(&shown).map_err(DataFusionError::from);
                    // Whoever asked may have left.
                    Ok(sender.blocking_send(batch).is_ok())
                };
                let read = scan.day(day, &wanted, &mut give);
                if !read.map_err(|e| DataFusionError::External(Box::new(e)))? {
                    return Ok(());
                }
            }
            Ok(())
        });
        Ok(stream.build())
    }
}
