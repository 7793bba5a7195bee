//! Arithmetic of integers that fails where the result leaves the range, as PostgreSQL's does. DataFusion (55) lets it wrap (its
//! issue #3520): its physical expressions can check, but no setting makes its planner ask for it.

use arrow::compute::kernels::numeric::{add, mul, sub};
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ExprSchema, exec_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ReturnFieldArgs,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast,
};
use datafusion::physical_expr_common::datum::apply;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::return_field::as_nullable_as_arguments;

/// Begin of the message about a result that has no place in its type.
pub const OUT_OF_RANGE: &str = "integer out of range";

/// `checked_add(a, b)`, `checked_sub(a, b)` and `checked_mul(a, b)`, of two integers of one type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CheckedArithmetic {
    operator: Operator,
    signature: Signature,
}

impl CheckedArithmetic {
    /// The function for an operator that can leave the range; `None` for others. Division fails already.
    fn of(operator: Operator) -> Option<Self> {
        let can_overflow = matches!(operator, Operator::Plus | Operator::Minus | Operator::Multiply);
        can_overflow.then(|| Self { operator, signature: Signature::any(2, Volatility::Immutable) })
    }

    /// All of the functions.
    pub fn all() -> impl Iterator<Item = ScalarUDF> {
        let operators = [Operator::Plus, Operator::Minus, Operator::Multiply];
        operators.into_iter().filter_map(Self::of).map(ScalarUDF::from)
    }
}

impl ScalarUDFImpl for CheckedArithmetic {
    fn name(&self) -> &str {
        match self.operator {
            Operator::Plus => "checked_add",
            Operator::Minus => "checked_sub",
            _ => "checked_mul",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match args {
            [left, right] if left.is_integer() && left == right => Ok(left.clone()),
            _ => exec_err!("{} takes two integers of one type", self.name()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        as_nullable_as_arguments(self, &args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return exec_err!("{} takes two integers", self.name());
        };
        let checked = match self.operator {
            Operator::Plus => apply(left, right, add),
            Operator::Minus => apply(left, right, sub),
            _ => apply(left, right, mul),
        };
        checked.map_err(out_of_range)
    }
}

/// Says what left the range: arrow's message ends in `on: 1 + 2`.
fn out_of_range(error: DataFusionError) -> DataFusionError {
    match error.find_root() {
        DataFusionError::ArrowError(arrow, _) => match &**arrow {
            ArrowError::ArithmeticOverflow(text) => {
                let sum = text.rsplit_once("on: ").map_or("", |(_, sum)| sum);
                DataFusionError::Execution(format!("{OUT_OF_RANGE}: {sum}"))
            }
            _ => error,
        },
        _ => error,
    }
}

/// Makes arithmetic of integers fail where its result leaves the range.
pub(super) fn in_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            // The right side comes first: in long sums it is the short one.
            let function = match CheckedArithmetic::of(op) {
                Some(function) if is_integer(&right, schema)? && is_integer(&left, schema)? => function,
                _ => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
            };
            Ok(Transformed::yes(ScalarUDF::from(function).call(vec![*left, *right])))
        }
        Expr::Negative(of) if !matches!(*of, Expr::Literal(..)) && is_integer(&of, schema)? => {
            let zero = Expr::Literal(ScalarValue::new_zero(&of.get_type(schema)?)?, None);
            let minus = CheckedArithmetic {
                operator: Operator::Minus,
                signature: Signature::any(2, Volatility::Immutable),
            };
            Ok(Transformed::yes(ScalarUDF::from(minus).call(vec![zero, *of])))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Whether an expression is an integer. The type of most is known without those that they consist of, which keeps deep
/// statements cheap.
fn is_integer(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    Ok(match expr {
        Expr::Literal(value, _) => value.data_type().is_integer(),
        Expr::Cast(cast) => cast.field.data_type().is_integer(),
        Expr::Column(column) => schema.field_from_column(column)?.data_type().is_integer(),
        Expr::ScalarFunction(call) if call.name().starts_with("checked_") => true,
        other => other.get_type(schema)?.is_integer(),
    })
}

/// Most digits after the point of a `numeric` by which a `bigint` of [`DIVIDEND`] is divided: with more of them it leaves the range.
const MOST_DIVISOR_DIGITS: i8 = 10;
/// Type of a whole number that is divided by a `numeric`: the quotient has four digits more after the point.
const DIVIDEND: DataType = DataType::Decimal128(38, 5);

/// Plans the quotient of a whole number and a `numeric`. The number gets digits, of which arrow keeps four else: `1 / 30000::numeric`
/// was 0.
#[derive(Debug, Default)]
pub struct QuotientPlanner;

impl ExprPlanner for QuotientPlanner {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = raw;
        let left = match op == BinaryOperator::Divide && is_whole_by_numeric(&left, &right, schema) {
            true => cast(left, DIVIDEND),
            false => left,
        };
        Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
    }
}

/// Whether a whole number is divided by a `numeric`. The right side comes first: in long quotients it is the short one.
fn is_whole_by_numeric(left: &Expr, right: &Expr, schema: &DFSchema) -> bool {
    let is_numeric =
        right.get_type(schema).is_ok_and(|of| matches!(of, DataType::Decimal128(_, ..=MOST_DIVISOR_DIGITS)));
    is_numeric && is_integer(left, schema).unwrap_or(false)
}

/// Gives digits to whole numbers that are divided by a `numeric` and of which the planner did not know the type: they are made of
/// parameters, which have one since they are bound.
pub(super) fn divide_bound(plan: LogicalPlan) -> Result<LogicalPlan> {
    if !has_quotient(&plan)? {
        return Ok(plan);
    }
    let changed = plan.transform_up_with_subqueries(|node| {
        // Its types are no more found out after this.
        if matches!(node, LogicalPlan::Values(_)) {
            return Ok(Transformed::no(node));
        }
        let (schema, names) = (merge_schema(&node.inputs()), NamePreserver::new(&node));
        let node = node.map_expressions(|root| {
            let name = names.save(&root);
            let root = root.transform_up(|expr| Ok(with_digits(expr, &schema)))?;
            Ok(root.update_data(|root| name.restore(root)))
        })?;
        node.map_data(|node| node.recompute_schema())
    })?;
    Ok(changed.data)
}

/// Whether a plan divides anything but a column.
fn has_quotient(plan: &LogicalPlan) -> Result<bool> {
    let is_quotient = |expr: &Expr| match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, .. }) => !matches!(**left, Expr::Column(_)),
        _ => false,
    };
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|root| {
            found |= root.exists(|expr| Ok(is_quotient(expr)))?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

/// Gives a quotient of a whole number and a `numeric` digits.
fn with_digits(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right })
            if is_whole_by_numeric(&left, &right, schema) =>
        {
            let left = Box::new(cast(*left, DIVIDEND));
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right }))
        }
        other => Transformed::no(other),
    }
}
