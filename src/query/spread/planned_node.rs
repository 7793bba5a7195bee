//! A plan that is ready, as a logical plan and a planner that gives it back: `datafusion-distributed` divides what a planner
//! makes.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, internal_err};
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;

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

#[async_trait]
impl QueryPlanner for ReadyPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        _: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let LogicalPlan::Extension(Extension { node }) = plan else {
            return internal_err!("only a plan that is ready can be divided");
        };
        match node.as_any().downcast_ref::<PlannedNode>() {
            Some(planned) => Ok(planned.plan.clone()),
            None => internal_err!("only a plan that is ready can be divided"),
        }
    }
}
