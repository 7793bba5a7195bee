//! Texts of a statement that have no type of their own: PostgreSQL (15, 10.2 and 10.3) takes it from what they stand beside.

use std::mem;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, cast};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, FunctionArg, FunctionArgExpr, Value, ValueWithSpan,
};

use super::function_call::cast_of;
use super::template::null;

/// The type of a `numeric` without digits.
const NUMERIC: DataType = DataType::Decimal128(38, 10);

/// Plans `number + 'text'`, `time - 'text'` and their like: the text is a number, or a time. A text that is added to a time is an interval
/// (`scaled_span.rs`).
#[derive(Debug, Default)]
pub struct LiteralPlanner;

impl ExprPlanner for LiteralPlanner {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = raw;
        let (left, right) = match (is_text(&left), is_text(&right)) {
            (true, false) => (as_beside(left, &op, &right, schema), right),
            (false, true) => {
                let right = as_beside(right, &op, &left, schema);
                (left, right)
            }
            _ => (left, right),
        };
        Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
    }
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Utf8(Some(_)), _))
}

fn as_beside(text: Expr, op: &BinaryOperator, other: &Expr, schema: &DFSchema) -> Expr {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, Plus};
    if !matches!(op, Plus | Minus | Multiply | Divide | Modulo) {
        return text;
    }
    match other.get_type(schema) {
        Ok(DataType::Decimal128(..)) => cast(text, NUMERIC),
        Ok(number) if number.is_signed_integer() || number.is_floating() => cast(text, number),
        Ok(time @ (DataType::Timestamp(..) | DataType::Date32)) if *op == Minus => cast(text, time),
        _ => text,
    }
}

/// Gives the texts among the arguments of `generate_series` types: a bound that of the other bound, where that is a cast, and the step that
/// of an interval.
pub(super) fn in_series(args: &mut [FunctionArg]) {
    if let [first, second, ..] = args {
        let of = [&*first, &*second].into_iter().find_map(cast_type).cloned();
        for bound in [first, second] {
            if let Some(of) = &of {
                set_type(bound, of);
            }
        }
    }
    if let [_, _, step] = args {
        set_type(step, &ast::DataType::Interval { fields: None, precision: None });
    }
}

fn cast_type(arg: &FunctionArg) -> Option<&ast::DataType> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Cast { data_type, .. })) => Some(data_type),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::TypedString(text))) => Some(&text.data_type),
        _ => None,
    }
}

fn set_type(arg: &mut FunctionArg, data_type: &ast::DataType) {
    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(text)) = arg
        && let ast::Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. }) = text
    {
        *text = cast_of(mem::replace(text, null()), data_type.clone());
    }
}
