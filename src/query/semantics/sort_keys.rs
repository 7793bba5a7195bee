//! Keys by which rows are sorted, put into windows and told apart, where DataFusion (55) takes them otherwise than
//! PostgreSQL: −0 and 0 are one value, and a key that comes twice counts once (`first_last.rs` asserts that there are as many
//! as it sorts by).

use arrow::array::Array;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ExprSchema, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, Case, Cast, InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Distinct, Expr, ExprSchemable, LogicalPlan, lit};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::scalar::ScalarValue;

use super::input_rows::{self, InputRows};
use super::{canonical_float, equals_any};

/// A key that takes −0 for 0. Numbers that are written out are left: nobody writes -0.0.
fn key(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let is_float = match &expr {
        Expr::Literal(..) => false,
        call if canonical_float::is_key(call) => false,
        Expr::Column(column) => input_rows::is_float(schema.field_from_column(column)?.data_type()),
        Expr::Cast(cast) => input_rows::is_float(cast.field.data_type()),
        other => input_rows::is_float(&other.get_type(schema)?),
    };
    Ok(match is_float {
        true => Transformed::yes(canonical_float::key(expr)),
        false => Transformed::no(expr),
    })
}

fn replace_key(place: &mut Expr, schema: &DFSchema) -> Result<bool> {
    let changed = key(std::mem::take(place), schema)?;
    *place = changed.data;
    Ok(changed.transformed)
}

/// The keys of an ORDER BY. The last one may sort −0 before 0, because nothing else follows for those that are equal.
pub(super) fn of_sort(node: LogicalPlan, rows: InputRows<'_>) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Sort(mut sort) = node else { return Ok(Transformed::no(node)) };
    let mut is_changed = false;
    let last = sort.expr.len().saturating_sub(1);
    for (place, sorted) in sort.expr.iter_mut().enumerate() {
        let by_length = super::spans::of_key(std::mem::take(&mut sorted.expr), rows.schema)?;
        is_changed |= by_length.transformed;
        sorted.expr = by_length.data;
        if place < last {
            is_changed |= replace_key(&mut sorted.expr, rows.schema)?;
        } else {
            let unsigned = canonical_float::in_key(std::mem::take(&mut sorted.expr), rows);
            is_changed |= unsigned.transformed;
            sorted.expr = unsigned.data;
        }
    }
    let node = LogicalPlan::Sort(sort);
    Ok(if is_changed { Transformed::yes(node) } else { Transformed::no(node) })
}

/// Takes −0 for 0 in `x IN (…)`, whose list DataFusion looks up by bits. Numbers that were given as parameters may be −0 too.
fn in_list(mut listed: InList, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut is_changed = false;
    for item in std::iter::once(&mut *listed.expr).chain(&mut listed.list) {
        match item {
            Expr::Literal(ScalarValue::Float64(Some(number)), _) => {
                *number = canonical_float::canonical(*number)
            }
            item => is_changed |= replace_key(item, schema)?,
        }
    }
    let compared = in_terms(listed);
    Ok(Transformed::new_transformed(compared.data, compared.transformed || is_changed))
}

/// Compares with the items that are not constant one by one. DataFusion takes those for constant that are so where there are no rows
/// (`try_evaluate_constant_list`), as a CASE of columns is, and computes them once.
fn in_terms(listed: InList) -> Transformed<Expr> {
    let varies = |item: &Expr| {
        let is_of_row = |part: &Expr| {
            matches!(part, Expr::Column(_) | Expr::OuterReferenceColumn(..) | Expr::ScalarSubquery(_))
        };
        item.is_volatile() || item.exists(|part| Ok(is_of_row(part))).unwrap_or(true)
    };
    if listed.expr.is_volatile() || !listed.list.iter().any(varies) {
        return Transformed::no(Expr::InList(listed));
    }
    let InList { expr, list, negated } = listed;
    let (varying, constants): (Vec<Expr>, Vec<Expr>) = list.into_iter().partition(varies);
    let mut terms: Vec<Expr> = varying.into_iter().map(|item| expr.as_ref().clone().eq(item)).collect();
    if !constants.is_empty() {
        terms.push(Expr::InList(InList::new(expr, constants, false)));
    }
    // A tree of little depth.
    while terms.len() > 1 {
        let pairs = terms.chunks(2).map(|pair| pair.iter().cloned().reduce(Expr::or));
        terms = pairs.flatten().collect();
    }
    let any = terms.into_iter().next().unwrap_or_else(|| lit(false));
    Transformed::yes(if negated { !any } else { any })
}

/// The elements of the array that `array_has(array, x)` looks in, where it is constant, as a parameter of `x = ANY($1)` is, or written out
/// as `ARRAY[a, b]`; `None` for other arrays and for one without elements.
fn elements(function: &ScalarFunction) -> Option<Vec<Expr>> {
    let [array, _] = function.args.as_slice() else { return None };
    if let Expr::ScalarFunction(made) = array
        && made.name() == "make_array"
    {
        return Some(made.args.clone()).filter(|elements| !elements.is_empty());
    }
    let array = match array {
        Expr::Literal(array, _) => array.clone(),
        Expr::Cast(Cast { expr, field }) => match &**expr {
            Expr::Literal(array, _) => array.cast_to(field.data_type()).ok()?,
            _ => return None,
        },
        _ => return None,
    };
    let ScalarValue::List(array) = array else { return None };
    let elements = array.is_valid(0).then(|| array.value(0)).filter(|elements| !elements.is_empty())?;
    let element =
        |at| ScalarValue::try_from_array(&elements, at).ok().map(|value| Expr::Literal(value, None));
    (0..elements.len()).map(element).collect()
}

