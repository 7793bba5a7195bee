//! Analyzer rule: finds groupings by `time_bucket_gapfill` and puts `GapFill` above them.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Aggregate, Expr, Filter, LogicalPlan, Projection, ScalarUDF, Window};
use datafusion::optimizer::AnalyzerRule;

use super::marker::{GapFillFunction, marker_call};
use super::node::{FillColumn, GapFill, GapFillSpec, mentions};
use super::range;
use crate::query::functions::time_bucket::TimeBucket;

const FILL_FUNCTIONS: [GapFillFunction; 2] = [GapFillFunction::Locf, GapFillFunction::Interpolate];

/// Plans every `time_bucket_gapfill`, `locf` and `interpolate`, or refuses it with a message. Runs after type coercion.
#[derive(Debug)]
pub struct FillGaps;

impl AnalyzerRule for FillGaps {
    fn name(&self) -> &str {
        "fill_gaps"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        if !plan_mentions(&plan)? {
            return Ok(plan);
        }
        let plan = plan.transform_up_with_subqueries(|node| rewrite(node).map(Transformed::yes))?.data;
        refuse_misplaced(&plan)?;
        Ok(plan)
    }
}

fn node_mentions(node: &LogicalPlan, marks: &[GapFillFunction]) -> Result<bool> {
    let mut found = false;
    node.apply_expressions(|expr| {
        found |= mentions(expr, marks);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn plan_mentions(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= node_mentions(node, &GapFillFunction::ALL)?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Rewrites one node, after its inputs.
fn rewrite(node: LogicalPlan) -> Result<LogicalPlan> {
    match node {
        LogicalPlan::Aggregate(aggregate)
            if aggregate.group_expr.iter().any(|e| mentions(e, &[GapFillFunction::Gapfill])) =>
        {
            Ok(fill_above(aggregate)?.into_plan())
        }
        LogicalPlan::Filter(filter) => having(filter),
        node @ (LogicalPlan::Projection(_) | LogicalPlan::Window(_))
            if node_mentions(&node, &FILL_FUNCTIONS)? =>
        {
            with_fills(node)
        }
        // Columns below may have become nullable.
        other => other.recompute_schema(),
    }
}

/// Moves HAVING below the node: it is part of the aggregation, and groups it drops are gaps. Other filters are
/// unchanged.
fn having(filter: Filter) -> Result<LogicalPlan> {
    match gapfill(&filter.input).cloned() {
        Some(fill) if fill.fills.is_empty() => {
            let below = Filter::try_new(filter.predicate, Arc::new(fill.input.clone()))?;
            Ok(fill.with_input(LogicalPlan::Filter(below))?.into_plan())
        }
        _ => LogicalPlan::Filter(filter).recompute_schema(),
    }
}

fn gapfill(plan: &LogicalPlan) -> Option<&GapFill> {
    match plan {
        LogicalPlan::Extension(extension) => extension.node.as_any().downcast_ref::<GapFill>(),
        _ => None,
    }
}

/// Replaces the aggregation by one with `time_bucket` under a `GapFill`. Column names are unchanged.
fn fill_above(aggregate: Aggregate) -> Result<GapFill> {
    const NAME: &str = "time_bucket_gapfill";
    let Aggregate { input, mut group_expr, aggr_expr, .. } = aggregate;
    let places: Vec<usize> =
        (0..group_expr.len()).filter(|i| mentions(&group_expr[*i], &[GapFillFunction::Gapfill])).collect();
    let [at] = places[..] else { return plan_err!("a query can group by only one {NAME}") };
    let Some((GapFillFunction::Gapfill, args)) = marker_call(strip(&group_expr[at])) else {
        return plan_err!("{NAME} must be a GROUP BY expression of its own, not part of one");
    };
    let (name, args) = (group_expr[at].schema_name().to_string(), args.to_vec());
    let [width, time, zone @ ..] = &args[..] else { return plan_err!("{NAME} lost its arguments") };
    if width.any_column_refs() || zone.iter().any(Expr::any_column_refs) {
        return plan_err!("{NAME}: interval and timezone must be constants, not columns");
    }
    let bounds = range::bounds(time, &input);
    for (wanted, word, example) in [(true, "start", ">="), (false, "end", "<")] {
        if !bounds.iter().any(|bound| bound.side.is_start() == wanted) {
            return plan_err!(
                "{NAME} needs the range to fill: WHERE has no {word} of it, as in `{time} {example} '2024-01-01'`"
            );
        }
    }
    let spec = GapFillSpec { width: width.clone(), zone: zone.first().cloned(), bounds };
    group_expr[at] = ScalarUDF::from(TimeBucket::default()).call(args.clone()).alias(name);
    let keys = group_expr.len();
    let aggregate = LogicalPlan::Aggregate(Aggregate::try_new(input, group_expr, aggr_expr)?);
    let column = |i: usize| Expr::Column(Column::from(aggregate.schema().qualified_field(i)));
    let groups = (0..keys).filter(|i| *i != at).map(column).collect();
    let bucket = column(at);
    GapFill::new(aggregate, bucket, groups, spec)
}

/// Removes aliases.
fn strip(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => strip(&alias.expr),
        other => other,
    }
}

/// Replaces `locf` and `interpolate` in a node by columns of the `GapFill` below.
fn with_fills(node: LogicalPlan) -> Result<LogicalPlan> {
    let names = NamePreserver::new(&node);
    let mut fills = Vec::new();
    let mut replace = |expr: Expr| -> Result<Expr> {
        let name = names.save(&expr);
        Ok(name.restore(expr.transform_down(|e| to_column(e, &mut fills))?.data))
    };
    match node {
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let expr = expr.into_iter().map(&mut replace).collect::<Result<_>>()?;
            let input = add_fills(Arc::unwrap_or_clone(input), fills)?;
            Ok(LogicalPlan::Projection(Projection::try_new(expr, Arc::new(input))?))
        }
        LogicalPlan::Window(Window { input, window_expr, .. }) => {
            let window_expr = window_expr.into_iter().map(&mut replace).collect::<Result<_>>()?;
            let input = add_fills(Arc::unwrap_or_clone(input), fills)?;
            Ok(LogicalPlan::Window(Window::try_new(window_expr, Arc::new(input))?))
        }
        other => Ok(other),
    }
}

fn to_column(expr: Expr, fills: &mut Vec<FillColumn>) -> Result<Transformed<Expr>> {
    let Some((how, [of])) = marker_call(&expr) else { return Ok(Transformed::no(expr)) };
    if how == GapFillFunction::Gapfill {
        return Ok(Transformed::no(expr));
    }
    if mentions(of, &GapFillFunction::ALL) {
        return plan_err!("{} cannot be used inside another filling function", how.name());
    }
    let name = expr.schema_name().to_string();
    fills.push(FillColumn { how, of: of.clone(), name: name.clone() });
    Ok(Transformed::new(Expr::Column(Column::new_unqualified(name)), true, TreeNodeRecursion::Jump))
}

/// Adds columns to the `GapFill` of a plan, which may be below window functions.
fn add_fills(plan: LogicalPlan, fills: Vec<FillColumn>) -> Result<LogicalPlan> {
    let Some(first) = fills.first().map(|fill| fill.how.name()) else { return Ok(plan) };
    if let Some(fill) = gapfill(&plan) {
        let known = |new: &FillColumn| new.of.column_refs().iter().all(|c| fill.input.schema().has_column(c));
        return match fills.iter().find(|new| !known(new)) {
            Some(new) => plan_err!("{} takes an aggregate, not a window function", new.how.name()),
            None => Ok(fill.clone().with_fills(fills)?.into_plan()),
        };
    }
    match plan {
        LogicalPlan::Window(Window { input, window_expr, .. }) => {
            let input = add_fills(Arc::unwrap_or_clone(input), fills)?;
            Ok(LogicalPlan::Window(Window::try_new(window_expr, Arc::new(input))?))
        }
        _ => plan_err!(
            "{first} fills gaps of time_bucket_gapfill: the same SELECT must have it in its GROUP BY"
        ),
    }
}

/// Refuses remaining markers, which are in positions without meaning.
fn refuse_misplaced(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        if node_mentions(node, &[GapFillFunction::Gapfill])? {
            return plan_err!("time_bucket_gapfill can only be used in the GROUP BY of a SELECT");
        }
        if node_mentions(node, &FILL_FUNCTIONS)? {
            return plan_err!(
                "locf and interpolate can only be used in the list of a SELECT that groups by time_bucket_gapfill"
            );
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}
