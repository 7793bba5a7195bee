//! Guards the expressions of a plan before it is optimized: bounds functions that return texts or lists, turns `||` and
//! non-constant patterns into functions, and limits the width and depth of types that a caller names.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::regex::regexp_like;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, Like, LogicalPlan, Operator, ScalarUDF, lit,
};

use super::bounded_function::bounded;
use super::string_concat::{self, StringConcat};
use crate::domain::Error;

/// Maximum nesting of types: result encoders recurse over them on threads with small stacks.
pub const MAX_TYPE_DEPTH: usize = 32;
/// Maximum width of a fixed-width type, bytes: a null takes as much as a value.
const MAX_FIXED_BYTES: usize = 64 << 10;

/// Functions that return their arguments unchanged, functions that the optimizer rewrites to casts and cases, and our
/// gap filling markers, which the planner looks for.
const EXEMPT_FUNCTIONS: [&str; 13] = [
    "arrow_cast",
    "arrow_try_cast",
    "arrow_typeof",
    "cast_to_type",
    "coalesce",
    "get_field",
    "interpolate",
    "locf",
    "nvl",
    "nvl2",
    "time_bucket_gapfill",
    "try_cast_to_type",
    "version",
];

/// Returns the plan with bounded expressions, and whether it has any.
///
/// # Errors
/// `Invalid` for types that nest too deeply or are too wide.
pub fn bound_plan(plan: LogicalPlan) -> Result<(LogicalPlan, bool)> {
    let mut functions = 0;
    plan.apply_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        node.apply_expressions(|root| {
            root.apply(|expr| {
                check_types(expr, &schema)?;
                functions += usize::from(is_growing(expr, &schema));
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    for field in plan.schema().fields() {
        check_type(field.data_type())?;
    }
    if functions == 0 {
        return Ok((plan, false));
    }
    let changed = plan.transform_up_with_subqueries(|node| {
        let (schema, names) = (merge_schema(&node.inputs()), NamePreserver::new(&node));
        node.map_expressions(|root| {
            let name = names.save(&root);
            let root = root.transform_up(|expr| bound_one(expr, &schema, functions))?;
            Ok(root.update_data(|root| name.restore(root)))
        })
    })?;
    Ok((changed.data, true))
}

/// Whether an expression can return more bytes than its arguments have.
fn is_growing(expr: &Expr, schema: &DFSchema) -> bool {
    match expr {
        Expr::ScalarFunction(call) => is_growing_call(call, schema),
        Expr::BinaryExpr(BinaryExpr { op, right, .. }) => {
            *op == Operator::StringConcat || (is_match(*op) && !is_plain_pattern(right))
        }
        Expr::SimilarTo(_) => true,
        _ => false,
    }
}

fn is_growing_call(call: &ScalarFunction, schema: &DFSchema) -> bool {
    let name = call.name();
    if EXEMPT_FUNCTIONS.contains(&name) {
        return false;
    }
    if name.starts_with("regexp_") || name == "levenshtein" {
        return true;
    }
    // The type is unknown until parameters have values.
    let answer = Expr::ScalarFunction(call.clone()).get_type(schema);
    answer.is_ok_and(|data_type| is_variable(&data_type)) || has_placeholder(call)
}

fn has_placeholder(call: &ScalarFunction) -> bool {
    let is_placeholder = |expr: &Expr| Ok(matches!(expr, Expr::Placeholder(_)));
    // The closure never fails.
    call.name() != "time_bucket" && call.args.iter().any(|arg| arg.exists(is_placeholder).unwrap_or(false))
}

fn is_variable(data_type: &DataType) -> bool {
    !data_type.is_primitive() && !matches!(data_type, DataType::Boolean | DataType::Null)
}

/// Whether a pattern can be left to DataFusion's operator. It takes some constant patterns for those of LIKE, where a
/// backslash means something else: `x ~ 'C:\\dir'` would find `C:dir`.
fn is_plain_pattern(pattern: &Expr) -> bool {
    matches!(pattern, Expr::Literal(text, _) if !text.try_as_str().flatten().is_some_and(|text| text.contains('\\')))
}

fn is_match(op: Operator) -> bool {
    matches!(
        op,
        Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch
    )
}

fn bound_one(expr: Expr, schema: &DFSchema, functions: usize) -> Result<Transformed<Expr>> {
    if !is_growing(&expr, schema) {
        return Ok(Transformed::no(expr));
    }
    let call = |inner: &ScalarUDF, args| {
        Expr::ScalarFunction(ScalarFunction { func: bounded(functions, inner), args })
    };
    let bounded = match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) => call(&func, args),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => match *left {
            Expr::ScalarFunction(mut chain) if chain.name() == string_concat::NAME => {
                chain.args.push(*right);
                Expr::ScalarFunction(chain)
            }
            left => call(&ScalarUDF::from(StringConcat::default()), vec![left, *right]),
        },
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let mut args = vec![*left, *right];
            if matches!(op, Operator::RegexIMatch | Operator::RegexNotIMatch) {
                args.push(lit("i"));
            }
            let is_like = call(&regexp_like(), args);
            let is_negated = matches!(op, Operator::RegexNotMatch | Operator::RegexNotIMatch);
            if is_negated { Expr::Not(Box::new(is_like)) } else { is_like }
        }
        Expr::SimilarTo(Like { negated, expr, pattern, escape_char, .. }) => {
            let is_like = call(&regexp_like(), vec![*expr, lit(similar_pattern(&pattern, escape_char)?)]);
            if negated { Expr::Not(Box::new(is_like)) } else { is_like }
        }
        other => return Ok(Transformed::no(other)),
    };
    Ok(Transformed::yes(bounded))
}

/// The regular expression for a pattern of SIMILAR TO (SQL:2003, 8.6), which has to match as a whole. DataFusion's operator
/// takes it for a regular expression as it is (its issue #22263).
fn similar_pattern(pattern: &Expr, escape: Option<char>) -> Result<String> {
    let refuse = |message: &str| Err(DataFusionError::External(Box::new(Error::invalid(message))));
    let Expr::Literal(pattern, _) = pattern else {
        return refuse("SIMILAR TO needs a constant pattern; for others use ~ with a regular expression");
    };
    let Some(pattern) = pattern.try_as_str().flatten() else {
        return refuse("SIMILAR TO needs a text as its pattern");
    };
    let (mut regex, mut rest) = ("^(?:".to_owned(), pattern.chars());
    let mut is_in_class = false;
    while let Some(c) = rest.next() {
        match c {
            c if c == escape.unwrap_or('\\') => match rest.next() {
                Some(next) if next.is_alphanumeric() => regex.push(next),
                Some(next) => regex.extend(['\\', next]),
                None => return refuse("the pattern of SIMILAR TO ends with its escape character"),
            },
            '[' | ']' => {
                is_in_class = c == '[';
                regex.push(c);
            }
            '%' if !is_in_class => regex.push_str("(?s:.*)"),
            '_' if !is_in_class => regex.push_str("(?s:.)"),
            '.' | '^' | '$' if !is_in_class => regex.extend(['\\', c]),
            '\\' => regex.push_str("\\\\"),
            c => regex.push(c),
        }
    }
    Ok(regex + ")$")
}

fn check_types(expr: &Expr, schema: &DFSchema) -> Result<()> {
    match expr {
        Expr::Cast(cast) => check_type(cast.field.data_type()),
        Expr::TryCast(cast) => check_type(cast.field.data_type()),
        Expr::ScalarFunction(call) if call.name().starts_with("arrow_") => {
            expr.get_type(schema).map_or(Ok(()), |data_type| check_type(&data_type))
        }
        _ => Ok(()),
    }
}

fn check_type(data_type: &DataType) -> Result<()> {
    let refuse = |message: String| Err(DataFusionError::External(Box::new(Error::invalid(message))));
    if depth(data_type) > MAX_TYPE_DEPTH {
        return refuse(format!("a type nests more than {MAX_TYPE_DEPTH} levels deep"));
    }
    let width = fixed_bytes(data_type);
    if width > MAX_FIXED_BYTES {
        return refuse(format!(
            "a type of a fixed length takes at most {MAX_FIXED_BYTES} bytes a value, not {width}"
        ));
    }
    Ok(())
}

fn children(data_type: &DataType) -> Vec<&DataType> {
    match data_type {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => vec![field.data_type()],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.data_type()).collect(),
        DataType::Dictionary(_, values) => vec![values],
        DataType::RunEndEncoded(_, values) => vec![values.data_type()],
        _ => Vec::new(),
    }
}

fn depth(data_type: &DataType) -> usize {
    1 + children(data_type).into_iter().map(depth).max().unwrap_or(0)
}

/// Returns the bytes that every value takes, even a null.
fn fixed_bytes(data_type: &DataType) -> usize {
    let length = |n: i32| usize::try_from(n).unwrap_or(0);
    match data_type {
        DataType::FixedSizeBinary(n) => length(*n),
        DataType::FixedSizeList(field, n) => length(*n).saturating_mul(fixed_bytes(field.data_type()).max(1)),
        DataType::Struct(_) => {
            children(data_type).into_iter().map(fixed_bytes).fold(0, usize::saturating_add)
        }
        // Elements of a list are checked as values of their own.
        _ => children(data_type).into_iter().map(fixed_bytes).max().unwrap_or(0).max(16),
    }
}

#[cfg(test)]
#[path = "expressions_tests.rs"]
mod tests;
