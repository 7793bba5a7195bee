//! The optimizer rule: aggregates of readings by stream and bucket become the same aggregates over partials.
//!
//! It looks at the query alone, never at rows: what it does tells nothing of what there is.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, TableReference};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::scalar::ScalarValue;

use super::aggregates::{self, Of};
use super::filters::Conditions;
use super::partial;
use super::table::Rollup;
use crate::query::functions::buckets::Buckets;
use crate::query::functions::time_bucket::{self, TimeBucket};
use crate::query::functions::width::Width;
use crate::query::scan::provider::Provider;
use crate::query::session::View;
use crate::query::tables::readings::Readings;

const NAME: &str = "rollup";

/// Rewrites what it can, and leaves everything else as it is.
#[derive(Debug)]
pub struct UseStatistics;

impl OptimizerRule for UseStatistics {
    fn name(&self) -> &str {
        "use_statistics"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
        match rewritten(aggregate)? {
            Some(plan) => Ok(Transformed::yes(plan)),
            None => Ok(Transformed::no(plan)),
        }
    }
}

/// The same answer under the same names, out of partials.
fn rewritten(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    let Some(source) = Source::find(&aggregate.input)? else { return Ok(None) };
    let Some((groups, buckets)) = source.groups(&aggregate.group_expr)? else { return Ok(None) };
    let calls: Option<Vec<Expr>> = aggregate.aggr_expr.iter().map(|call| source.aggregate(call)).collect();
    let (Some(calls), Some(conditions)) = (calls, Conditions::read(&source.filters)) else {
        return Ok(None);
    };
    let used = groups.iter().chain(&calls).flat_map(|e| e.column_refs().into_iter().cloned());
    let schema = partial::schema();
    let mut columns: Vec<usize> = used.filter_map(|c| schema.index_of(&c.name).ok()).collect();
    columns.sort_unstable();
    columns.dedup();
    let table = Provider(Rollup { view: source.view.clone(), conditions, buckets });
    let partials =
        LogicalPlanBuilder::scan(NAME, provider_as_source(Arc::new(table)), Some(columns))?.build()?;
    let named = |(i, expr): (usize, Expr)| {
        let (relation, field) = aggregate.schema.qualified_field(i);
        expr.alias_qualified(relation.cloned(), field.name())
    };
    let keys = groups.len();
    let groups = groups.into_iter().enumerate().map(named).collect();
    let calls = calls.into_iter().enumerate().map(|(i, call)| named((keys + i, call))).collect();
    Ok(Some(LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(partials), groups, calls)?)))
}

/// A scan of `readings` below names for it.
struct Source<'a> {
    input: &'a LogicalPlan,
    view: View,
    filters: Vec<Expr>,
}

