//! Aggregates over partials: combine counts, means, sums and root mean squares of partials.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, GroupsAccumulator, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::accumulators::{CountOfPartials, MeanOfPartials, RmsOfPartials};
use crate::query::functions::state_groups::{StateAggregate, StateGroups};
use crate::query::functions::sum_state;
use crate::query::functions::ungrouped::UngroupedAccumulator;

/// The input of an aggregate over readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AggregateInput {
    /// Every reading.
    Rows,
    /// The values that are not NULL.
    Values,
}

/// Returns the aggregate `name` over columns of partials; `None` when partials cannot express it.
pub fn over_partials(name: &str, of: AggregateInput, column: impl Fn(&str) -> Expr) -> Option<Expr> {
    let call = |kind: MergeKind, args: &[&str]| {
        let args = args.iter().map(|name| column(name)).collect();
        Some(AggregateUDF::from(MergeAggregate::new(kind)).call(args))
    };
    match (name, of) {
        ("count", AggregateInput::Rows) => call(MergeKind::Count, &["rows"]),
        ("count", AggregateInput::Values) => call(MergeKind::Count, &["count"]),
        ("avg" | "mean", AggregateInput::Values) => call(MergeKind::Mean, &["count", "mean"]),
        ("sum", AggregateInput::Values) => call(MergeKind::Sum, &["count", "mean"]),
        ("rms", AggregateInput::Values) => call(MergeKind::Rms, &["count", "rms"]),
        ("min", AggregateInput::Values) => Some(min(column("min"))),
        ("max", AggregateInput::Values) => Some(max(column("max"))),
        _ => None,
    }
}

/// Returns all aggregates over partials, for sessions that find those of a plan by their names.
pub fn all() -> [Arc<AggregateUDF>; 4] {
    [MergeKind::Count, MergeKind::Mean, MergeKind::Sum, MergeKind::Rms]
        .map(|kind| Arc::new(AggregateUDF::from(MergeAggregate::new(kind))))
}

/// How partials are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum MergeKind {
    /// Over counts; 0 without any.
    Count,
    /// Over counts and means; NULL without values, as for the others.
    Mean,
    Sum,
    /// Over counts and root mean squares.
    Rms,
}

/// An aggregate over partials. It occurs only in plans: no query can call it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MergeAggregate {
    kind: MergeKind,
    signature: Signature,
}

impl MergeAggregate {
    fn new(kind: MergeKind) -> Self {
        let mut args = vec![DataType::Int64];
        args.extend((kind != MergeKind::Count).then_some(DataType::Float64));
        Self { kind, signature: Signature::exact(args, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for MergeAggregate {
    fn name(&self) -> &str {
        match self.kind {
            MergeKind::Count => "merged_count",
            MergeKind::Mean => "merged_mean",
            MergeKind::Sum => "merged_sum",
            MergeKind::Rms => "merged_rms",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.kind == MergeKind::Count { DataType::Int64 } else { DataType::Float64 })
    }

    fn is_nullable(&self) -> bool {
        self.kind != MergeKind::Count
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(match self.kind {
            MergeKind::Count => {
                vec![Arc::new(Field::new(format!("{}[count]", args.name), DataType::Int64, true))]
            }
            MergeKind::Mean | MergeKind::Sum => sum_state::fields::<2>(args.name),
            MergeKind::Rms => sum_state::fields::<3>(args.name),
        })
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        fn one<A: StateAggregate>() -> Box<dyn Accumulator> {
            Box::new(UngroupedAccumulator::new(StateGroups::<A>::default()))
        }
        Ok(match self.kind {
            MergeKind::Count => one::<CountOfPartials>(),
            MergeKind::Mean => one::<MeanOfPartials<false>>(),
            MergeKind::Sum => one::<MeanOfPartials<true>>(),
            MergeKind::Rms => one::<RmsOfPartials>(),
        })
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(match self.kind {
            MergeKind::Count => Box::new(StateGroups::<CountOfPartials>::default()),
            MergeKind::Mean => Box::new(StateGroups::<MeanOfPartials<false>>::default()),
            MergeKind::Sum => Box::new(StateGroups::<MeanOfPartials<true>>::default()),
            MergeKind::Rms => Box::new(StateGroups::<RmsOfPartials>::default()),
        })
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        Ok(match self.kind {
            MergeKind::Count => ScalarValue::Int64(Some(0)),
            MergeKind::Mean | MergeKind::Sum | MergeKind::Rms => ScalarValue::Float64(None),
        })
    }
}