/// Windows by numbers, distinct numbers of an aggregate, and numbers that CASE, IN and `nullif` compare.
pub(super) fn in_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut is_changed = false;
    let expr = match expr {
        Expr::InList(listed) => return in_list(listed, schema),
        Expr::ScalarFunction(function) if function.name() == "array_has" => {
            let listed = match elements(&function) {
                Some(list) => list,
                None => return Ok(equals_any::in_call(function, schema)),
            };
            let Some(needle) = function.args.into_iter().nth(1) else {
                return exec_err!("array_has lost its arguments");
            };
            let listed = InList { expr: Box::new(needle), list: listed, negated: false };
            return Ok(Transformed::yes(in_list(listed, schema)?.data));
        }
        Expr::WindowFunction(mut window) => {
            for sorted in &mut window.params.order_by {
                is_changed |= replace_key(&mut sorted.expr, schema)?;
            }
            for partition in &mut window.params.partition_by {
                is_changed |= replace_key(partition, schema)?;
            }
            Expr::WindowFunction(window)
        }
        Expr::AggregateFunction(AggregateFunction { func, mut params }) if params.distinct => {
            for arg in &mut params.args {
                is_changed |= replace_key(arg, schema)?;
            }
            Expr::AggregateFunction(AggregateFunction { func, params })
        }
        Expr::ScalarFunction(mut function) if function.name() == "nullif" => {
            for arg in &mut function.args {
                is_changed |= replace_key(arg, schema)?;
            }
            Expr::ScalarFunction(function)
        }
        Expr::Case(Case { expr: Some(mut compared), mut when_then_expr, else_expr }) => {
            is_changed |= replace_key(&mut compared, schema)?;
            if is_changed {
                for (when, _) in &mut when_then_expr {
                    replace_key(when, schema)?;
                }
            }
            Expr::Case(Case { expr: Some(compared), when_then_expr, else_expr })
        }
        other => other,
    };
    Ok(if is_changed { Transformed::yes(expr) } else { Transformed::no(expr) })
}

/// Takes −0 for 0 in the keys of DISTINCT ON and of its ORDER BY. DataFusion makes groups of the first and sorts within them
/// (`replace_distinct_aggregate.rs`), so that both have to stay equal.
pub(super) fn of_distinct(node: LogicalPlan, rows: InputRows<'_>) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Distinct(Distinct::On(mut node)) = node else { return Ok(Transformed::no(node)) };
    let mut is_changed = false;
    let sorted = node.sort_expr.iter_mut().flatten().map(|sort| &mut sort.expr);
    for key in node.on_expr.iter_mut().chain(sorted) {
        is_changed |= replace_key(key, rows.schema)?;
    }
    let node = LogicalPlan::Distinct(Distinct::On(node));
    Ok(if is_changed { Transformed::yes(node) } else { Transformed::no(node) })
}

/// The keys of an aggregate's ORDER BY. As in a sort, the last one may take −0 before 0. With DISTINCT the key is the argument,
/// which [`in_expr`] changes in the same way. A function WITHIN GROUP reads its key as an argument.
pub(super) fn in_aggregate(expr: Expr, rows: InputRows<'_>) -> Result<Transformed<Expr>> {
    let Expr::AggregateFunction(AggregateFunction { func, mut params }) = expr else {
        return Ok(Transformed::no(expr));
    };
    let mut is_changed = false;
    if !func.supports_within_group_clause() {
        let last = params.order_by.len().saturating_sub(1);
        for (place, sorted) in params.order_by.iter_mut().enumerate() {
            if place < last || params.distinct {
                is_changed |= replace_key(&mut sorted.expr, rows.schema)?;
            } else {
                let unsigned = canonical_float::in_key(std::mem::take(&mut sorted.expr), rows);
                is_changed |= unsigned.transformed;
                sorted.expr = unsigned.data;
            }
        }
    }
    let expr = Expr::AggregateFunction(AggregateFunction { func, params });
    Ok(if is_changed { Transformed::yes(expr) } else { Transformed::no(expr) })
}

/// Optimizer rule: leaves out the keys of an aggregate's ORDER BY that come again, of which some are alike only once they have been
/// simplified.
#[derive(Debug)]
pub struct SortKeysOnce;

impl OptimizerRule for SortKeysOnce {
    fn name(&self) -> &str {
        "sort_keys_once"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if !matches!(plan, LogicalPlan::Aggregate(_)) {
            return Ok(Transformed::no(plan));
        }
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let once = expr.transform_up(|expr| Ok(without_repetition(expr)))?;
            Ok(once.update_data(|expr| name.restore(expr)))
        })
    }
}

/// Leaves out the keys of an aggregate's ORDER BY that come again.
fn without_repetition(expr: Expr) -> Transformed<Expr> {
    let Expr::AggregateFunction(AggregateFunction { func, mut params }) = expr else {
        return Transformed::no(expr);
    };
    let count = params.order_by.len();
    let mut known: Vec<Expr> = Vec::new();
    params.order_by.retain(|key| {
        // What it was before it was simplified is its alias.
        let expr = key.expr.clone().unalias_nested().data;
        let is_new = !known.contains(&expr);
        if is_new {
            known.push(expr);
        }
        is_new
    });
    let is_changed = params.order_by.len() < count;
    Transformed::new_transformed(Expr::AggregateFunction(AggregateFunction { func, params }), is_changed)
}