impl<'a> Source<'a> {
    fn find(input: &'a LogicalPlan) -> Result<Option<Self>> {
        let mut plan = input;
        loop {
            plan = match plan {
                LogicalPlan::SubqueryAlias(alias) => &alias.input,
                LogicalPlan::Projection(projection) => &projection.input,
                LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
                    let Ok(provider) = source_as_provider(&scan.source) else { return Ok(None) };
                    let provider: &dyn TableProvider = provider.as_ref();
                    let Some(Provider(readings)) = provider.downcast_ref::<Provider<Readings>>() else {
                        return Ok(None);
                    };
                    let (view, filters) = (readings.view().clone(), scan.filters.clone());
                    return Ok(Some(Self { input, view, filters }));
                }
                _ => return Ok(None),
            };
        }
    }

    /// The grouping over partials, with its buckets; `None` when it is by anything but the stream and one bucket.
    fn groups(&self, groups: &[Expr]) -> Result<Option<(Vec<Expr>, Option<Buckets>)>> {
        let (mut over, mut buckets) = (Vec::new(), None);
        for group in groups {
            let renamed = self.over_partials(group)?;
            match bare(&renamed) {
                Expr::Column(column) if column.name == "stream_id" => {}
                call => match (buckets_of(call), &buckets) {
                    (Some(found), None) => buckets = Some(found),
                    _ => return Ok(None),
                },
            }
            over.push(bare(&renamed).clone());
        }
        Ok(Some((over, buckets)))
    }

    /// An aggregate over partials; `None` when partials do not say it.
    fn aggregate(&self, call: &Expr) -> Option<Expr> {
        let Expr::AggregateFunction(AggregateFunction { func, params }) = bare(call) else { return None };
        let is_plain = !params.distinct
            && params.filter.is_none()
            && params.order_by.is_empty()
            && params.null_treatment.is_none();
        let ([arg], true) = (params.args.as_slice(), is_plain) else { return None };
        let of = match arg {
            Expr::Literal(value, _) if !value.is_null() => Of::Rows,
            Expr::Column(column) => match self.resolve(self.input, column)?.as_str() {
                "value" => Of::Values,
                // Columns that are never NULL.
                "stream_id" | "ts" | "quality" | "seq" => Of::Rows,
                _ => return None,
            },
            _ => return None,
        };
        aggregates::over_partials(func.name(), of, column)
    }

    /// An expression with the columns of partials in it.
    fn over_partials(&self, expr: &Expr) -> Result<Expr> {
        let expr = expr.clone().transform(|e| match &e {
            Expr::Column(of) => match self.resolve(self.input, of) {
                Some(name) => Ok(Transformed::yes(column(&name))),
                None => Ok(Transformed::no(e)),
            },
            _ => Ok(Transformed::no(e)),
        })?;
        Ok(expr.data)
    }

    /// The column of `readings` that a column of `plan` is.
    fn resolve(&self, plan: &LogicalPlan, of: &Column) -> Option<String> {
        let at = plan.schema().maybe_index_of_column(of)?;
        match plan {
            LogicalPlan::TableScan(scan) => Some(scan.projected_schema.field(at).name().clone()),
            LogicalPlan::SubqueryAlias(alias) => {
                self.resolve(&alias.input, &Column::from(alias.input.schema().qualified_field(at)))
            }
            LogicalPlan::Projection(projection) => match bare(&projection.expr[at]) {
                Expr::Column(below) => self.resolve(&projection.input, below),
                _ => None,
            },
            _ => None,
        }
    }
}

fn column(name: &str) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(NAME)), name))
}

/// Without its other names.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => bare(&alias.expr),
        other => other,
    }
}

/// The buckets of `time_bucket(width, ts [, zone])` or `date_trunc(unit, ts)`.
fn buckets_of(call: &Expr) -> Option<Buckets> {
    let Expr::ScalarFunction(call) = call else { return None };
    let constant = |expr: &'_ Expr| match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        _ => None,
    };
    let is_time = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == "ts");
    match call.args.as_slice() {
        [width, ts, zone @ ..] if is_time(ts) && call.func.inner().downcast_ref::<TimeBucket>().is_some() => {
            let zone = match zone {
                [] => None,
                [zone] => Some(constant(zone)?),
                _ => return None,
            };
            // What is wrong with them is said when the call is evaluated.
            time_bucket::buckets(NAME, &constant(width)?, zone.as_ref()).ok().flatten()
        }
        [unit, ts] if is_time(ts) && call.func.name() == "date_trunc" => {
            let ScalarValue::Utf8(Some(unit)) = constant(unit)? else { return None };
            Some(Buckets::new(width_of(&unit)?, None))
        }
        _ => None,
    }
}

/// The width of what `date_trunc` cuts to.
fn width_of(unit: &str) -> Option<Width> {
    const SECOND: i64 = crate::domain::time::MICROS_PER_SECOND;
    Some(match unit.to_ascii_lowercase().as_str() {
        "second" => Width::Micros(SECOND),
        "minute" => Width::Micros(60 * SECOND),
        "hour" => Width::Micros(3600 * SECOND),
        "day" => Width::Micros(86_400 * SECOND),
        "week" => Width::Micros(7 * 86_400 * SECOND),
        "month" => Width::Months(1),
        "quarter" => Width::Months(3),
        "year" => Width::Months(12),
        _ => return None,
    })
}
