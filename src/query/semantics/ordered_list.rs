//! `percentile_disc(fraction) WITHIN GROUP (ORDER BY x)` and `mode() WITHIN GROUP (ORDER BY x)`, which DataFusion does not have:
//! functions of the sorted list that `array_agg` makes of the values.

use std::mem;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::kernels::cmp::distinct;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName,
};

use super::function_call::call;

/// A function of a sorted list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// The first value at which at least a fraction of all is reached.
    PercentileDisc,
    /// The most frequent value, of several the first.
    Mode,
}

/// `percentile_disc_of(list, fraction)` and `mode_of(list)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct OfOrderedList {
    kind: Kind,
    signature: Signature,
}

impl OfOrderedList {
    fn new(kind: Kind) -> Self {
        let count = if kind == Kind::Mode { 1 } else { 2 };
        Self { kind, signature: Signature::any(count, Volatility::Immutable) }
    }

    /// All of the functions.
    pub fn all() -> impl Iterator<Item = ScalarUDF> {
        [Kind::PercentileDisc, Kind::Mode].into_iter().map(Self::new).map(ScalarUDF::from)
    }
}

impl ScalarUDFImpl for OfOrderedList {
    fn name(&self) -> &str {
        match self.kind {
            Kind::PercentileDisc => "percentile_disc_of",
            Kind::Mode => "mode_of",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types.first() {
            Some(DataType::List(item)) => Ok(item.data_type().clone()),
            _ => plan_err!("{} takes a list", self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let fraction = match args.args.get(1) {
            None => 0.0,
            Some(fraction) => constant_fraction(fraction)?,
        };
        let Some(lists) = args.args.first() else { return exec_err!("{} takes a list", self.name()) };
        let lists = lists.to_array(args.number_rows)?;
        let lists = lists.as_list::<i32>();
        let found = (0..lists.len()).map(|row| match lists.is_null(row) {
            true => ScalarValue::try_new_null(&lists.value_type()),
            false => self.kind.value_of(&lists.value(row), fraction),
        });
        let found = found.collect::<Result<Vec<_>>>()?;
        match found.is_empty() {
            true => Ok(ColumnarValue::Array(arrow::array::new_empty_array(&lists.value_type()))),
            false => Ok(ColumnarValue::Array(ScalarValue::iter_to_array(found)?)),
        }
    }
}

fn constant_fraction(fraction: &ColumnarValue) -> Result<f64> {
    let ColumnarValue::Scalar(fraction) = fraction else {
        return exec_err!("percentile_disc takes a constant fraction from 0 to 1");
    };
    let as_float = fraction.cast_to(&DataType::Float64)?.to_array()?;
    let fraction = as_float.as_primitive::<Float64Type>().iter().next().flatten();
    match fraction.filter(|fraction| (0.0..=1.0).contains(fraction)) {
        Some(fraction) => Ok(fraction),
        None => exec_err!("percentile_disc takes a fraction from 0 to 1"),
    }
}

impl Kind {
    /// The value of a sorted list, in which the values that are NULL come first or last.
    fn value_of(self, list: &ArrayRef, fraction: f64) -> Result<ScalarValue> {
        let known = list.len() - list.null_count();
        if known == 0 {
            return ScalarValue::try_new_null(list.data_type());
        }
        let first = (0..list.len()).find(|at| list.is_valid(*at)).unwrap_or_default();
        let values = list.slice(first, known);
        let at = match self {
            // The place counts from 1, as in PostgreSQL.
            Kind::PercentileDisc => ((fraction * known as f64).ceil() as usize).clamp(1, known) - 1,
            Kind::Mode => start_of_longest_run(&values)?,
        };
        ScalarValue::try_from_array(&values, at)
    }
}

/// Start of the longest run of equal values; of several the first.
fn start_of_longest_run(values: &ArrayRef) -> Result<usize> {
    // −0 and 0 are one value.
    let values = match values.as_primitive_opt::<Float64Type>() {
        Some(floats) => Arc::new(floats.unary::<_, Float64Type>(|float| float + 0.0)),
        None => Arc::clone(values),
    };
    let last = values.len() - 1;
    let changes = distinct(&values.slice(0, last), &values.slice(1, last))?;
    let (mut best, mut start) = ((0, 0), 0);
    let ends =
        changes.iter().enumerate().filter(|(_, is_change)| *is_change == Some(true)).map(|(at, _)| at + 1);
    for end in ends.chain([values.len()]) {
        if end - start > best.1 {
            best = (start, end - start);
        }
        start = end;
    }
    Ok(best.0)
}

/// Rewrites a call `WITHIN GROUP` of the function `name`; others are left, so that they are refused.
pub(super) fn rewrite(name: &str, function: &mut Function) -> Option<Expr> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let arguments: Vec<Expr> = list.args.iter().map(plain).collect::<Option<_>>()?;
    let ([key], None) = (function.within_group.as_slice(), &function.over) else { return None };
    let key = key.expr.clone();
    let (of_list, fraction) = match (name, <[Expr; 1]>::try_from(arguments)) {
        ("percentile_disc", Ok([fraction])) => ("percentile_disc_of", Some(fraction)),
        ("mode", Err(none)) if none.is_empty() => ("mode_of", None),
        _ => return None,
    };
    let ordered = FunctionArgumentList {
        duplicate_treatment: None,
        args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(key))],
        clauses: vec![FunctionArgumentClause::OrderBy(mem::take(&mut function.within_group))],
    };
    let list = Expr::Function(Function {
        name: ObjectName::from(Ident::new("array_agg")),
        args: FunctionArguments::List(ordered),
        ..function.clone()
    });
    Some(match fraction {
        Some(fraction) => call(of_list, [list, fraction]),
        None => call(of_list, [list]),
    })
}

fn plain(argument: &FunctionArg) -> Option<Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    #[test]
    fn values_of_sorted_lists_are_those_of_postgresql() {
        let list: ArrayRef =
            Arc::new(StringArray::from(vec![Some("a"), Some("b"), Some("b"), Some("c"), Some("c"), None]));
        let rows = [
            (Kind::Mode, 0.0, "b"),
            (Kind::PercentileDisc, 0.0, "a"),
            (Kind::PercentileDisc, 0.2, "a"),
            (Kind::PercentileDisc, 0.21, "b"),
            (Kind::PercentileDisc, 1.0, "c"),
        ];
        for (kind, fraction, expected) in rows {
            let found = kind.value_of(&list, fraction).unwrap();
            assert_eq!(found, ScalarValue::from(expected), "{kind:?} {fraction}");
        }
        let nothing: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
        assert!(Kind::Mode.value_of(&nothing, 0.0).unwrap().is_null());
    }
}
