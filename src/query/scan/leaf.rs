//! A leaf of a plan that reads rows by itself, and of which a plan tells nothing but the name.
//!
//! What a leaf reads is cut to the principal's rows inside it: there is nothing below, so that no rule pushes an
//! expression there, and neither EXPLAIN nor EXPLAIN ANALYZE tells of rows from before the cut.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
    SortOrderPushdownResult,
};

/// Where the rows of a leaf come from.
pub trait Rows: Send + Sync + 'static {
    /// What plans call it.
    fn name(&self) -> &'static str;

    fn schema(&self) -> SchemaRef;

    /// The rows of one of the partitions; called once for each.
    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream>;

    /// The same rows in exactly this order, if they can be had so without sorting.
    fn turned(&self, _order: &[PhysicalSortExpr]) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        Ok(None)
    }
}

/// The rows of a source; in no order, as far as a plan knows, unless it is told.
pub struct Leaf<R> {
    rows: R,
    properties: Arc<PlanProperties>,
    estimate: Precision<usize>,
}

impl<R: Rows> Leaf<R> {
    /// `partitions` must not depend on rows that the principal does not see.
    pub fn new(rows: R, partitions: usize) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(rows.schema()),
            Partitioning::UnknownPartitioning(partitions.max(1)),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { rows, properties: Arc::new(properties), estimate: Precision::Absent }
    }

    /// With what is known of the rows of each partition. It must follow from the question alone.
    pub fn with_known(mut self, known: EquivalenceProperties) -> Self {
        let properties = PlanProperties::clone(&self.properties).with_eq_properties(known);
        self.properties = Arc::new(properties);
        self
    }

    /// With about how many rows to expect, so that few are not spread over threads. Nor may this depend on rows that
    /// the principal does not see.
    pub fn with_estimate(mut self, rows: usize) -> Self {
        self.estimate = Precision::Inexact(rows);
        self
    }
}

impl<R: Rows> fmt::Debug for Leaf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rows.name())
    }
}

impl<R: Rows> DisplayAs for Leaf<R> {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rows.name())
    }
}

impl<R: Rows> ExecutionPlan for Leaf<R> {
    fn name(&self) -> &str {
        self.rows.name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let mut unknown = Statistics::new_unknown(&self.schema());
        if partition.is_none() {
            unknown.num_rows = self.estimate;
        }
        Ok(Arc::new(unknown))
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
    ) -> Result<SortOrderPushdownResult<Arc<dyn ExecutionPlan>>> {
        Ok(match self.rows.turned(order)? {
            Some(inner) => SortOrderPushdownResult::Exact { inner },
            None => SortOrderPushdownResult::Unsupported,
        })
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.rows.open(partition, context)
    }
}
