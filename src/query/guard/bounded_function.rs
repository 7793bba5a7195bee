//! Bounds the size of scalar functions' results in bytes.
//!
//! A batch has up to 8,192 rows, and nothing in DataFusion stops a function from making a megabyte of each.
//! [`BoundedFunction`] wraps every function of a caller's statement that returns texts or lists: it estimates the
//! result from the arguments (`growth`), computes a batch in slices where the estimate is large, and fails the
//! statement when a value or a batch exceeds its bound.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

use super::growth;
use super::interrupt::InterruptOption;
use crate::domain::Error;
use crate::query::byte_size;

/// Maximum bytes that all bounded functions of a statement together make of one batch.
const MAX_TOTAL_BATCH_BYTES: usize = 256 << 20;
/// Maximum bytes that a single function makes of a batch.
const MAX_BATCH_BYTES: usize = 64 << 20;
/// Minimum bound of a function per batch, however many functions there are; bytes.
const MIN_BATCH_BYTES: usize = 64 << 10;
/// Maximum length of a value that a function returns, bytes.
pub const MAX_VALUE_BYTES: usize = 16 << 20;
/// Maximum length of a value that a function makes of constants, bytes. It is computed while the statement is planned, and every step
/// of planning copies it, also as the name of a column: a statement of 300 bytes planned for a second with 16 MiB.
const MAX_CONSTANT_BYTES: usize = 2 << 20;

/// A function with a bound on its results.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BoundedFunction {
    inner: ScalarUDF,
    /// Bound for one batch, bytes.
    max_bytes: usize,
}

impl BoundedFunction {
    /// Bounds one of `functions` functions of a statement.
    pub fn with_share_of(functions: usize, inner: &ScalarUDF) -> Self {
        let share = MAX_TOTAL_BATCH_BYTES / functions.max(1);
        Self { inner: inner.clone(), max_bytes: share.clamp(MIN_BATCH_BYTES, MAX_BATCH_BYTES) }
    }

    fn by_slices(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut slices = SlicedInvocation { function: self, parts: Vec::new(), bytes: 0 };
        slices.compute(args)?;
        let parts: Vec<&dyn Array> = slices.parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&parts)?))
    }

    fn too_large(&self, what: &str, bytes: usize) -> DataFusionError {
        let message = format!(
            "`{}` would make {what} of more than {bytes} bytes; use shorter texts",
            self.inner.name()
        );
        DataFusionError::External(Box::new(Error::too_large(message)))
    }
}

/// Evaluates a function slice by slice and collects the results.
struct SlicedInvocation<'a> {
    function: &'a BoundedFunction,
    parts: Vec<ArrayRef>,
    bytes: usize,
}

impl SlicedInvocation<'_> {
    fn compute(&mut self, args: ScalarFunctionArgs) -> Result<()> {
        if let Some(option) = args.config_options.extensions.get::<InterruptOption>() {
            option.0.check()?;
        }
        let BoundedFunction { inner, max_bytes } = self.function;
        let (name, rows) = (inner.name(), args.number_rows);
        let estimate = growth::result_bytes(name, &args.args, rows);
        if rows <= 1 && estimate > MAX_VALUE_BYTES {
            return Err(self.function.too_large("a value", MAX_VALUE_BYTES));
        }
        let is_small = estimate <= max_bytes / 4 && !growth::needs_single_rows(name, &args.args);
        if rows > 1 && !is_small {
            let (first, second) = (slice(&args, 0, rows / 2), slice(&args, rows / 2, rows - rows / 2));
            self.compute(first)?;
            return self.compute(second);
        }
        let part = inner.invoke_with_args(args)?.into_array(rows)?;
        self.bytes += byte_size::of_values(&part);
        if self.bytes > *max_bytes {
            return Err(self.function.too_large("a batch", *max_bytes));
        }
        self.parts.push(part);
        Ok(())
    }
}

fn slice(args: &ScalarFunctionArgs, offset: usize, rows: usize) -> ScalarFunctionArgs {
    let cut = |value: &ColumnarValue| match value {
        ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(offset, rows)),
        ColumnarValue::Scalar(scalar) => ColumnarValue::Scalar(scalar.clone()),
    };
    ScalarFunctionArgs {
        args: args.args.iter().map(cut).collect(),
        arg_fields: args.arg_fields.clone(),
        number_rows: rows,
        return_field: args.return_field.clone(),
        config_options: args.config_options.clone(),
    }
}

impl ScalarUDFImpl for BoundedFunction {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = self.inner.inner().with_updated_config(config)?;
        Some(ScalarUDF::from(Self { inner, max_bytes: self.max_bytes }))
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn conditional_arguments<'a>(&self, args: &'a [Expr]) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.inner().conditional_arguments(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let name = self.inner.name();
        growth::check_work(name, &args.args)?;
        let is_constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let estimate = growth::result_bytes(name, &args.args, rows);
        if is_constant && estimate > MAX_CONSTANT_BYTES {
            return Err(self.too_large("a constant", MAX_CONSTANT_BYTES));
        }
        if is_constant || (estimate <= self.max_bytes && !growth::needs_single_rows(name, &args.args)) {
            return self.inner.invoke_with_args(args);
        }
        self.by_slices(args)
    }
}

/// Wraps one of `functions` functions of a plan.
pub fn bounded(functions: usize, inner: &ScalarUDF) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(BoundedFunction::with_share_of(functions, inner)))
}
