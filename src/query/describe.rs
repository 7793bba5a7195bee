//! What a statement would answer, and what its parameters are, without running it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ParamValues;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;
use datafusion::scalar::ScalarValue;
use tokio_util::task::AbortOnDropHandle;

use super::engine::Engine;
use super::error::from_datafusion;
use super::log::Surface;
use super::params::MAX_PARAMETERS;
use super::session::View;
use crate::domain::{Error, Kind, Principal, Result};

/// A statement that could run.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Of the answer, when the parameters are of the types below.
    pub schema: SchemaRef,
    /// The types of `$1` and on; text where nothing in the statement says more.
    pub params: Vec<DataType>,
}

/// A table that a principal may read.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: &'static str,
    pub schema: SchemaRef,
    pub is_view: bool,
}

/// A statement to be described.
#[derive(Debug, Clone)]
pub struct Sketch {
    pub text: String,
    /// Types of parameters that the caller knows, by position.
    pub declared: Vec<Option<DataType>>,
    pub surface: Surface,
}

impl Engine {
    /// Plans a statement as `principal` may run it, on the threads of queries and within their limits. What is described
    /// leaves no record, what is refused does.
    ///
    /// # Errors
    /// Those of `sql` that come before a row is read, and `Invalid` for parameters with names.
    pub async fn describe(self: &Arc<Self>, principal: &Principal, sketch: Sketch) -> Result<Description> {
        let tally = self.tally(principal, sketch.surface, Some(&sketch.text));
        let view = View::new(self, principal, tally.clone());
        let engine = self.clone();
        let threads = self.threads.for_text(sketch.text.len()).clone();
        let planning = async move {
            let _permit = engine.gates.all.enter().await?;
            let planned = tokio::time::timeout(engine.options.timeout, sketch.planned(&engine, &view)).await;
            planned.map_err(|_| Error::new(Kind::Timeout, "planning took longer than a query may run"))?
        };
        let planned = AbortOnDropHandle::new(threads.spawn(planning)).await;
        let described =
            planned.unwrap_or_else(|e| Err(Error::internal("planning was interrupted").because(e)));
        match &described {
            Ok(_) => tally.forget(),
            Err(error) => tally.fail(error.kind),
        }
        described
    }

    /// The tables that `principal` may read, in the order of the documentation.
    pub fn tables(self: &Arc<Self>, principal: &Principal) -> Result<Vec<Table>> {
        let tally = self.tally(principal, Surface::Sql, None);
        tally.forget();
        View::new(self, principal, tally).tables().map_err(from_datafusion)
    }
}

impl Sketch {
    async fn planned(&self, engine: &Arc<Engine>, view: &View) -> Result<Description> {
        let session = engine.session(view, self.surface)?;
        let plan = engine.plan(&session, view, &self.text, self.surface).await?.plan;
        let params = self.parameters(&plan)?;
        let plan = if params.is_empty() { plan } else { with_nulls(plan, &params)? };
        let nothing = |_: &LogicalPlan, _: &dyn AnalyzerRule| {};
        let analyzed = session.analyzer().execute_and_check(plan, session.config_options(), nothing);
        let schema = analyzed.map_err(from_datafusion)?.schema().as_arrow().clone();
        Ok(Description { schema: Arc::new(schema), params })
    }

    /// What the caller declares, else what the statement tells of `$1` and on.
    fn parameters(&self, plan: &LogicalPlan) -> Result<Vec<DataType>> {
        let mut types = self.declared.clone();
        let hints = hints(plan).map_err(from_datafusion)?;
        for (id, inferred) in plan.get_parameter_types().map_err(from_datafusion)? {
            let inferred = inferred.or_else(|| hints.get(&id).cloned());
            let number = id.trim_start_matches('$').parse::<usize>().ok();
            let number = number.filter(|n| (1..=MAX_PARAMETERS).contains(n)).ok_or_else(|| {
                Error::invalid(format!("parameters are `$1` to `${MAX_PARAMETERS}` here, not `{id}`"))
            })?;
            if types.len() < number {
                types.resize(number, None);
            }
            let slot = &mut types[number - 1];
            *slot = slot.take().or(inferred);
        }
        Ok(types.into_iter().map(|known| known.unwrap_or(DataType::Utf8)).collect())
    }
}

/// What the engine's planner does not tell of parameters by itself: a limit is a number, a cast says its type, and
/// `= ANY($1)` takes a list of what it is compared with.
fn hints(plan: &LogicalPlan) -> Result<HashMap<String, DataType>, DataFusionError> {
    let mut found = HashMap::new();
    plan.apply_with_subqueries(|plan| {
        if let LogicalPlan::Limit(limit) = plan {
            for count in [&limit.skip, &limit.fetch].into_iter().flatten() {
                if let Expr::Placeholder(parameter) = &**count {
                    found.insert(parameter.id.clone(), DataType::Int64);
                }
            }
        }
        let below = merge_schema(&plan.inputs());
        plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                match expr {
                    Expr::Cast(cast) => {
                        if let Expr::Placeholder(parameter) = &*cast.expr {
                            found.insert(parameter.id.clone(), cast.field.data_type().clone());
                        }
                    }
                    Expr::ScalarFunction(call) if call.name() == "array_has" => {
                        if let [Expr::Placeholder(list), needle] = call.args.as_slice()
                            && let Ok(of) = needle.get_type(&below)
                        {
                            found.insert(list.id.clone(), DataType::new_list(of, true));
                        }
                    }
                    _ => {}
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

/// Types of an answer follow from those of its parameters; nulls of these types stand for them.
fn with_nulls(plan: LogicalPlan, params: &[DataType]) -> Result<LogicalPlan> {
    let null = |data_type| ScalarValue::try_new_null(data_type).map(ScalarAndMetadata::from);
    let nulls: Result<Vec<_>, _> = params.iter().map(null).collect();
    plan.with_param_values(ParamValues::List(nulls.map_err(from_datafusion)?)).map_err(from_datafusion)
}
