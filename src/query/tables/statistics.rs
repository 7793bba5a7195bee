//! `statistics`: what the values of each window amount to, computed by the server and written by hand.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use crate::query::rollup::windows::{WindowRows, Wish};
use crate::query::scan::bounds::{self, Bounds};
use crate::query::scan::leaf::Leaf;
use crate::query::scan::provider::{Scan, hint};
use crate::query::session::View;
use crate::store::table::Table;

/// The columns shown, of those stored.
const COLUMNS: [&str; 12] =
    ["stream_id", "ts", "window_s", "count", "mean", "rms", "median", "min", "max", "q1", "q3", "origin"];

/// Statistics of one snapshot, as one principal sees them.
#[derive(Debug)]
pub struct Statistics {
    view: View,
    /// Whether a row written by hand takes the place of the computed one, as DataStone's lists have it.
    overlay: bool,
}

impl Statistics {
    pub fn new(view: View, overlay: bool) -> Self {
        Self { view, overlay }
    }
}

fn columns() -> Vec<usize> {
    let stored = Table::Statistics.schema();
    COLUMNS.iter().map(|name| stored.index_of(name).expect("a column shown is stored")).collect()
}

pub fn schema() -> SchemaRef {
    Arc::new(Table::Statistics.schema().project(&columns()).expect("columns of this schema"))
}

impl Scan for Statistics {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    /// Comparisons of stream_id and ts bound what is read.
    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown {
        hint(bounds::is_plain(filter))
    }

    fn plan(&self, state: &dyn Session, shown: &[usize], filters: &[Expr]) -> Result<Arc<dyn ExecutionPlan>> {
        let bounds = Bounds::from_filters(filters);
        let all = columns();
        let columns = shown.iter().map(|i| all[*i]).collect();
        let visible = self.view.visible().ids().iter().copied();
        let wanted = |id: &i32| bounds.streams.as_ref().is_none_or(|ids| ids.contains(id));
        let wish =
            Wish { streams: visible.filter(wanted).collect(), ts: bounds.ts, overlay: self.overlay, columns };
        let partitions = state.config().target_partitions();
        Ok(Arc::new(Leaf::new(WindowRows::new(&self.view, wish, partitions)?, partitions)))
    }
}
