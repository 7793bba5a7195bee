//! Forms that DataFusion (55) answers wrongly and that are refused instead, with another way to write them.

use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::{Cast, InList, NullTreatment, WindowFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, GroupingSet, LogicalPlan};
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    self, Query, Select, SetExpr, SetOperator, SetQuantifier, TableFactor,
};

use super::joined_tables::tables;
use super::{joined_columns, shadowed_columns, subqueries};
use crate::domain::Error;
use crate::query::syntax_visitor::{SyntaxVisitor, walk};

/// Refuses what would be answered wrongly.
///
/// # Errors
/// `Invalid` that says what to write instead.
pub fn refuse_wrong(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|root| root.apply(|expr| refuse(wrong(expr))))?;
        refuse(subqueries::wrong_place(node).or_else(|| shadowed_columns::wrong_order(node)))
    })?;
    Ok(())
}

fn refuse(message: Option<&'static str>) -> Result<TreeNodeRecursion> {
    match message {
        Some(message) => Err(DataFusionError::External(Box::new(Error::field("query", message)))),
        None => Ok(TreeNodeRecursion::Continue),
    }
}

/// Refuses set operations that DataFusion answers without counting rows (its issue #18850): `INTERSECT ALL` and `EXCEPT ALL`; and
/// joins whose common columns it would take from the wrong side.
///
/// # Errors
/// `Invalid` that says what to write instead.
pub fn refuse_forms(statement: &Statement) -> crate::domain::Result<()> {
    match statement {
        Statement::Statement(statement) => walk(&**statement, &mut RefusedForms),
        Statement::Explain(explain) => refuse_forms(&explain.statement),
        // The planner refuses these, since they do not only read.
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => Ok(()),
    }
}

struct RefusedForms;

impl SyntaxVisitor for RefusedForms {
    fn enter_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let mut parts = vec![&*query.body];
        while let Some(part) = parts.pop() {
            let SetExpr::SetOperation { op, set_quantifier, left, right } = part else { continue };
            let counts_rows = matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName);
            if counts_rows && *op != SetOperator::Union {
                return ControlFlow::Break(Error::field(
                    "query",
                    "has INTERSECT ALL or EXCEPT ALL, which is not supported: leave ALL out, or count the rows of each side with \
                     GROUP BY and compare the counts",
                ));
            }
            parts.extend([&**left, &**right]);
        }
        ControlFlow::Continue(())
    }

    fn enter_select(&mut self, select: &Select) -> ControlFlow<Error> {
        let refused = tables(&select.from).find_map(|table| match table {
            table if is_sampled(table) => Some(SAMPLE),
            table if is_list_of_a_row(table) => Some(LISTS),
            _ => None,
        });
        refuse_form(refused.or_else(|| joined_columns::refusal(select)))
    }

    fn enter_expr(&mut self, expr: &ast::Expr) -> ControlFlow<Error> {
        refuse_form(match expr {
            ast::Expr::Function(function) if is_array_of_query(function) => Some(ARRAY_OF_QUERY),
            expr => is_of_whole_rows(expr).then_some(WHOLE_ROWS),
        })
    }
}

fn refuse_form(message: Option<&'static str>) -> ControlFlow<Error> {
    match message {
        Some(message) => ControlFlow::Break(Error::field("query", message)),
        None => ControlFlow::Continue(()),
    }
}

const SAMPLE: &str =
    "has TABLESAMPLE, which is not supported: write WHERE random() < 0.1 for a tenth of the rows";
const WHOLE_ROWS: &str = "has `*` as a value, such as count(r.*), which is not supported: name a column that is never NULL, such as count(r.ts), \
                          or write count(*)";

const ARRAY_OF_QUERY: &str = "has ARRAY(SELECT …), which is not supported: write (SELECT array_agg(x ORDER BY x) FROM …), which is NULL without a row";
const LISTS: &str =
    "has unnest of a column in FROM, which is not supported: write unnest(…) in the list of a SELECT";

fn is_array_of_query(function: &ast::Function) -> bool {
    matches!(function.args, ast::FunctionArguments::Subquery(_))
        && function.name.to_string().eq_ignore_ascii_case("array")
}

/// Whether a table has the elements of lists that are values of the tables before it.
fn is_list_of_a_row(table: &TableFactor) -> bool {
    let is_column =
        |list: &ast::Expr| matches!(list, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_));
    match table {
        TableFactor::UNNEST { array_exprs, .. } => array_exprs.iter().any(is_column),
        TableFactor::Function { lateral: true, name, .. } => name.to_string().eq_ignore_ascii_case("unnest"),
        _ => false,
    }
}

