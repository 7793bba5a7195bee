//! `x = ANY (a)` of an array that is a column or is computed (PostgreSQL 15, 9.24.3). DataFusion (55) plans it as `array_has(a, x)`, which
//! compares by bits: −0 is not 0, and is false where a NULL in the array, or in place of `x`, leaves it unknown.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt64Array};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::take;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::canonical_float::canonical;

/// `equals_any(a, x)`: whether a value equals an element of an array.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct EqualsAny {
    signature: Signature,
}

impl Default for EqualsAny {
    fn default() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for EqualsAny {
    fn name(&self) -> &str {
        "equals_any"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [array, value] = args.args.as_slice() else {
            return exec_err!("equals_any takes an array and a value");
        };
        let (array, value) = (array.to_array(args.number_rows)?, value.to_array(args.number_rows)?);
        match array.as_list_opt::<i32>() {
            Some(lists) => Ok(ColumnarValue::Array(Arc::new(equals_any(lists, &value)?))),
            None => exec_err!("equals_any takes an array, not a {}", array.data_type()),
        }
    }
}

/// Replaces `array_has` of an array that is not written out, whose types the planner has made alike. An array of arrays stays, and so does one
/// that a call makes of its elements, which the optimizer takes apart.
pub(super) fn in_call(function: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    let is_replaced = match function.args.as_slice() {
        [Expr::ScalarFunction(made), _] if made.name() == "make_array" => false,
        [array, value] => match array.get_type(schema) {
            Ok(DataType::List(element)) => {
                let of = element.data_type();
                !of.is_nested() && !of.is_null() && value.get_type(schema).is_ok_and(|value| value == *of)
            }
            _ => false,
        },
        _ => false,
    };
    match is_replaced {
        true => Transformed::yes(ScalarUDF::from(EqualsAny::default()).call(function.args)),
        false => Transformed::no(Expr::ScalarFunction(function)),
    }
}

/// For each row: true if an element equals the value, unknown if none does and one comparison is unknown.
fn equals_any(lists: &ListArray, values: &ArrayRef) -> Result<BooleanArray> {
    let offsets = lists.value_offsets();
    let length = |row: usize| (offsets[row + 1] - offsets[row]) as usize;
    let (first, last) = (offsets[0] as usize, offsets[lists.len()] as usize);
    let rows = (0..lists.len()).flat_map(|row| repeat_n(row as u64, length(row)));
    let repeated = take(values, &UInt64Array::from_iter_values(rows), None)?;
    let elements = lists.values().slice(first, last - first);
    let equal = eq(&comparable(&repeated), &comparable(&elements))?;
    let mut next = 0;
    let found = (0..lists.len()).map(|row| {
        let begin = next;
        next += length(row);
        let of_row = || (begin..next).map(|at| equal.is_valid(at).then(|| equal.value(at)));
        match lists.is_null(row) {
            true => None,
            false if of_row().any(|is_equal| is_equal == Some(true)) => Some(true),
            false if of_row().any(|is_equal| is_equal.is_none()) => None,
            false => Some(false),
        }
    });
    Ok(found.collect())
}

/// Values as they are compared: numbers without the signs that PostgreSQL does not see.
fn comparable(values: &ArrayRef) -> ArrayRef {
    match values.data_type() {
        DataType::Float64 => {
            Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(canonical)) as ArrayRef
        }
        DataType::Float32 => {
            let short = |number: f32| canonical(number.into()) as f32;
            Arc::new(values.as_primitive::<Float32Type>().unary::<_, Float32Type>(short))
        }
        _ => Arc::clone(values),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Float64Array;

    use super::*;

    #[test]
    fn a_null_among_the_elements_leaves_it_unknown() {
        let lists = ListArray::from_iter_primitive::<Float64Type, _, _>([
            Some(vec![Some(1.0), None]),
            Some(vec![Some(2.0), None]),
            Some(vec![Some(-0.0), Some(2.0)]),
            Some(vec![]),
            Some(vec![Some(3.0)]),
            Some(vec![Some(3.0)]),
            None,
        ]);
        let values = [Some(1.0), Some(1.0), Some(0.0), None, Some(1.0), None, Some(1.0)];
        let expected = [Some(true), None, Some(true), Some(false), Some(false), None, None];
        let values: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
        let found = equals_any(&lists, &values).unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);
        let (lists, values) = (lists.slice(1, 3), values.slice(1, 3));
        let found = equals_any(&lists, &values).unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected[1..4]);
    }
}
