//! `anomaly_score(model, ts, value, …) OVER (PARTITION BY … ORDER BY ts)`: what a model says of rows in order of time.
//!
//! A row has the score of the newest window that ends at its time or before, and after the row before it; null where no
//! window ends. There is one value for each of the model's sources.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, FieldRef, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::plan_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDFImpl};

use crate::domain::model::MAX_SOURCES;
use crate::domain::ports::{Models, Scoring};
use crate::domain::{Error, Kind, Micros, ModelId, Principal};

/// Values begin behind the model and the time.
const FIRST_VALUE: usize = 2;

/// Whose models, and how long they may run.
#[derive(Clone)]
struct Ground {
    models: Arc<dyn Models>,
    who: Arc<Principal>,
    /// Of one query.
    timeout: Duration,
}

/// The function as one principal has it.
pub struct AnomalyScore {
    signature: Signature,
    ground: Ground,
}

impl AnomalyScore {
    pub fn new(models: Arc<dyn Models>, who: Arc<Principal>, timeout: Duration) -> Self {
        let signature = Signature::user_defined(Volatility::Stable);
        Self { signature, ground: Ground { models, who, timeout } }
    }
}

impl fmt::Debug for AnomalyScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnomalyScore")
    }
}

impl PartialEq for AnomalyScore {
    fn eq(&self, other: &Self) -> bool {
        self.ground.who == other.ground.who
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

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let (Some(DataType::Timestamp(_, zone)), true) = (given.get(1), given.len() > FIRST_VALUE) else {
            return plan_err!("anomaly_score takes a model, the time of a row, and a value for each source");
        };
        if given.len() > FIRST_VALUE + MAX_SOURCES {
            return plan_err!("anomaly_score takes {MAX_SOURCES} values at most");
        }
        let head = [DataType::Int64, DataType::Timestamp(TimeUnit::Microsecond, zone.clone())];
        let values = given[FIRST_VALUE..].iter().map(|_| DataType::Float64);
        Ok(head.into_iter().chain(values).collect())
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Float64, true)))
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        let ends = Instant::now() + self.ground.timeout;
        Ok(Box::new(Evaluator { ground: self.ground.clone(), ends, opened: None }))
    }
}

/// One query's use of it.
#[derive(Debug)]
struct Evaluator {
    ground: Ground,
    /// When the query's time is over: while a model runs nobody else looks.
    ends: Instant,
    /// The model of the partition before: mostly that of the next.
    opened: Option<(ModelId, Opened)>,
}

#[derive(Clone)]
struct Opened(Arc<dyn Scoring>);

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
    }
}

impl fmt::Debug for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ground")
    }
}

impl PartitionEvaluator for Evaluator {
    fn evaluate_all(&mut self, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        if rows == 0 {
            return Ok(Arc::new(Float64Array::from(Vec::<f64>::new())));
        }
        let Opened(model) = self.open(&columns[0])?;
        let given = columns.len() - FIRST_VALUE;
        if given != model.sources() {
            let message =
                format!("the model has {} sources; anomaly_score is given {given}", model.sources());
            return Err(failed(Error::invalid(message)));
        }
        let times = times(&columns[1])?;
        let values = values(&columns[FIRST_VALUE..], rows);
        let ends = self.ends;
        let scores = model.scores(&times, &values, &|| Instant::now() > ends).map_err(failed)?;
        Ok(Arc::new(at_rows(&times, &scores)))
    }
}

impl Evaluator {
    /// The model that all rows name.
    fn open(&mut self, column: &ArrayRef) -> Result<Opened> {
        let ids = cast(column, &DataType::Int64)?;
        let ids = ids.as_primitive::<Int64Type>();
        let first = ids.value(0);
        if ids.null_count() > 0 || ids.values().iter().any(|id| *id != first) {
            return Err(failed(Error::invalid("anomaly_score takes one model for all rows of a partition")));
        }
        let id = ModelId(i32::try_from(first).unwrap_or(0));
        if let Some((_, opened)) = self.opened.as_ref().filter(|(opened, _)| *opened == id) {
            return Ok(opened.clone());
        }
        let no_model = |error: Error| match error.kind {
            Kind::NotFound => Error::invalid(format!("there is no model {first}")),
            _ => error,
        };
        let model = self.ground.models.open(&self.ground.who, id).map_err(|e| failed(no_model(e)))?;
        let opened = Opened(model);
        self.opened = Some((id, opened.clone()));
        Ok(opened)
    }
}

/// Microseconds, which may not fall.
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

/// Row by row; NaN is null.
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

/// The newest score at or before each row and behind the row before it.
fn at_rows(times: &[i64], scores: &[(Micros, f64)]) -> Float64Array {
    let mut scores = scores.iter().peekable();
    let newest = times.iter().map(|ts| {
        let mut newest = None;
        while let Some((_, score)) = scores.next_if(|(at, _)| at.0 <= *ts) {
            newest = Some(*score);
        }
        newest
    });
    newest.collect()
}

fn failed(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::at_rows;
    use crate::domain::Micros;

    #[test]
    fn a_row_has_the_newest_score_since_the_row_before() {
        let scores = [(Micros(10), 1.0), (Micros(20), 2.0), (Micros(30), 3.0), (Micros(50), 5.0)];
        let found: Vec<_> = at_rows(&[5, 12, 31, 31, 40, 50], &scores).iter().collect();
        assert_eq!(found, [None, Some(1.0), Some(3.0), None, None, Some(5.0)]);
    }
}
