//! The operator `||` as a function, so that its results can be bounded like those of functions. A chain of operators is
//! one call: its expression tree would be as deep as the chain is long.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column};
use datafusion::scalar::ScalarValue;

/// Name of the function.
pub const NAME: &str = "||";

/// `a || b || …`, null if any operand is.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct StringConcat {
    signature: Signature,
}

impl Default for StringConcat {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// Returns the type of the result, to which all operands are cast.
fn common(types: &[DataType]) -> Result<DataType> {
    let [first, rest @ ..] = types else { return datafusion::common::plan_err!("`||` takes operands") };
    rest.iter().try_fold(first.clone(), |left, right| {
        let (left, right) =
            BinaryTypeCoercer::new(&left, &Operator::StringConcat, right).get_input_types()?;
        BinaryTypeCoercer::new(&left, &Operator::StringConcat, &right).get_result_type()
    })
}

fn concat(left: ArrayRef, right: ArrayRef) -> Result<ArrayRef> {
    let rows = left.len();
    let field = |name, array: &ArrayRef| Field::new(name, array.data_type().clone(), true);
    let schema = Schema::new(vec![field("left", &left), field("right", &right)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![left, right])?;
    let (left, right) = (Arc::new(Column::new("left", 0)), Arc::new(Column::new("right", 1)));
    BinaryExpr::new(left, Operator::StringConcat, right).evaluate(&batch)?.into_array(rows)
}

impl ScalarUDFImpl for StringConcat {
    fn name(&self) -> &str {
        NAME
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names: Vec<_> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(names.join(" || "))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![common(types)?; types.len()])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        common(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let mut operands = args.args.into_iter().map(|value| value.into_array(rows));
        let first =
            operands.next().unwrap_or_else(|| datafusion::common::plan_err!("`||` takes operands"))?;
        let all = operands.try_fold(first, |left, right| concat(left, right?))?;
        match is_constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&all, 0)?)),
            false => Ok(ColumnarValue::Array(all)),
        }
    }
}
