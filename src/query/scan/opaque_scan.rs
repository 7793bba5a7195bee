//! Leaf of a plan that reads rows itself and shows only its name to the plan.
//!
//! The rows are cut to those of the principal inside the leaf. It has no children, so that no rule pushes an expression
//! below the cut, and neither EXPLAIN nor EXPLAIN ANALYZE reveals rows from before it.

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

/// Source of a leaf's rows.
pub trait RowSource: Send + Sync + 'static {
    /// The name in plans.
    fn name(&self) -> &'static str;

    /// Text that plans show beside the name. It must follow from the query alone.
    fn detail(&self) -> Option<&'static str> {
        None
    }

    fn schema(&self) -> SchemaRef;

    /// Opens a partition; called once for each.
    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream>;

    /// Returns the same rows in exactly this order, if that needs no sort.
    fn reordered(&self, _order: &[PhysicalSortExpr]) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        Ok(None)
    }
}

/// A leaf over a row source. The plan assumes no order unless equivalences are given.
pub struct OpaqueScanExec<R> {
    rows: R,
    properties: Arc<PlanProperties>,
    estimate: Precision<usize>,
}

impl<R: RowSource> OpaqueScanExec<R> {
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

    /// Returns the source of the rows.
    pub fn source(&self) -> &R {
        &self.rows
    }

    /// Declares properties of each partition's rows. They must follow from the query alone.
    pub fn with_equivalences(mut self, known: EquivalenceProperties) -> Self {
        let properties = PlanProperties::clone(&self.properties).with_eq_properties(known);
        self.properties = Arc::new(properties);
        self
    }

    /// Sets the approximate number of rows, so that few rows are not spread over threads. It must not depend on rows
    /// that the principal does not see either.
    pub fn with_estimate(mut self, rows: usize) -> Self {
        self.estimate = Precision::Inexact(rows);
        self
    }
}

impl<R: RowSource> fmt::Debug for OpaqueScanExec<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rows.name())
    }
}

impl<R: RowSource> DisplayAs for OpaqueScanExec<R> {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows.detail() {
            Some(detail) => write!(f, "{}: {detail}", self.rows.name()),
            None => f.write_str(self.rows.name()),
        }
    }
}

impl<R: RowSource> ExecutionPlan for OpaqueScanExec<R> {
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
        Ok(match self.rows.reordered(order)? {
            Some(inner) => SortOrderPushdownResult::Exact { inner },
            None => SortOrderPushdownResult::Unsupported,
        })
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.rows.open(partition, context)
    }
}
