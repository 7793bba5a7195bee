//! Plans the logical node as the gap filling operator, with its constants evaluated.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, exec_err, internal_datafusion_err};
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use datafusion::scalar::ScalarValue;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::exec::GapFillExec;
use super::fill::{FillRange, GapFillLayout, PlannedFill};
use super::marker::GapFillFunction;
use super::node::GapFill;
use super::range::{Side, TimeBound};
use crate::query::functions::time_bucket;

/// DataFusion's planner, extended by `GapFill`.
pub struct GapFillQueryPlanner(DefaultPhysicalPlanner);

impl Default for GapFillQueryPlanner {
    fn default() -> Self {
        Self(DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(GapFillPlanner)]))
    }
}

impl fmt::Debug for GapFillQueryPlanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GapFillQueryPlanner")
    }
}

impl QueryPlanner for GapFillQueryPlanner {
    // Spelled as `async_trait` does, but for the future: see `domain::type_erased`.
    fn create_physical_plan<'life0, 'life1, 'life2, 'async_trait>(
        &'life0 self,
        plan: &'life1 LogicalPlan,
        session: &'life2 dyn Session,
    ) -> BoxFuture<'async_trait, Result<Arc<dyn ExecutionPlan>>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        Self: 'async_trait,
    {
        self.0.create_physical_plan(plan, session)
    }
}

/// Plans `GapFill` and nothing else.
pub struct GapFillPlanner;

impl ExtensionPlanner for GapFillPlanner {
    // Spelled as `async_trait` does, but for the future: see `domain::type_erased`.
    fn plan_extension<'life0, 'life1, 'life2, 'life3, 'life4, 'life5, 'life6, 'life7, 'async_trait>(
        &'life0 self,
        planner: &'life1 dyn PhysicalPlanner,
        node: &'life2 dyn UserDefinedLogicalNode,
        _: &'life3 [&'life4 LogicalPlan],
        inputs: &'life5 [Arc<dyn ExecutionPlan>],
        session: &'life6 dyn Session,
        context: &'life7 PhysicalPlanningContext,
    ) -> BoxFuture<'async_trait, Result<Option<Arc<dyn ExecutionPlan>>>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        'life3: 'async_trait,
        'life4: 'async_trait,
        'life5: 'async_trait,
        'life6: 'async_trait,
        'life7: 'async_trait,
        Self: 'async_trait,
    {
        let node = node.as_any().downcast_ref::<GapFill>();
        let planning = node.map(|node| Planning { planner, session, context, node });
        ready(planning.map(|planning| planning.plan(inputs)).transpose()).boxed()
    }
}

/// The planning of one node.
struct Planning<'a> {
    planner: &'a dyn PhysicalPlanner,
    session: &'a dyn Session,
    context: &'a PhysicalPlanningContext,
    node: &'a GapFill,
}

impl Planning<'_> {
    fn plan(&self, inputs: &[Arc<dyn ExecutionPlan>]) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = inputs else { return Err(internal_datafusion_err!("GapFill has one input")) };
        Ok(Arc::new(GapFillExec::new(input.clone(), self.layout()?, self.range()?)?))
    }

    /// Returns the roles of the input's columns.
    fn layout(&self) -> Result<GapFillLayout> {
        let input = self.node.input.schema();
        let place = |column: &Expr| match column {
            Expr::Column(column) => input.index_of_column(column),
            other => Err(internal_datafusion_err!("GapFill groups by the expression {other}")),
        };
        let fill = |fill: &super::node::FillColumn| -> Result<PlannedFill> {
            let of = self.planner.create_physical_expr(&fill.of, input, self.session, self.context)?;
            Ok(PlannedFill { is_line: fill.how == GapFillFunction::Interpolate, of })
        };
        Ok(GapFillLayout {
            bucket: place(&self.node.bucket)?,
            groups: self.node.groups.iter().map(place).collect::<Result<_>>()?,
            fills: self.node.fills.iter().map(fill).collect::<Result<_>>()?,
            schema: Arc::new(UserDefinedLogicalNodeCore::schema(self.node).as_arrow().clone()),
        })
    }

    /// Returns the buckets and the range to fill.
    fn range(&self) -> Result<FillRange> {
        const NAME: &str = "time_bucket_gapfill";
        let spec = &self.node.spec;
        let width = self.constant(&spec.width)?;
        let zone = spec.zone.as_ref().map(|zone| self.constant(zone)).transpose()?;
        let Some(buckets) = time_bucket::buckets(NAME, &width, zone.as_ref())? else {
            return exec_err!("{NAME}: interval and timezone must not be NULL");
        };
        let (mut from, mut until) = (i64::MIN, i64::MAX);
        for bound in &spec.bounds {
            let at = self.time(bound)?;
            match bound.side {
                Side::From => from = from.max(at),
                Side::After => from = from.max(at.saturating_add(1)),
                Side::Through => until = until.min(at.saturating_add(1)),
                Side::Before => until = until.min(at),
            }
        }
        Ok(FillRange { buckets, from, until })
    }

    fn time(&self, bound: &TimeBound) -> Result<i64> {
        match self.constant(&bound.at)? {
            ScalarValue::TimestampMicrosecond(Some(at), _) => Ok(at),
            _ => exec_err!("time_bucket_gapfill: the range to fill must not begin or end with NULL"),
        }
    }

    fn constant(&self, expr: &Expr) -> Result<ScalarValue> {
        let no_columns = DFSchema::empty();
        let expr = self.planner.create_physical_expr(expr, &no_columns, self.session, self.context)?;
        let one_row = RecordBatchOptions::new().with_row_count(Some(1));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &one_row)?;
        ScalarValue::try_from_array(&expr.evaluate(&batch)?.into_array(1)?, 0)
    }
}
