//! Optimizer rule: rewrites aggregates of readings by stream and bucket to aggregates over partials.
//!
//! It depends on the query alone, never on rows: the rewritten plan reveals nothing about the data.

use std::hash::{DefaultHasher, Hash, Hasher};
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

use super::aggregates::{self, AggregateInput};
use super::filters::Conditions;
use super::partial;
use super::table::RollupTable;
use crate::query::context::QueryContext;
use crate::query::functions::bucket_width::BucketWidth;
use crate::query::functions::buckets::Buckets;
use crate::query::functions::time_bucket::{self, TimeBucket};
use crate::query::postgres::settings_option::{ROLLUP_SETTING, SettingsOption};
use crate::query::scan::table_provider::ScanProvider;
use crate::query::tables::readings::ReadingsTable;

const RELATION_NAME: &str = "rollup";

/// Rewrites aggregates of readings where possible, and leaves everything else unchanged.
#[derive(Debug)]
pub struct UseStatistics;

impl OptimizerRule for UseStatistics {
    fn name(&self) -> &str {
        "use_statistics"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
        if is_switched_off(config) {
            return Ok(Transformed::no(plan));
        }
        match rewrite_aggregate(aggregate)? {
            Some(plan) => Ok(Transformed::yes(plan)),
            None => Ok(Transformed::no(plan)),
        }
    }
}

/// Whether the connection that asks has its aggregates read no statistics.
fn is_switched_off(config: &dyn OptimizerConfig) -> bool {
    let options = config.options();
    let connection = options.extensions.get::<SettingsOption>();
    connection.is_some_and(|SettingsOption(settings)| settings.get(ROLLUP_SETTING).as_deref() == Some("off"))
}

/// Rewrites an aggregate to partials, with the same result under the same column names.
fn rewrite_aggregate(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    let Some(source) = ReadingsSource::find(&aggregate.input)? else { return Ok(None) };
    let Some((groups, buckets)) = source.groups(&aggregate.group_expr)? else { return Ok(None) };
    let calls: Option<Vec<Expr>> = aggregate.aggr_expr.iter().map(|call| source.aggregate(call)).collect();
    let (Some(calls), Some(conditions)) = (calls, Conditions::from_filters(&source.filters)) else {
        return Ok(None);
    };
    let used = groups.iter().chain(&calls).flat_map(|e| e.column_refs().into_iter().cloned());
    let schema = partial::schema();
    let mut columns: Vec<usize> = used.filter_map(|c| schema.index_of(&c.name).ok()).collect();
    columns.sort_unstable();
    columns.dedup();
    let name = scan_name(&conditions, buckets.as_ref());
    let table =
        ScanProvider(RollupTable { query_context: source.query_context.clone(), conditions, buckets });
    let partials = LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(table)), Some(columns))?
        .alias(RELATION_NAME)?
        .build()?;
    let named = |(i, expr): (usize, Expr)| {
        let (relation, field) = aggregate.schema.qualified_field(i);
        expr.alias_qualified(relation.cloned(), field.name())
    };
    let keys = groups.len();
    let groups = groups.into_iter().enumerate().map(named).collect();
    let calls = calls.into_iter().enumerate().map(|(i, call)| named((keys + i, call))).collect();
    Ok(Some(LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(partials), groups, calls)?)))
}

/// Returns a name for the scan of partials of these readings, the same in every process. DataFusion takes scans for equal
/// whose tables have one name, whatever the tables are: common subexpression elimination would answer two subqueries over
/// different ranges with the result of one.
fn scan_name(conditions: &Conditions, buckets: Option<&Buckets>) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{conditions:?} {buckets:?}").hash(&mut hasher);
    format!("{RELATION_NAME}_{:016x}", hasher.finish())
}

/// A scan of `readings` under its aliases.
struct ReadingsSource<'a> {
    input: &'a LogicalPlan,
    query_context: QueryContext,
    filters: Vec<Expr>,
}

