//! `readings(stream_id, ts, value, text, quality, seq)`: every visible reading, one row a (stream_id, ts).

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use crate::query::scan::bounds::{self, Bounds};
use crate::query::scan::plan::ReadingsScan;
use crate::query::scan::provider::{Scan, hint};
use crate::query::scan::stream_rows::StreamRows;
use crate::query::session::View;
use crate::store::schema;

/// Readings of one snapshot, as one principal sees them.
#[derive(Debug)]
pub struct Readings {
    view: View,
}

impl Readings {
    pub fn new(view: View) -> Self {
        Self { view }
    }

    pub fn view(&self) -> &View {
        &self.view
    }
}

impl Scan for Readings {
    fn schema(&self) -> SchemaRef {
        schema::readings()
    }

    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown {
        match bounds::is_plain(filter) {
            true => TableProviderFilterPushDown::Exact,
            // It chooses pages, and the filter itself stays above the principal's.
            false => hint(bounds::is_of_value(filter)),
        }
    }

    fn plan(
        &self,
        state: &dyn Session,
        columns: &[usize],
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (bounds, rest) = Bounds::split(filters);
        let plain = rest.into_iter().filter(bounds::is_plain);
        let filter = match conjunction(plain) {
            Some(all) => Some(state.create_physical_expr(all, &DFSchema::try_from(schema::readings())?)?),
            None => None,
        };
        let partitions = state.config().target_partitions();
        let one = bounds.one_stream();
        let (view, visible) = (self.view.clone(), self.view.visible().clone());
        let scan = ReadingsScan { view, visible, bounds, filter, partitions };
        if columns.contains(&schema::TEXT) {
            scan.note_texts();
        }
        match one {
            Some(stream) => Ok(Arc::new(StreamRows::new(scan, stream, columns)?.leaf()?)),
            None => scan.plan(columns),
        }
    }
}
