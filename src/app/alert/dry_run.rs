//! A rule tried on the past: which alerts it would have raised.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use futures::TryStreamExt;

use crate::app::alert::AlertService;
use crate::domain::alert::rule::AlertRuleSpec;
use crate::domain::alert::sample::Sample;
use crate::domain::alert::simulation::{Simulation, SimulationResult};
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::{Error, Micros, Principal, Resource, Result, Scope, StreamId};
use crate::query::engine::StatementRequest;
use crate::query::log::Surface;
use crate::query::params::Params;

/// Longest range, days.
pub const MAX_DAYS: i64 = 31;
/// Most readings of a range.
pub const MAX_READINGS: usize = 5_000_000;

impl AlertService {
    /// Evaluates a rule over the readings of its stream from `from` until before `to`, or until now, as if each had arrived
    /// at its time and each alert were resolved when its condition ends. Nothing is stored.
    ///
    /// # Errors
    /// `Invalid` for a range that is empty, too long or has too many readings, and for a rule on the state of a device, of
    /// which no history is kept; otherwise as a query.
    pub async fn dry_run_alert_rule(
        &self,
        principal: &Principal,
        rule: AlertRuleSpec,
        (from, to): (Micros, Micros),
    ) -> Result<SimulationResult> {
        self.check_may_change_alert_rules(principal)?;
        principal.require(Scope::read(Resource::Value))?;
        let Some(stream) = rule.target.stream() else {
            let message = "DEVICE_STATE cannot be tried on the past: no history of states is kept";
            return Err(Error::field("evaluation", message));
        };
        self.store.catalog().streams.stream(principal, stream)?;
        let to = to.min(self.clock.now());
        check_range(from, to)?;
        let request = StatementRequest {
            text: readings_of(stream, from, to),
            params: Params::Json(serde_json::Value::Null),
            surface: Surface::Sql,
            settings: None,
        };
        let mut batches = self.engine.sql(principal, request).await?.batches;
        let mut simulation = Simulation::new(rule, from);
        let mut rows = 0;
        while let Some(batch) = batches.try_next().await? {
            rows += batch.num_rows();
            if rows > MAX_READINGS {
                let message =
                    format!("the range has more than {MAX_READINGS} readings: choose a shorter one");
                return Err(Error::field("from", message));
            }
            observe(&mut simulation, &batch)?;
            // A batch takes some milliseconds.
            tokio::task::yield_now().await;
        }
        Ok(simulation.finish(to))
    }
}

fn check_range(from: Micros, to: Micros) -> Result<()> {
    if from >= to {
        return Err(Error::field("from", "must be before `to` and in the past"));
    }
    if to.0.saturating_sub(from.0) > MAX_DAYS * MICROS_PER_DAY {
        return Err(Error::field("from", format!("must be at most {MAX_DAYS} days before `to`")));
    }
    Ok(())
}

/// One row more than is allowed tells that there are too many.
fn readings_of(stream: StreamId, from: Micros, to: Micros) -> String {
    let limit = MAX_READINGS + 1;
    format!(
        "SELECT CAST(ts AS BIGINT) AS micros, value, text FROM readings WHERE stream_id = {stream} \
         AND ts >= '{}' AND ts < '{}' AND quality <> 'bad' ORDER BY ts LIMIT {limit}",
        from.to_iso(),
        to.to_iso(),
    )
}

fn observe(simulation: &mut Simulation, batch: &RecordBatch) -> Result<()> {
    let unexpected = || Error::internal("a query of readings has unexpected columns");
    let column = |at: usize, kind: &DataType| {
        let column = batch.columns().get(at).ok_or_else(unexpected)?;
        cast(column, kind).map_err(|e| unexpected().with_source(e))
    };
    let (times, values) = (column(0, &DataType::Int64)?, column(1, &DataType::Float64)?);
    let texts = column(2, &DataType::Utf8)?;
    let (times, values) = (times.as_primitive::<Int64Type>(), values.as_primitive::<Float64Type>());
    let texts = texts.as_string::<i32>();
    for row in 0..batch.num_rows() {
        let number = values.is_valid(row).then(|| values.value(row)).filter(|value| !value.is_nan());
        let text = texts.is_valid(row).then(|| texts.value(row));
        simulation.observe(Sample { ts: Micros(times.value(row)), number, text });
    }
    Ok(())
}
