//! Readings that were committed while nobody evaluated them, and whose records the log keeps no longer: they are read
//! from the lake in the order of the log.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use futures::TryStreamExt;

use super::rule_table::RuleTable;
use crate::domain::alert::evaluator::MAX_AGE_US;
use crate::domain::alert::sample::Sample;
use crate::domain::arrival::Arrival;
use crate::domain::{Error, Micros, OrgId, Principal, Result, StreamId};
use crate::query::Engine;
use crate::query::engine::StatementRequest;
use crate::query::log::Surface;
use crate::query::params::Params;
use crate::store::catalog::AlertDecision;
use crate::store::live::Gap;

/// Streams per query.
const STREAMS_AT_ONCE: usize = 500;

/// Records of the log that are read from the lake.
pub struct GapReader<'a> {
    pub engine: &'a Arc<Engine>,
    /// Organization whose rules are evaluated.
    pub org: OrgId,
    pub gap: Gap,
    /// When they are taken to have arrived.
    pub arrival: Arrival,
}

impl GapReader<'_> {
    /// Evaluates them. It pauses often, so that it may be dropped, and other tasks go on.
    ///
    /// # Errors
    /// `Unavailable` and `Busy`, as a query.
    pub async fn observe(&self, table: &mut RuleTable, decisions: &mut Vec<AlertDecision>) -> Result<()> {
        let streams: Vec<StreamId> = table.streams().collect();
        for some in streams.chunks(STREAMS_AT_ONCE) {
            self.observe_some(some, table, decisions).await?;
        }
        Ok(())
    }

    async fn observe_some(
        &self,
        streams: &[StreamId],
        table: &mut RuleTable,
        decisions: &mut Vec<AlertDecision>,
    ) -> Result<()> {
        let ids: Vec<String> = streams.iter().map(ToString::to_string).collect();
        let text = format!(
            "SELECT stream_id, CAST(ts AS BIGINT), value, text, seq FROM readings \
             WHERE stream_id IN ({}) AND seq BETWEEN {} AND {} AND CAST(ts AS BIGINT) >= {} AND quality <> 'bad' \
             ORDER BY seq, stream_id, ts",
            ids.join(", "),
            self.gap.from,
            self.gap.to,
            self.arrival.earliest().0.saturating_sub(MAX_AGE_US),
        );
        let params = Params::Json(serde_json::Value::Null);
        let request = StatementRequest { text, params, surface: Surface::Sql, settings: None };
        let answer = self.engine.sql(&Principal::system(self.org), request).await?;
        let mut batches = answer.batches;
        while let Some(batch) = batches.try_next().await? {
            self.observe_batch(&batch, table, decisions).await?;
        }
        Ok(())
    }

    async fn observe_batch(
        &self,
        batch: &RecordBatch,
        table: &mut RuleTable,
        decisions: &mut Vec<AlertDecision>,
    ) -> Result<()> {
        let unexpected = || Error::internal("a query of readings has unexpected columns");
        let column = |at: usize, kind: &DataType| {
            let column = batch.columns().get(at).ok_or_else(unexpected)?;
            cast(column, kind).map_err(|e| unexpected().with_source(e))
        };
        let (streams, times) = (column(0, &DataType::Int32)?, column(1, &DataType::Int64)?);
        let (values, texts) = (column(2, &DataType::Float64)?, column(3, &DataType::Utf8)?);
        let seqs = column(4, &DataType::Int64)?;
        let (streams, times) = (streams.as_primitive::<Int32Type>(), times.as_primitive::<Int64Type>());
        let (values, texts) = (values.as_primitive::<Float64Type>(), texts.as_string::<i32>());
        let seqs = seqs.as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let number = values.is_valid(row).then(|| values.value(row));
            let text = texts.is_valid(row).then(|| texts.value(row));
            let sample = Sample { ts: Micros(times.value(row)), number, text };
            let place = (streams.value(row), seqs.value(row).unsigned_abs());
            table.observe(place, sample, self.arrival, decisions);
            if table.takes_pause() {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }
}
