//! Aggregates of DataFusion that are computed forwards only. DataFusion (55) has two other ways, and both answer wrongly:
//!
//! - It reads rows that are sorted the other way and reverses the aggregate (`reverse_expr`). `array_agg` and `string_agg` reverse
//!   their own ORDER BY, but not the order of a window's rows, and with DISTINCT they do not turn the result back.
//! - It takes the rows that leave a frame out of the total (`retract_batch`). Nothing can be taken out of infinity or NaN, and
//!   where a large number leaves, the digits of the small ones are lost already. [`SlidingSum`] and
//!   [`SlidingFrame`] add up what is left.
//!
//! It also takes counts and extremes over frames that leave rows behind for ordered (`window_equivalence_properties`), and sorted by them
//! no more: a count begins anew with each partition, and a maximum falls with its rows. These say nothing of their order.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::functions_aggregate::all_default_aggregate_functions;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction, WindowFunctionDefinition};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, ExprSchemable, GroupsAccumulator, ReversedUDAF,
    Signature,
};
use datafusion::scalar::ScalarValue;

use super::sliding_frame::SlidingFrame;
use super::sliding_sum::SlidingSum;

/// Aggregates whose result depends on the order of the rows, which a reversal changes.
const ORDERED: [&str; 2] = ["array_agg", "string_agg"];

/// Aggregates of which DataFusion says that more rows make them greater, or less.
const MONOTONIC: [&str; 3] = ["count", "max", "min"];

/// Aggregates of floating-point numbers from which DataFusion takes numbers out.
const TOTALS: [&str; 9] =
    ["sum", "avg", "var", "var_pop", "stddev", "stddev_pop", "covar_samp", "covar_pop", "corr"];

/// One of DataFusion's aggregates, such as `forward_sum(x)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ForwardAggregate {
    name: String,
    of: Arc<AggregateUDF>,
}

impl ForwardAggregate {
    fn new(of: Arc<AggregateUDF>) -> Self {
        Self { name: format!("forward_{}", of.name()), of }
    }

    /// All of them: a node that computes a part of a query finds them by their names.
    pub fn all() -> impl Iterator<Item = AggregateUDF> {
        let replaced = |of: &Arc<AggregateUDF>| is_ordered(of) || is_total(of) || is_monotonic(of);
        let functions = all_default_aggregate_functions().into_iter().filter(replaced);
        functions.map(|of| AggregateUDF::from(Self::new(of)))
    }
}

impl AggregateUDFImpl for ForwardAggregate {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.of.return_type(types)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        self.of.return_field(fields)
    }

    fn is_nullable(&self) -> bool {
        self.of.is_nullable()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.of.coerce_types(types)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.of.default_value(data_type)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.of.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.of.accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if let Some(sum) = SlidingSum::of(self.of.name()) {
            return Ok(Box::new(sum));
        }
        if is_total(&self.of) {
            return Ok(Box::new(SlidingFrame::new(Arc::clone(&self.of), &args)));
        }
        self.of.create_sliding_accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.of.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        self.of.create_groups_accumulator(args)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        match self.of.reverse_udf() {
            ReversedUDAF::Identical => ReversedUDAF::Identical,
            _ => ReversedUDAF::NotSupported,
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.of.order_sensitivity()
    }

    /// With DISTINCT the values are sorted at the end, and a window's aggregate has no ORDER BY of its own: sorted rows help neither.
    fn with_beneficial_ordering(self: Arc<Self>, _: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        Ok(Some(self))
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.of.supports_null_handling_clause()
    }
}

/// Replaces the aggregates that are wrong backwards, and those of truth values over windows.
pub(super) fn in_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::AggregateFunction(AggregateFunction { func, params })
            if params.distinct && !params.order_by.is_empty() && is_ordered(&func) =>
        {
            let func = forward(func);
            Ok(Transformed::yes(Expr::AggregateFunction(AggregateFunction { func, params })))
        }
        Expr::WindowFunction(mut window) => {
            let Some(of) = over_window(&window, schema)? else {
                return Ok(Transformed::no(Expr::WindowFunction(window)));
            };
            window.fun = WindowFunctionDefinition::AggregateUDF(of);
            Ok(Transformed::yes(Expr::WindowFunction(window)))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// The aggregate that takes the place of that of a window; `None` for one that stays.
fn over_window(window: &WindowFunction, schema: &DFSchema) -> Result<Option<Arc<AggregateUDF>>> {
    let WindowFunctionDefinition::AggregateUDF(of) = &window.fun else { return Ok(None) };
    let is_sum = is_total(of) && !window.params.distinct && are_floats(&window.params.args, schema)?;
    if is_sum || is_ordered(of) {
        return Ok(Some(forward(Arc::clone(of))));
    }
    let slides = !window.params.window_frame.start_bound.is_unbounded();
    // Extremes are computed over frames that slide, truth values are not.
    Ok(match of.name() {
        "bool_or" if slides => Some(forward(max_udaf())),
        "bool_and" if slides => Some(forward(min_udaf())),
        _ if slides && is_monotonic(of) => Some(forward(Arc::clone(of))),
        _ => None,
    })
}

fn forward(of: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(ForwardAggregate::new(of)))
}

fn is_ordered(of: &AggregateUDF) -> bool {
    ORDERED.contains(&of.name())
}

fn is_monotonic(of: &AggregateUDF) -> bool {
    MONOTONIC.contains(&of.name())
}

fn is_total(of: &AggregateUDF) -> bool {
    TOTALS.contains(&of.name()) || of.name().starts_with("regr_")
}

fn are_floats(args: &[Expr], schema: &DFSchema) -> Result<bool> {
    for arg in args {
        if arg.get_type(schema)? != DataType::Float64 {
            return Ok(false);
        }
    }
    Ok(true)
}
