//! Accumulators of DataFusion's own aggregates over values of another type, which are converted before and after.

use std::fmt;

use arrow::array::{ArrayRef, BooleanArray};
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use datafusion::scalar::ScalarValue;

/// Conversion between the type of a function and that of the aggregate that computes it.
pub trait Conversion: fmt::Debug + Send + Sync + 'static {
    /// Converts the arguments in a batch.
    fn input(&self, values: &[ArrayRef]) -> Result<Vec<ArrayRef>>;

    /// Converts results back.
    fn output(&self, results: &ArrayRef) -> Result<ArrayRef>;
}

/// The state of one group or window.
#[derive(Debug)]
pub struct ConvertedAccumulator<C> {
    /// DataFusion's own.
    pub inner: Box<dyn Accumulator>,
    /// Conversion of its values.
    pub conversion: C,
}

impl<C: Conversion> Accumulator for ConvertedAccumulator<C> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.update_batch(&self.conversion.input(values)?)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.retract_batch(&self.conversion.input(values)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let result = self.inner.evaluate()?.to_array()?;
        ScalarValue::try_from_array(&self.conversion.output(&result)?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.inner.size()
    }
}

/// The state of all groups.
pub struct ConvertedGroups<C> {
    /// DataFusion's own.
    pub inner: Box<dyn GroupsAccumulator>,
    /// Conversion of its values.
    pub conversion: C,
}

impl<C: Conversion> GroupsAccumulator for ConvertedGroups<C> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.inner.update_batch(&self.conversion.input(values)?, groups, filter, total)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let results = self.inner.evaluate(emit)?;
        self.conversion.output(&results)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        self.inner.state(emit)
    }

    fn merge_batch(&mut self, columns: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.inner.merge_batch(columns, groups, total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.inner.convert_to_state(&self.conversion.input(values)?, filter)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}
