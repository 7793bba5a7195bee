//! Functions that count: numbers of rows, ranks, lengths of arrays and places in them. They are integers in PostgreSQL (15, 9.19, 9.21 and
//! 9.22); DataFusion's (55) are `UInt64`, which has no sign and is `numeric` beside another integer: `-rank() OVER (…)` fails, and
//! `avg(coalesce(k, 1))` of ranks has four digits after the point. These are `bigint`.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::{CastOptions, SortOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion::functions_aggregate::regr::regr_count_udaf;
use datafusion::functions_nested::cardinality::cardinality_udf;
use datafusion::functions_nested::dimension::{array_dims_udf, array_ndims_udf};
use datafusion::functions_nested::length::array_length_udf;
use datafusion::functions_nested::position::{array_position_udf, array_positions_udf};
use datafusion::functions_window::ntile::ntile_udwf;
use datafusion::functions_window::rank::{dense_rank_udwf, rank_udwf};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::function::{
    AccumulatorArgs, PartitionEvaluatorArgs, StateFieldsArgs, WindowUDFFieldArgs,
};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, GroupsAccumulator, LimitEffect,
    PartitionEvaluator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::scalar::ScalarValue;

use super::converted_aggregate::{Conversion, ConvertedAccumulator, ConvertedGroups};

/// Functions of arrays.
pub(super) fn scalars() -> impl Iterator<Item = ScalarUDF> {
    let functions = [
        cardinality_udf(),
        array_length_udf(),
        array_dims_udf(),
        array_ndims_udf(),
        array_position_udf(),
        array_positions_udf(),
    ];
    functions.into_iter().map(|of| ScalarUDF::from(ArrayCount(of)))
}

/// Aggregates.
pub(super) fn aggregates() -> impl Iterator<Item = AggregateUDF> {
    [approx_distinct_udaf(), regr_count_udaf()].into_iter().map(|of| AggregateUDF::from(RowCount(of)))
}

/// Window functions.
pub(super) fn windows() -> impl Iterator<Item = WindowUDF> {
    let functions = [row_number_udwf(), rank_udwf(), dense_rank_udwf(), ntile_udwf()];
    functions.into_iter().map(|of| WindowUDF::from(RowRank(of)))
}

/// The type with a sign, also of elements.
fn signed(of: DataType) -> DataType {
    match of {
        DataType::UInt64 => DataType::Int64,
        DataType::List(element) if element.data_type() == &DataType::UInt64 => {
            DataType::List(Arc::new(element.as_ref().clone().with_data_type(DataType::Int64)))
        }
        other => other,
    }
}

/// Converts counts.
///
/// # Errors
/// Fails for a count that no `bigint` holds.
fn to_signed(counts: &ArrayRef) -> Result<ArrayRef> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    Ok(cast_with_options(counts, &signed(counts.data_type().clone()), &strict)?)
}

/// One of DataFusion's functions of arrays.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayCount(Arc<ScalarUDF>);

impl ScalarUDFImpl for ArrayCount {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn aliases(&self) -> &[String] {
        self.0.aliases()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.0.coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.0.return_type(types).map(signed)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let returned = args.return_field.as_ref().clone().with_data_type(self.0.return_type(&types)?);
        args.return_field = Arc::new(returned);
        match self.0.invoke_with_args(args)? {
            ColumnarValue::Array(counts) => Ok(ColumnarValue::Array(to_signed(&counts)?)),
            ColumnarValue::Scalar(count) => {
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&to_signed(&count.to_array()?)?, 0)?))
            }
        }
    }
}

/// One of DataFusion's aggregates.
#[derive(Debug, PartialEq, Eq, Hash)]
struct RowCount(Arc<AggregateUDF>);

impl AggregateUDFImpl for RowCount {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.0.return_type(types).map(signed)
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }

    fn is_nullable(&self) -> bool {
        self.0.is_nullable()
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.0.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(ConvertedAccumulator { inner: self.0.accumulator(args)?, conversion: ToSigned }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.0.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let inner = self.0.create_groups_accumulator(args)?;
        Ok(Box::new(ConvertedGroups { inner, conversion: ToSigned }))
    }
}

#[derive(Debug)]
struct ToSigned;

impl Conversion for ToSigned {
    fn input(&self, values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        Ok(values.to_vec())
    }

    fn output(&self, counts: &ArrayRef) -> Result<ArrayRef> {
        to_signed(counts)
    }
}

/// One of DataFusion's window functions.
#[derive(Debug, PartialEq, Eq, Hash)]
struct RowRank(Arc<WindowUDF>);

impl WindowUDFImpl for RowRank {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let field: Field = self.0.field(args)?.as_ref().clone();
        let data_type = signed(field.data_type().clone());
        Ok(Arc::new(field.with_data_type(data_type)))
    }

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(SignedEvaluator(self.0.partition_evaluator_factory(args)?)))
    }

    fn sort_options(&self) -> Option<SortOptions> {
        self.0.sort_options()
    }

    fn limit_effect(&self, args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        self.0.inner().limit_effect(args)
    }
}

/// Evaluates one of DataFusion's window functions for the rows of a partition.
#[derive(Debug)]
struct SignedEvaluator(Box<dyn PartitionEvaluator>);

impl PartitionEvaluator for SignedEvaluator {
    fn is_causal(&self) -> bool {
        self.0.is_causal()
    }

    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        to_signed(&self.0.evaluate_all(values, rows)?)
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        self.0.evaluate(values, range)?.cast_to(&DataType::Int64)
    }

    fn evaluate_all_with_rank(&self, rows: usize, ranks: &[Range<usize>]) -> Result<ArrayRef> {
        to_signed(&self.0.evaluate_all_with_rank(rows, ranks)?)
    }

    fn supports_bounded_execution(&self) -> bool {
        self.0.supports_bounded_execution()
    }

    fn include_rank(&self) -> bool {
        self.0.include_rank()
    }
}
