//! `anomaly_score(model, ts, value, …) OVER (PARTITION BY … ORDER BY ts)`: a model's scores of rows in time order.
//!
//! A row gets the score of the newest window that ends at or before its time and after the previous row; null if no
//! window ends there. There is one value argument for each source of the model.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, FieldRef, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::plan_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDFImpl};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::domain::model::MAX_SOURCES;
use crate::domain::ports::{ModelRows, ModelScorer};
use crate::domain::{Error, Kind, Micros, ModelId, Principal};
use crate::query::log::QueryTracker;

/// Values follow the model and the time.
const FIRST_VALUE_ARG: usize = 2;

/// The models and principal of a query, and its limits.
#[derive(Clone)]
struct InferenceContext {
    models: Arc<dyn ModelScorer>,
    who: Arc<Principal>,
    /// The query's tracker, for its time limit and memory.
    tracker: Arc<QueryTracker>,
}

/// The function, bound to one principal.
pub struct AnomalyScore {
    signature: Signature,
    inference: InferenceContext,
}

impl AnomalyScore {
    /// Creates the function for the session of one query, whose principal must see the models that it names.
    pub fn new(models: Arc<dyn ModelScorer>, who: Arc<Principal>, tracker: Arc<QueryTracker>) -> Self {
        let signature = Signature::user_defined(Volatility::Stable);
        Self { signature, inference: InferenceContext { models, who, tracker } }
    }
}

impl fmt::Debug for AnomalyScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnomalyScore")
    }
}

impl PartialEq for AnomalyScore {
    fn eq(&self, other: &Self) -> bool {
        self.inference.who == other.inference.who
    }
}

impl Eq for AnomalyScore {}

impl Hash for AnomalyScore {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl WindowUDFImpl for AnomalyScore {
    fn name(&self) -> &str {
        "anomaly_score"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (Some(DataType::Timestamp(_, zone)), true) = (types.get(1), types.len() > FIRST_VALUE_ARG) else {
            return plan_err!("anomaly_score takes a model, the time of a row, and a value for each source");
        };
        if types.len() > FIRST_VALUE_ARG + MAX_SOURCES {
            return plan_err!("anomaly_score takes {MAX_SOURCES} values at most");
        }
        let head = [DataType::Int64, DataType::Timestamp(TimeUnit::Microsecond, zone.clone())];
        let values = types[FIRST_VALUE_ARG..].iter().map(|_| DataType::Float64);
        Ok(head.into_iter().chain(values).collect())
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Float64, true)))
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(AnomalyScoreEvaluator { inference: self.inference.clone() }))
    }
}

/// Evaluates one window call.
#[derive(Debug)]
struct AnomalyScoreEvaluator {
    inference: InferenceContext,
}

impl fmt::Debug for InferenceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ground")
    }
}

impl PartitionEvaluator for AnomalyScoreEvaluator {
    fn evaluate_all(&mut self, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        if rows == 0 {
            return Ok(Arc::new(Float64Array::from(Vec::<f64>::new())));
        }
        let model = model_of(&columns[0])?;
        let sources = columns.len() - FIRST_VALUE_ARG;
        // Memory for times, a copy of the values, and the result.
        let pool: Arc<dyn MemoryPool> = self.inference.tracker.memory_pool.clone();
        let memory = MemoryConsumer::new("anomaly_score").register(&pool);
        memory.try_grow(rows.saturating_mul(size_of::<f64>() * (2 * FIRST_VALUE_ARG + sources)))?;
        let times = times(&columns[1])?;
        let values = values(&columns[FIRST_VALUE_ARG..], rows);
        let model_rows = ModelRows { model, times: &times, values: &values, sources };
        let mut newest = NewestScores::new(&times);
        run_blocking(|| self.score(model_rows, &mut newest))?;
        Ok(Arc::new(newest.scores.into_iter().collect::<Float64Array>()))
    }
}

impl AnomalyScoreEvaluator {
    fn score(&self, rows: ModelRows<'_>, newest: &mut NewestScores<'_>) -> Result<()> {
        let InferenceContext { models, who, tracker } = &self.inference;
        // Inference checks the interrupt itself, since no operator does while it runs.
        let is_over = || tracker.interrupt.check().is_err();
        let done = models.score(who, rows, &is_over, &mut |at, score| newest.record(at, score));
        done.map_err(|error| match error.kind {
            Kind::NotFound => failed(Error::invalid(format!("there is no model {}", rows.model))),
            _ => failed(error),
        })
    }
}

/// Runs blocking work; the runtime moves the thread's other queries to another thread.
fn run_blocking<T>(work: impl FnOnce() -> T) -> T {
    let is_shared = Handle::try_current().is_ok_and(|h| h.runtime_flavor() == RuntimeFlavor::MultiThread);
    if is_shared { tokio::task::block_in_place(work) } else { work() }
}

/// Returns the model that all rows name.
fn model_of(column: &ArrayRef) -> Result<ModelId> {
    let ids = cast(column, &DataType::Int64)?;
    let ids = ids.as_primitive::<Int64Type>();
    let first = ids.value(0);
    if ids.null_count() > 0 || ids.values().iter().any(|id| *id != first) {
        return Err(failed(Error::invalid("anomaly_score takes one model for all rows of a partition")));
    }
    let id =
        i32::try_from(first).map_err(|_| failed(Error::invalid(format!("there is no model {first}"))))?;
    Ok(ModelId(id))
}

/// Returns the times in microseconds, which must not descend.
fn times(column: &ArrayRef) -> Result<Vec<i64>> {
    let column = column.as_primitive::<TimestampMicrosecondType>();
    let times = column.values().to_vec();
    if column.null_count() > 0 || !times.is_sorted() {
        let message =
            "anomaly_score needs its rows in order of time: OVER (PARTITION BY stream_id ORDER BY ts)";
        return Err(failed(Error::invalid(message)));
    }
    Ok(times)
}

/// Returns the values row by row; NaN stands for null.
fn values(columns: &[ArrayRef], rows: usize) -> Vec<f64> {
    let mut all = vec![f64::NAN; rows * columns.len()];
    for (place, column) in columns.iter().enumerate() {
        let column = column.as_primitive::<Float64Type>();
        for (row, value) in column.iter().enumerate() {
            all[row * columns.len() + place] = value.unwrap_or(f64::NAN);
        }
    }
    all
}

/// For each row, the newest score at or before it and after the previous row. Scores are recorded in time order.
struct NewestScores<'a> {
    times: &'a [i64],
    scores: Vec<Option<f64>>,
    /// The first row at or after the last recorded score.
    row: usize,
}

impl<'a> NewestScores<'a> {
    fn new(times: &'a [i64]) -> Self {
        Self { times, scores: vec![None; times.len()], row: 0 }
    }

    fn record(&mut self, at: Micros, score: f64) {
        while self.times.get(self.row).is_some_and(|ts| *ts < at.0) {
            self.row += 1;
        }
        if let Some(newest) = self.scores.get_mut(self.row) {
            *newest = Some(score);
        }
    }
}

fn failed(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::NewestScores;
    use crate::domain::Micros;

    #[test]
    fn a_row_has_the_newest_score_since_the_row_before() {
        let scores = [(Micros(10), 1.0), (Micros(20), 2.0), (Micros(30), 3.0), (Micros(50), 5.0)];
        let times = [5, 12, 31, 31, 40, 50];
        let mut newest = NewestScores::new(&times);
        scores.into_iter().for_each(|(at, score)| newest.record(at, score));
        assert_eq!(newest.scores, [None, Some(1.0), Some(3.0), None, None, Some(5.0)]);
    }
}
