//! Analyzer rule: replaces expressions that DataFusion evaluates otherwise than PostgreSQL.

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;
use datafusion::scalar::ScalarValue;

use super::input_rows::{self, InputRows};
use super::narrowing_cast::NarrowingCast;
use super::time_literal::{self, TimeKind};
use super::{
    array_text, canonical_float, cast_name, checked_arithmetic, element_texts, exact_sum, float_extremes,
    guarding_case,
};
use super::{float_numeric, forward_aggregate, interval_functions, literals, one_row, regex_functions};
use super::{remainder, round, sort_keys, spans, text, unique_keys, unknown_text};

/// Replaces narrowing casts by functions, compares spans of time by their length, takes −0 for 0 where groups and
/// peers are made, gives NaN no sign, and keeps conditions above the one row of an aggregate without GROUP BY.
#[derive(Debug)]
pub struct PostgresSemantics;

impl AnalyzerRule for PostgresSemantics {
    fn name(&self) -> &str {
        "postgres_semantics"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let mut hides_keys = false;
        let changed = plan.transform_up_with_subqueries(|node| {
            let (schema, names) = (merge_schema(&node.inputs()), NamePreserver::new(&node));
            let plans = input_rows::plans(&node);
            let rows = InputRows { schema: &schema, plans: &plans };
            let node = sort_keys::of_distinct(node, rows)?;
            let node = node.transform_data(|node| sort_keys::of_sort(node, rows))?;
            let makes_groups = matches!(node.data, LogicalPlan::Aggregate(_));
            let replace = |root| replace_within(root, &names, rows, makes_groups);
            node.transform_data(|node| {
                node.map_expressions(|root| match root {
                    // The names are those of the members: a name of the whole would hide that it is a grouping set.
                    Expr::GroupingSet(_) => root.map_children(replace),
                    root => replace(root),
                })
            })?
            .transform_data(|node| {
                let hidden = unique_keys::hide(node)?;
                hides_keys |= hidden.transformed;
                Ok(hidden)
            })
        })?;
        let plan = if hides_keys { unique_keys::forget_above(changed.data)? } else { changed.data };
        one_row::keep(plan)
    }
}

fn replace_within(
    root: Expr,
    names: &NamePreserver,
    rows: InputRows<'_>,
    makes_groups: bool,
) -> Result<Transformed<Expr>> {
    let name = names.save(&root);
    let root = root.transform_up(|expr| {
        replace(expr, rows.schema)?
            .transform_data(|expr| sort_keys::in_aggregate(expr, rows))?
            .transform_data(|expr| canonical_float::in_expr(expr, rows))?
            .transform_data(|expr| float_extremes::in_expr(expr, rows))
    })?;
    let root = if makes_groups { root.transform_data(|root| in_group_key(root, rows))? } else { root };
    Ok(root.update_data(|root| name.restore(root)))
}

/// Takes the sign from a key of groups, which has a name where a parameter was bound in it.
fn in_group_key(root: Expr, rows: InputRows<'_>) -> Result<Transformed<Expr>> {
    match root {
        Expr::AggregateFunction(_) => Ok(Transformed::no(root)),
        Expr::Alias(_) => root.map_children(|of| in_group_key(of, rows)),
        key => Ok(canonical_float::in_key(key, rows)),
    }
}

fn replace(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Cast(Cast { mut expr, field }) => {
            if let Some(call) = float_numeric::in_place_of_cast(&expr, field.data_type(), schema)? {
                return Ok(Transformed::yes(call));
            }
            if let Some(function) = interval_functions::in_place_of_cast(&expr, field.data_type(), schema)? {
                return Ok(Transformed::yes(function.call(vec![*expr])));
            }
            if matches!(field.data_type(), DataType::List(_)) {
                array_text::refuse_array_of(&expr.get_type(schema)?)?;
            }
            let is_rewritten = make_readable(&mut expr, field.data_type())?;
            let function = match &*expr {
                // Numbers keep the digits of the statement's text; a time or an interval has none.
                Expr::Literal(value, _)
                    if field.data_type() == &DataType::Utf8 && value.data_type().is_floating() =>
                {
                    None
                }
                source if field.data_type() == &DataType::Utf8 => {
                    let of = source.get_type(schema)?;
                    array_text::cast_to_text(&of).or_else(|| text::cast_to_text(&of, field.data_type()))
                }
                _ if !NarrowingCast::may_narrow_to(field.data_type()) => None,
                Expr::Cast(inner) => NarrowingCast::of(&expr, inner.field.data_type(), field.data_type()),
                other => NarrowingCast::of(&expr, &other.get_type(schema)?, field.data_type()),
            };
            Ok(match function {
                Some(function) => Transformed::yes(function.call(vec![*expr])),
                None if is_rewritten => Transformed::yes(Expr::Cast(Cast { expr, field })),
                None => Transformed::no(Expr::Cast(Cast { expr, field })),
            })
        }
        Expr::ScalarFunction(function) if cast_name::is_call(&function) => cast_name::without(function),
        Expr::ScalarFunction(function) if unknown_text::is_call(&function) => unknown_text::without(function),
        other => spans::in_comparison(other, schema)?
            .transform_data(|expr| sort_keys::in_expr(expr, schema))?
            .transform_data(|expr| checked_arithmetic::in_expr(expr, schema))?
            .transform_data(|expr| remainder::in_expr(expr, schema))?
            .transform_data(|expr| exact_sum::in_expr(expr, schema))?
            .transform_data(|expr| forward_aggregate::in_expr(expr, schema))?
            .transform_data(|expr| element_texts::in_expr(expr, schema))?
            .transform_data(|expr| Ok(regex_functions::in_expr(expr)))?
            .transform_data(|expr| Ok(round::in_expr(expr)))?
            .transform_data(|expr| guarding_case::in_expr(expr, schema)),
    }
}

/// Rewrites a text that becomes a time or an interval to a form that arrow reads. A time that arrow reads with another meaning is
/// refused.
fn make_readable(expr: &mut Expr, target: &DataType) -> Result<bool> {
    let Expr::Literal(ScalarValue::Utf8(Some(text)), _) = expr else { return Ok(false) };
    if matches!(target, DataType::Timestamp(..) | DataType::Date32) && time_literal::is_misread(text) {
        return plan_err!(
            "the time '{text}' has a zone that is not supported: give an offset such as +02, or a name such as Europe/Berlin"
        );
    }
    let readable = match target {
        DataType::Timestamp(_, Some(_)) => time_literal::readable(text, TimeKind::Instant),
        DataType::Timestamp(_, None) => time_literal::readable(text, TimeKind::Local),
        DataType::Date32 => time_literal::readable(text, TimeKind::Date),
        DataType::Interval(_) => literals::interval(text),
        _ => None,
    };
    match readable {
        Some(readable) => *text = readable,
        None => return Ok(false),
    }
    Ok(true)
}
