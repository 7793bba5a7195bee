//! An aggregate over the numbers of a window's frame, from which no number is ever taken out. The rows are kept in blocks: those of
//! the first and the last block are added up each time, those of the blocks between are added up once and merged.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{FieldRef, Float64Type, Schema};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::scalar::ScalarValue;

/// Rows of a block. Fewer make more states to merge, more make more to add up for each row.
const BLOCK_ROWS: usize = 128;

type State = Vec<ScalarValue>;

/// The accumulator of a frame that slides.
#[derive(Debug)]
pub(super) struct SlidingFrame {
    aggregate: Aggregate,
    /// All but the last are full.
    blocks: VecDeque<Block>,
    /// Rows of the first block that have left the frame.
    left: usize,
    /// States of the blocks from the second on up to one of them, the shortest run first.
    runs: Vec<State>,
    /// The state of the full blocks that come after those and before the last.
    rest: Option<State>,
}

/// An aggregate and its arguments, of which accumulators are made.
#[derive(Debug)]
struct Aggregate {
    of: Arc<AggregateUDF>,
    name: String,
    schema: Schema,
    return_field: FieldRef,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    fields: Vec<FieldRef>,
}

impl Aggregate {
    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        self.of.accumulator(AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: &self.name,
            is_distinct: false,
            exprs: &self.exprs,
            expr_fields: &self.fields,
        })
    }
}

/// Numbers of rows, a column for each argument.
#[derive(Debug)]
struct Block(Vec<Vec<f64>>);

impl Block {
    fn rows(&self) -> usize {
        self.0.first().map_or(0, Vec::len)
    }

    /// The columns without their first rows.
    fn columns(&self, skipped: usize) -> Vec<ArrayRef> {
        let column = |numbers: &Vec<f64>| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(numbers.iter().skip(skipped).copied()))
        };
        self.0.iter().map(column).collect()
    }
}

impl SlidingFrame {
    /// An empty frame of an aggregate of floating-point numbers.
    pub fn new(of: Arc<AggregateUDF>, args: &AccumulatorArgs<'_>) -> Self {
        let aggregate = Aggregate {
            of,
            name: args.name.to_owned(),
            schema: args.schema.clone(),
            return_field: Arc::clone(&args.return_field),
            exprs: args.exprs.to_vec(),
            fields: args.expr_fields.to_vec(),
        };
        Self { aggregate, blocks: VecDeque::new(), left: 0, runs: Vec::new(), rest: None }
    }

    fn push(&mut self, row: impl Iterator<Item = f64>) -> Result<()> {
        if self.blocks.back().is_none_or(|last| last.rows() == BLOCK_ROWS) {
            if self.blocks.len() > 1
                && let Some(last) = self.blocks.back()
            {
                self.rest = Some(self.state_with(last, self.rest.as_ref())?);
            }
            self.blocks.push_back(Block(vec![Vec::new(); self.aggregate.exprs.len()]));
        }
        if let Some(Block(columns)) = self.blocks.back_mut() {
            for (column, number) in columns.iter_mut().zip(row) {
                column.push(number);
            }
        }
        Ok(())
    }

    fn remove_first(&mut self, rows: usize) -> Result<()> {
        self.left += rows;
        while let Some(length) = self.blocks.front().map(Block::rows)
            && self.left >= length
        {
            self.left -= length;
            self.blocks.pop_front();
            if self.runs.pop().is_none() {
                self.make_runs()?;
            }
        }
        Ok(())
    }

    /// Makes the states of all blocks between the first and the last, from the back to the front.
    fn make_runs(&mut self) -> Result<()> {
        let mut runs = Vec::new();
        for block in self.blocks.iter().skip(1).rev().skip(1) {
            runs.push(self.state_with(block, runs.last())?);
        }
        self.runs = runs;
        self.rest = None;
        Ok(())
    }

    /// The state of a block's rows, together with those of another state.
    fn state_with(&self, block: &Block, other: Option<&State>) -> Result<State> {
        let mut total = self.aggregate.accumulator()?;
        total.update_batch(&block.columns(0))?;
        if let Some(other) = other {
            merge(total.as_mut(), other)?;
        }
        total.state()
    }

    fn total(&self) -> Result<Box<dyn Accumulator>> {
        let mut total = self.aggregate.accumulator()?;
        if let Some(first) = self.blocks.front() {
            total.update_batch(&first.columns(self.left))?;
        }
        for state in self.runs.last().into_iter().chain(&self.rest) {
            merge(total.as_mut(), state)?;
        }
        if self.blocks.len() > 1
            && let Some(last) = self.blocks.back()
        {
            total.update_batch(&last.columns(0))?;
        }
        Ok(total)
    }
}

fn merge(total: &mut dyn Accumulator, state: &[ScalarValue]) -> Result<()> {
    let columns = state.iter().map(ScalarValue::to_array).collect::<Result<Vec<_>>>()?;
    total.merge_batch(&columns)
}

impl Accumulator for SlidingFrame {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let columns = numbers(values)?;
        for row in valid_rows(&columns) {
            self.push(columns.iter().map(|column| column.value(row)))?;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = valid_rows(&numbers(values)?).count();
        self.remove_first(rows)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        exec_err!("the frame of a window has no partial results")
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.total()?.evaluate()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.total()?.state()
    }

    fn size(&self) -> usize {
        let numbers = self.blocks.len() * BLOCK_ROWS * self.aggregate.exprs.len();
        let values = self.runs.iter().chain(&self.rest).map(Vec::len).sum::<usize>();
        size_of::<Self>() + numbers * size_of::<f64>() + values * size_of::<ScalarValue>()
    }
}

/// The columns of numbers of a batch.
pub(super) fn numbers(values: &[ArrayRef]) -> Result<Vec<&Float64Array>> {
    let columns: Option<Vec<_>> =
        values.iter().map(|column| column.as_primitive_opt::<Float64Type>()).collect();
    columns.map_or_else(|| exec_err!("a frame of numbers got another type"), Ok)
}

/// The rows that count: a row in which an argument is NULL is no row for these aggregates.
pub(super) fn valid_rows(columns: &[&Float64Array]) -> impl Iterator<Item = usize> {
    let rows = columns.first().map_or(0, |column| column.len());
    (0..rows).filter(move |row| columns.iter().all(|column| column.is_valid(*row)))
}