/// Whether a table is read in part; DataFusion reads all of it.
fn is_sampled(table: &TableFactor) -> bool {
    match table {
        TableFactor::Table { sample, .. } | TableFactor::Derived { sample, .. } => sample.is_some(),
        TableFactor::NestedJoin { table_with_joins, .. } => {
            is_sampled(&table_with_joins.relation)
                || table_with_joins.joins.iter().any(|join| is_sampled(&join.relation))
        }
        _ => false,
    }
}

/// Whether an expression takes rows of a table for values; DataFusion counts those that an outer join adds, and takes none of them for
/// NULL.
fn is_of_whole_rows(expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::QualifiedWildcard(..) => true,
        ast::Expr::Function(function) => match &function.args {
            ast::FunctionArguments::List(list) => list.args.iter().any(|argument| {
                matches!(argument, ast::FunctionArg::Unnamed(ast::FunctionArgExpr::QualifiedWildcard(_)))
            }),
            _ => false,
        },
        _ => false,
    }
}

const INFINITE: [&str; 3] = ["infinity", "-infinity", "+infinity"];
const ROWS: &str = "has a comparison of rows in a form that is not supported: compare rows of columns and constants with as many members, \
                    or their members one by one with AND and OR";

/// Whether an expression makes a row of values.
fn is_row(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarFunction(function) => matches!(function.name(), "struct" | "row" | "named_struct"),
        Expr::Literal(value, _) => matches!(value, ScalarValue::Struct(_)),
        Expr::Alias(alias) => is_row(&alias.expr),
        Expr::Cast(cast) => is_row(&cast.expr),
        _ => false,
    }
}

/// Whether a constant is a key of some of the sets, and not of all.
fn has_passing_constant(sets: &GroupingSet) -> bool {
    let is_constant = |key: &Expr| !key.any_column_refs();
    match sets {
        GroupingSet::Rollup(keys) | GroupingSet::Cube(keys) => keys.iter().any(is_constant),
        GroupingSet::GroupingSets(sets) => {
            let mut constants = sets.iter().flatten().filter(|key| is_constant(key));
            constants.any(|key| !sets.iter().all(|set| set.contains(key)))
        }
    }
}

/// Whether a text is cast to a time that is none.
fn is_infinite_time(cast: &Cast) -> bool {
    let text = cast.expr.as_literal().and_then(|value| value.try_as_str().flatten());
    let is_time = matches!(cast.field.data_type(), DataType::Timestamp(..) | DataType::Date32);
    is_time && text.is_some_and(|text| INFINITE.contains(&text.trim().to_ascii_lowercase().as_str()))
}

fn wrong(expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::Cast(cast) if is_infinite_time(cast) => Some(
            "has the time `infinity` or `-infinity`, which is not supported: leave the bound out, or name a time",
        ),
        // Rows are compared by their bits, NULL with NULL; `comparisons.rs` takes the other forms apart.
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if op.supports_propagation() && (is_row(left) || is_row(right)) =>
        {
            Some(ROWS)
        }
        Expr::InList(InList { expr, .. }) if is_row(expr) => Some(ROWS),
        // The totals would show the constant in place of NULL.
        Expr::GroupingSet(sets) if has_passing_constant(sets) => Some(
            "groups by a grouping set with a key that is a constant or parameter, which is not supported: leave the key out of ROLLUP, CUBE and \
             GROUPING SETS",
        ),
        // Both count NULLs, and rows without a value, for nothing.
        Expr::SetComparison(_) => Some(
            "has a comparison with ANY or ALL of a subquery, which is not supported: compare with (SELECT min(…) …) or \
             (SELECT max(…) …), use IN, or EXISTS (SELECT 1 FROM … WHERE …)",
        ),
        // DataFusion issue #25471.
        Expr::WindowFunction(window) if skips_nulls_over_rows(window) => Some(
            "has lead or lag with an offset and IGNORE NULLS, which is not supported: leave rows without a value out with WHERE \
             before",
        ),
        Expr::WindowFunction(window) if has_computed_offset(window) => Some(
            "has lag, lead, nth_value or ntile with a number of rows or a default that is a column, which is not supported: give a constant, or \
             write CASE WHEN row_number() OVER (…) = 1 THEN … ELSE lag(…) OVER (…) END",
        ),
        other => subqueries::wrong_anywhere(other),
    }
}

/// Whether the number of rows or the default of a window function is not that of all rows.
fn has_computed_offset(window: &WindowFunction) -> bool {
    let constants = match window.fun.name() {
        "lag" | "lead" | "nth_value" => 1..,
        "ntile" => 0..,
        _ => return false,
    };
    window.params.args.get(constants).is_some_and(|args| args.iter().any(Expr::any_column_refs))
}

/// Whether `lead` or `lag` skips NULLs over more than the next row.
fn skips_nulls_over_rows(window: &WindowFunction) -> bool {
    let name = window.fun.name();
    window.params.null_treatment == Some(NullTreatment::IgnoreNulls)
        && matches!(name, "lead" | "lag")
        && window.params.args.len() > 1
}
