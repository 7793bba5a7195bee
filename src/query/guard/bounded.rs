//! Scalar functions whose results are bounded by bytes, whatever function it is.
//!
//! A batch has up to 8,192 rows, and nothing in DataFusion keeps a function from making a megabyte of each. [`Bounded`]
//! stands around every function of a caller's that answers texts or lists: it estimates the result from the arguments
//! (`growth`), computes a batch in slices where the estimate is large, and ends the statement when a value or a batch
//! grows past its bound.

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

/// What all bounded functions of a statement may make of one batch together, bytes.
const MAX_BYTES_OF_ALL: usize = 256 << 20;
/// What one of them may make of a batch, bytes.
const MAX_BATCH_BYTES: usize = 64 << 20;
/// However many there are, each may make so much of a batch, bytes.
const MIN_BATCH_BYTES: usize = 64 << 10;
/// The longest value a function makes, bytes.
pub const MAX_VALUE_BYTES: usize = 16 << 20;

/// A function under a bound.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bounded {
    inner: ScalarUDF,
    /// Of one batch, bytes.
    max_bytes: usize,
}

impl Bounded {
    /// Bounds one of so many functions of a statement.
    pub fn one_of(functions: usize, inner: &ScalarUDF) -> Self {
        let share = MAX_BYTES_OF_ALL / functions.max(1);
        Self { inner: inner.clone(), max_bytes: share.clamp(MIN_BATCH_BYTES, MAX_BATCH_BYTES) }
    }

    fn by_slices(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut slices = Slices { function: self, parts: Vec::new(), bytes: 0 };
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

/// The results of a function, slice by slice.
struct Slices<'a> {
    function: &'a Bounded,
    parts: Vec<ArrayRef>,
    bytes: usize,
}

impl Slices<'_> {
    fn compute(&mut self, args: ScalarFunctionArgs) -> Result<()> {
        if let Some(option) = args.config_options.extensions.get::<InterruptOption>() {
            option.0.check()?;
        }
        let Bounded { inner, max_bytes } = self.function;
        let (name, rows) = (inner.name(), args.number_rows);
        let estimate = growth::result_bytes(name, &args.args, rows);
        if rows <= 1 && estimate > MAX_VALUE_BYTES {
            return Err(self.function.too_large("a value", MAX_VALUE_BYTES));
        }
        let is_small = estimate <= max_bytes / 4 && !growth::is_by_row(name, &args.args);
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

impl ScalarUDFImpl for Bounded {
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
        if is_constant && estimate > MAX_VALUE_BYTES {
            return Err(self.too_large("a value", MAX_VALUE_BYTES));
        }
        if is_constant || (estimate <= self.max_bytes && !growth::is_by_row(name, &args.args)) {
            return self.inner.invoke_with_args(args);
        }
        self.by_slices(args)
    }
}

/// A function under a bound, for a plan.
pub fn bounded(functions: usize, inner: &ScalarUDF) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Bounded::one_of(functions, inner)))
}
