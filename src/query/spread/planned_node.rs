//! A plan that is ready, as a logical plan and a planner that gives it back: `datafusion-distributed` divides what a planner
//! makes.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, internal_datafusion_err};
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};

/// A physical plan in the place of a logical one.
#[derive(Debug, Clone)]
struct PlannedNode {
    plan: Arc<dyn ExecutionPlan>,
    schema: DFSchemaRef,
}

/// Wraps a plan, for `ReadyPlanner` to unwrap.
pub fn wrap(plan: Arc<dyn ExecutionPlan>) -> LogicalPlan {
    // Columns of a result may share a name, which a schema with qualifiers would refuse.
    let schema = Arc::new(DFSchema::empty());
    LogicalPlan::Extension(Extension { node: Arc::new(PlannedNode { plan, schema }) })
}

impl PartialEq for PlannedNode {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.plan, &other.plan)
    }
}

impl Eq for PlannedNode {}

impl PartialOrd for PlannedNode {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl Hash for PlannedNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.plan).cast::<()>().hash(state);
    }
}

impl UserDefinedLogicalNodeCore for PlannedNode {
    fn name(&self) -> &str {
        "PlannedNode"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlannedNode")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, _: Vec<LogicalPlan>) -> Result<Self> {
        Ok(self.clone())
    }
}

/// Gives a wrapped plan back.
#[derive(Debug)]
pub struct ReadyPlanner;

impl QueryPlanner for ReadyPlanner {
    // Spelled as `async_trait` does, but for the future: see `domain::type_erased`.
    fn create_physical_plan<'life0, 'life1, 'life2, 'async_trait>(
        &'life0 self,
        plan: &'life1 LogicalPlan,
        _: &'life2 dyn Session,
    ) -> BoxFuture<'async_trait, Result<Arc<dyn ExecutionPlan>>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        Self: 'async_trait,
    {
        let node = match plan {
            LogicalPlan::Extension(Extension { node }) => node.as_any().downcast_ref::<PlannedNode>(),
            _ => None,
        };
        let planned = node.map(|planned| planned.plan.clone());
        ready(planned.ok_or_else(|| internal_datafusion_err!("only a plan that is ready can be divided")))
            .boxed()
    }
}