impl<'a> ReadingsSource<'a> {
    fn find(input: &'a LogicalPlan) -> Result<Option<Self>> {
        let mut plan = input;
        loop {
            plan = match plan {
                LogicalPlan::SubqueryAlias(alias) => &alias.input,
                LogicalPlan::Projection(projection) => &projection.input,
                LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
                    let Ok(provider) = source_as_provider(&scan.source) else { return Ok(None) };
                    let provider: &dyn TableProvider = provider.as_ref();
                    let Some(ScanProvider(readings)) = provider.downcast_ref::<ScanProvider<ReadingsTable>>()
                    else {
                        return Ok(None);
                    };
                    let (query_context, filters) = (readings.query_context().clone(), scan.filters.clone());
                    return Ok(Some(Self { input, query_context, filters }));
                }
                _ => return Ok(None),
            };
        }
    }

    /// Rewrites the grouping to partials and returns its buckets; `None` when it groups by anything but the stream and
    /// one bucket.
    fn groups(&self, groups: &[Expr]) -> Result<Option<(Vec<Expr>, Option<Buckets>)>> {
        let (mut over, mut buckets) = (Vec::new(), None);
        for group in groups {
            let Some(renamed) = self.over_partials(group)? else { return Ok(None) };
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

    /// Rewrites an aggregate to partials; `None` when partials cannot express it.
    fn aggregate(&self, call: &Expr) -> Option<Expr> {
        let Expr::AggregateFunction(AggregateFunction { func, params }) = bare(call) else { return None };
        let is_plain = !params.distinct
            && params.filter.is_none()
            && params.order_by.is_empty()
            && params.null_treatment.is_none();
        let ([arg], true) = (params.args.as_slice(), is_plain) else { return None };
        let of = match arg {
            Expr::Literal(value, _) if !value.is_null() => AggregateInput::Rows,
            Expr::Column(column) => match self.resolve(self.input, column)?.as_str() {
                "value" => AggregateInput::Values,
                // These columns are never NULL.
                "stream_id" | "ts" | "quality" | "seq" => AggregateInput::Rows,
                _ => return None,
            },
            _ => return None,
        };
        aggregates::over_partials(func.name(), of, column)
    }

    /// Replaces the columns of an expression by those of partials; `None` when one of them is not a column of `readings`
    /// but computed from such: it may have the name of one.
    fn over_partials(&self, expr: &Expr) -> Result<Option<Expr>> {
        let mut is_resolved = true;
        let expr = expr.clone().transform(|e| match &e {
            Expr::Column(of) => match self.resolve(self.input, of) {
                Some(name) => Ok(Transformed::yes(column(&name))),
                None => {
                    is_resolved = false;
                    Ok(Transformed::no(e))
                }
            },
            _ => Ok(Transformed::no(e)),
        })?;
        Ok(is_resolved.then_some(expr.data))
    }

    /// Returns the column of `readings` that a column of `plan` refers to.
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
    Expr::Column(Column::new(Some(TableReference::bare(RELATION_NAME)), name))
}

/// Removes aliases.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => bare(&alias.expr),
        other => other,
    }
}

/// Returns the buckets of `time_bucket(width, ts [, zone])` or `date_trunc(unit, ts)`.
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
            // Wrong arguments are reported when the call is evaluated.
            time_bucket::buckets(RELATION_NAME, &constant(width)?, zone.as_ref()).ok().flatten()
        }
        [unit, ts] if is_time(ts) && call.func.name() == "date_trunc" => {
            let ScalarValue::Utf8(Some(unit)) = constant(unit)? else { return None };
            Some(Buckets::new(width_of(&unit)?, None))
        }
        _ => None,
    }
}

/// Returns the width of a unit of `date_trunc`.
fn width_of(unit: &str) -> Option<BucketWidth> {
    const SECOND: i64 = crate::domain::time::MICROS_PER_SECOND;
    Some(match unit.to_ascii_lowercase().as_str() {
        "second" => BucketWidth::Micros(SECOND),
        "minute" => BucketWidth::Micros(60 * SECOND),
        "hour" => BucketWidth::Micros(3600 * SECOND),
        "day" => BucketWidth::Micros(86_400 * SECOND),
        "week" => BucketWidth::Micros(7 * 86_400 * SECOND),
        "month" => BucketWidth::Months(1),
        "quarter" => BucketWidth::Months(3),
        "year" => BucketWidth::Months(12),
        _ => return None,
    })
}
