//! Aggregates over partials: counts, means, sums and root mean squares out of those of parts.

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

use super::groups::{Counts, MeanGroups, Roots};
use crate::query::functions::single::Single;
use crate::query::functions::sums;

/// What an aggregate of readings is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Every reading.
    Rows,
    /// The values that are not NULL.
    Values,
}

/// The aggregate of readings called `name`, over columns of partials; `None` when partials do not say it.
pub fn over_partials(name: &str, of: Of, column: impl Fn(&str) -> Expr) -> Option<Expr> {
    let call = |kind: Kind, args: &[&str]| {
        let args = args.iter().map(|name| column(name)).collect();
        Some(AggregateUDF::from(Merged::new(kind)).call(args))
    };
    match (name, of) {
        ("count", Of::Rows) => call(Kind::Count, &["rows"]),
        ("count", Of::Values) => call(Kind::Count, &["count"]),
        ("avg" | "mean", Of::Values) => call(Kind::Mean, &["count", "mean"]),
        ("sum", Of::Values) => call(Kind::Sum, &["count", "mean"]),
        ("rms", Of::Values) => call(Kind::Rms, &["count", "rms"]),
        ("min", Of::Values) => Some(min(column("min"))),
        ("max", Of::Values) => Some(max(column("max"))),
        _ => None,
    }
}

/// What parts are put together to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// Of counts; 0 of none.
    Count,
    /// Of counts and means; NULL of no values, as the others.
    Mean,
    Sum,
    /// Of counts and root mean squares.
    Rms,
}

/// An aggregate over partials. It is in plans only: no query can call it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Merged {
    kind: Kind,
    signature: Signature,
}

impl Merged {
    fn new(kind: Kind) -> Self {
        let mut args = vec![DataType::Int64];
        args.extend((kind != Kind::Count).then_some(DataType::Float64));
        Self { kind, signature: Signature::exact(args, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for Merged {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Count => "merged_count",
            Kind::Mean => "merged_mean",
            Kind::Sum => "merged_sum",
            Kind::Rms => "merged_rms",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.kind == Kind::Count { DataType::Int64 } else { DataType::Float64 })
    }

    fn is_nullable(&self) -> bool {
        self.kind != Kind::Count
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(match self.kind {
            Kind::Count => {
                vec![Arc::new(Field::new(format!("{}[count]", args.name), DataType::Int64, true))]
            }
            Kind::Mean | Kind::Sum => sums::fields::<2>(args.name),
            Kind::Rms => sums::fields::<3>(args.name),
        })
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(match self.kind {
            Kind::Count => Box::new(Single::new(Counts::default())),
            Kind::Mean | Kind::Sum => Box::new(Single::new(MeanGroups::new(self.kind == Kind::Sum))),
            Kind::Rms => Box::new(Single::new(Roots::default())),
        })
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(match self.kind {
            Kind::Count => Box::new(Counts::default()),
            Kind::Mean | Kind::Sum => Box::new(MeanGroups::new(self.kind == Kind::Sum)),
            Kind::Rms => Box::new(Roots::default()),
        })
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        Ok(match self.kind {
            Kind::Count => ScalarValue::Int64(Some(0)),
            Kind::Mean | Kind::Sum | Kind::Rms => ScalarValue::Float64(None),
        })
    }
}
