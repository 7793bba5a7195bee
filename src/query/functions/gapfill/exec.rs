//! Gap filling operator: one input partition, ordered by group and bucket, with its gaps filled.

use std::fmt;
use std::sync::Arc;

use arrow::compute::SortOptions;
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexOrdering, OrderingRequirements, Partitioning, PhysicalExpr,
    PhysicalSortExpr,
};
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::distribution_requirements::InputDistributionRequirements;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

use super::fill::{FillRange, GapFillLayout};
use super::rows::GapFillStream;
use crate::domain::Micros;

/// Fills gaps. Buffers the aggregated rows of one group at a time, accounted for in the query's memory pool; gap rows
/// are created as they are read, so a narrow bucket over a wide range costs time, not memory.
#[derive(Debug)]
pub struct GapFillExec {
    input: Arc<dyn ExecutionPlan>,
    layout: GapFillLayout,
    range: FillRange,
    ordering: LexOrdering,
    properties: Arc<PlanProperties>,
}

impl GapFillExec {
    /// Creates the operator; it requires the input ordered by the groups, then by the bucket, both ascending.
    pub fn new(input: Arc<dyn ExecutionPlan>, layout: GapFillLayout, range: FillRange) -> Result<Self> {
        let schema = input.schema();
        let by = |i: usize| {
            let column = Arc::new(Column::new(schema.field(i).name(), i));
            PhysicalSortExpr::new(column, SortOptions { descending: false, nulls_first: false })
        };
        let columns = layout.groups.iter().copied().chain([layout.bucket]);
        let ordering = LexOrdering::new(columns.map(by))
            .ok_or_else(|| internal_datafusion_err!("GapFill orders by the bucket at least"))?;
        let order = EquivalenceProperties::new_with_orderings(layout.schema.clone(), [ordering.clone()]);
        let properties = PlanProperties::new(
            order,
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Ok(Self { input, layout, range, ordering, properties: Arc::new(properties) })
    }
}

impl DisplayAs for GapFillExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.layout.schema.fields();
        let (from, until) = (Micros(self.range.from), Micros(self.range.until));
        write!(f, "GapFillExec: bucket={}, from={from}, until={until}", fields[self.layout.bucket].name())
    }
}

impl ExecutionPlan for GapFillExec {
    fn name(&self) -> &str {
        "GapFillExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![Some(OrderingRequirements::from(self.ordering.clone()))]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let mut next = TreeNodeRecursion::Continue;
        for fill in &self.layout.fills {
            next = next.visit_sibling(|| f(&fill.of))?;
        }
        Ok(next)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| internal_datafusion_err!("GapFill has one input"))?;
        Ok(Arc::new(Self::new(input, self.layout.clone(), self.range.clone())?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let memory = MemoryConsumer::new("GapFill").register(context.memory_pool());
        let input = self.input.execute(partition, context.clone())?;
        let batch_rows = context.session_config().batch_size();
        let filler = GapFillStream::new(input, self.layout.clone(), self.range.clone(), batch_rows, memory)?;
        // Gap rows need no input, so the stream must yield between them for the query's timeout to apply.
        Ok(make_cooperative(Box::pin(RecordBatchStreamAdapter::new(self.schema(), filler.batches()))))
    }
}
