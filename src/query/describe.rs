//! Describes a statement without running it: the schema of its result and the types of its parameters.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ParamValues};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::type_coercion::binary::type_union_resolution;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Case, Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;
use datafusion::scalar::ScalarValue;
use tokio_util::task::AbortOnDropHandle;

use super::context::QueryContext;
use super::engine::Engine;
use super::error::from_datafusion;
use super::log::Surface;
use super::params::{MAX_PARAMETERS, Params};
use super::plan_cache::PlannedStatement;
use super::principal_catalog::{PrincipalCatalog, TableInfo};
use super::semantics::bind_parameters;
use crate::domain::{Error, Kind, Principal, Result};

/// The result schema and parameter types of a statement that could run.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementDescription {
    /// Schema of the result when the parameters have the types below.
    pub schema: SchemaRef,
    /// Types of `$1` and following; text where the statement implies no other type, unsigned for numbers of objects, 16 bytes
    /// for UUIDs of PostgreSQL's clients.
    pub params: Vec<DataType>,
}

/// A statement to describe.
#[derive(Debug, Clone)]
pub struct DescribeRequest {
    pub text: String,
    /// Types of parameters that the caller declares, by position.
    pub declared: Vec<Option<DataType>>,
    /// The values, where they are bound already. Without them, the result is described by the types.
    pub bound: Params,
    pub surface: Surface,
}

impl Engine {
    /// Plans a statement as `principal` may run it, on the query threads and within their limits. The query log records
    /// only statements that fail.
    ///
    /// # Errors
    /// The errors of `sql` that occur before a row is read, and `Invalid` for parameters with names.
    pub async fn describe(
        self: &Arc<Self>,
        principal: &Principal,
        request: DescribeRequest,
    ) -> Result<StatementDescription> {
        let tracker = self.start_tracking(principal, request.surface, Some(&request.text));
        let query_context = QueryContext::for_planning(&self.services, principal, tracker.clone());
        let (engine, org) = (self.clone(), principal.org);
        let threads = self.threads.for_text(request.text.len()).clone();
        let planning = async move {
            let _permit = engine.admission.all.acquire(org).await?;
            let planned = tokio::time::timeout(
                engine.statement_limits().timeout,
                request.plan_and_describe(&engine, &query_context),
            )
            .await;
            planned.map_err(|_| Error::new(Kind::Timeout, "planning took longer than a query may run"))?
        };
        let planned = AbortOnDropHandle::new(threads.spawn(planning)).await;
        let described =
            planned.unwrap_or_else(|e| Err(Error::internal("planning was interrupted").with_source(e)));
        match &described {
            Ok(_) => tracker.discard(),
            Err(error) => tracker.fail(error.kind),
        }
        described
    }

    /// Returns the tables that `principal` may read, in the order of the documentation.
    pub fn tables(self: &Arc<Self>, principal: &Principal) -> Result<Vec<TableInfo>> {
        let tracker = self.start_tracking(principal, Surface::Sql, None);
        tracker.discard();
        PrincipalCatalog::new(&QueryContext::for_planning(&self.services, principal, tracker))
            .tables()
            .map_err(from_datafusion)
    }
}

impl DescribeRequest {
    async fn plan_and_describe(
        &self,
        engine: &Arc<Engine>,
        query_context: &QueryContext,
    ) -> Result<StatementDescription> {
        let session = engine.session(query_context, self.surface)?;
        let PlannedStatement { plan, notes, .. } =
            engine.plan(&session, query_context, &self.text, self.surface).await?;
        let mut params = self.parameters(&plan)?;
        let plan = match self.bound.to_values()? {
            Some(values) => bind_parameters(plan, values, &self.bound).map_err(from_datafusion)?,
            None if params.is_empty() => plan,
            None => bind_parameters(plan, nulls(&params)?, &self.bound).map_err(from_datafusion)?,
        };
        let nothing = |_: &LogicalPlan, _: &dyn AnalyzerRule| {};
        let analyzed = session.analyzer().execute_and_check(plan, session.config_options(), nothing);
        let schema = Arc::new(analyzed.map_err(from_datafusion)?.schema().as_arrow().clone());
        notes.mark_types(&mut params);
        Ok(StatementDescription { schema: notes.name_columns(schema), params })
    }

    /// Returns the declared types, else those inferred from the statement, of `$1` and following.
    fn parameters(&self, plan: &LogicalPlan) -> Result<Vec<DataType>> {
        let mut types = self.declared.clone();
        for (id, inferred) in infer_parameter_types(plan).map_err(from_datafusion)? {
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

/// Functions whose arguments are of one type.
const ALIKE_FUNCTIONS: [&str; 4] = ["coalesce", "nullif", "greatest", "least"];

/// Infers the types of parameters by name. As in PostgreSQL the first place that implies a type decides: in `ts BETWEEN $1 AND $1
/// + interval '1 hour'`, `$1` is a time.
///
/// Beside the types that DataFusion's planner finds, a limit is a number, a cast names its type, `= ANY($1)` takes a list of
/// the type it is compared with, and the arguments of `coalesce` and the values of CASE are of the type of the others.
fn infer_parameter_types(plan: &LogicalPlan) -> Result<HashMap<String, Option<DataType>>, DataFusionError> {
    let mut found = HashMap::new();
    plan.apply_with_subqueries(|plan| {
        if let LogicalPlan::Limit(limit) = plan {
            for count in [&limit.skip, &limit.fetch].into_iter().flatten() {
                note(&mut found, count, || Some(DataType::Int64));
            }
        }
        let below = merge_schema(&plan.inputs());
        plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                match expr {
                    Expr::Placeholder(parameter) => {
                        note(&mut found, expr, || {
                            parameter.field.as_ref().map(|field| field.data_type().clone())
                        });
                    }
                    Expr::Cast(cast) => note(&mut found, &cast.expr, || Some(cast.field.data_type().clone())),
                    Expr::Case(case) => note_case(&mut found, case, &below),
                    Expr::ScalarFunction(call) if ALIKE_FUNCTIONS.contains(&call.name()) => {
                        note_alike(&mut found, &call.args.iter().collect::<Vec<_>>(), &below);
                    }
                    Expr::ScalarFunction(call) if call.name() == "array_has" => {
                        if let [list, needle] = call.args.as_slice() {
                            let of = || needle.get_type(&below).ok();
                            note(&mut found, list, || of().map(|of| DataType::new_list(of, true)));
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

/// Notes the types of the parameters of a CASE: conditions are truth values, or of the type of what they are compared with.
fn note_case(found: &mut HashMap<String, Option<DataType>>, case: &Case, below: &DFSchema) {
    let conditions = case.when_then_expr.iter().map(|(condition, _)| &**condition);
    match case.expr.as_deref() {
        Some(operand) => {
            note_alike(found, &std::iter::once(operand).chain(conditions).collect::<Vec<_>>(), below);
        }
        None => conditions.for_each(|condition| note(found, condition, || Some(DataType::Boolean))),
    }
    let values = case.when_then_expr.iter().map(|(_, value)| &**value);
    note_alike(found, &values.chain(case.else_expr.as_deref()).collect::<Vec<_>>(), below);
}

/// Notes for parameters among expressions of one type that they are of the type of the others.
fn note_alike(found: &mut HashMap<String, Option<DataType>>, exprs: &[&Expr], below: &DFSchema) {
    let others = exprs.iter().filter(|expr| !matches!(expr, Expr::Placeholder(_)));
    let known = others.filter_map(|expr| expr.get_type(below).ok()).filter(|known| *known != DataType::Null);
    let common = type_union_resolution(&known.collect::<Vec<_>>());
    exprs.iter().for_each(|expr| note(found, expr, || common.clone()));
}

/// Notes the type of a parameter, unless an earlier place has decided it.
fn note(
    found: &mut HashMap<String, Option<DataType>>,
    expr: &Expr,
    implied: impl FnOnce() -> Option<DataType>,
) {
    if let Expr::Placeholder(parameter) = expr {
        let known = found.entry(parameter.id.clone()).or_default();
        if known.is_none() {
            *known = implied();
        }
    }
}

/// Nulls of the given types: the types of the result follow from those of the parameters.
fn nulls(params: &[DataType]) -> Result<ParamValues> {
    let null = |data_type| ScalarValue::try_new_null(data_type).map(ScalarAndMetadata::from);
    let nulls: Result<Vec<_>, _> = params.iter().map(null).collect();
    Ok(ParamValues::List(nulls.map_err(from_datafusion)?))
}
