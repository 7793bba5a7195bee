//! Reads and posts values.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::core_parts::CoreParts;
use super::list_range::ListRange;
use super::sql::Statements;
use super::stream::Streams;
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::stream::Stream;
use crate::domain::{Clock, Error, FieldError, Micros, Principal, Resource, Result, Scope, StreamId};
use crate::query::Engine;
use crate::query::readings_list::ValuesQuery;
use crate::store::Store;
use crate::store::write_validation::RowProblem;

/// Readings in order, in batches; an error ends the stream.
pub type ReadingsStream = BoxStream<'static, Result<Readings>>;

/// Readings and statistics of streams.
pub struct Values {
    pub(super) store: Arc<Store>,
    pub(super) engine: Arc<Engine>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) streams: Arc<Streams>,
    pub(super) statements: Arc<Statements>,
}

impl Values {
    pub(super) fn new(parts: &CoreParts, streams: Arc<Streams>, statements: Arc<Statements>) -> Self {
        Self {
            store: parts.store.clone(),
            engine: parts.engine.clone(),
            clock: parts.clock.clone(),
            streams,
            statements,
        }
    }

    /// Returns whether the principal may see the list: it is of all visible streams, or of one visible stream.
    pub(super) fn sees(&self, principal: &Principal, of: Option<StreamId>) -> bool {
        of.is_none_or(|id| self.store.catalog().streams.stream(principal, id).is_ok())
    }

    /// Returns the values of one stream; fails when the principal does not see it.
    pub async fn stream_values(
        &self,
        principal: &Principal,
        id: StreamId,
        range: ListRange,
    ) -> Result<ReadingsStream> {
        principal.require(Scope::read(Resource::Data))?;
        self.store.catalog().streams.stream(principal, id)?;
        self.rows(principal, Some(id), range).await
    }

    /// Returns the values of all streams the principal sees, or of one of them; none when it does not see that one.
    pub async fn values(
        &self,
        principal: &Principal,
        of: Option<StreamId>,
        range: ListRange,
    ) -> Result<ReadingsStream> {
        principal.require(Scope::read(Resource::Value))?;
        if !self.sees(principal, of) {
            return Ok(stream::empty().boxed());
        }
        self.rows(principal, of, range).await
    }

    /// Returns the value of a stream at one time.
    pub async fn value(&self, principal: &Principal, id: StreamId, ts: Micros) -> Result<Reading> {
        principal.require(Scope::read(Resource::Value))?;
        self.store.catalog().streams.stream(principal, id)?;
        self.valued_at(principal, id, ts).await?.ok_or_else(Error::not_found)
    }

    /// Stores one value durably, at `ts` or now, in a stream that [`Streams::stream_to_change`] gave. Returns the reading
    /// and whether there was none at that time.
    pub(super) async fn post_value(
        &self,
        principal: &Principal,
        target: &Stream,
        ts: Option<Micros>,
        (value, text): (Option<f64>, Option<Box<str>>),
    ) -> Result<(Reading, bool)> {
        let id = target.id;
        let ts = ts.unwrap_or_else(|| self.store.assign_ts(id, self.clock.now()));
        let reading = Reading { stream: id, ts, value, text, quality: Quality::Good };
        let is_new = self.is_newest(principal, id, ts) || self.valued_at(principal, id, ts).await?.is_none();
        let row: Readings = [reading.clone()].into_iter().collect();
        let problems = self.store.row_problems(principal, &row);
        Error::check(problems.into_iter().filter_map(|(_, problem)| field_error(problem)).collect())?;
        self.store.write(principal, row).await?;
        Ok((reading, is_new))
    }

    /// Returns whether every reading of the stream is older. It is answered from memory, so that live posts need no
    /// query.
    fn is_newest(&self, principal: &Principal, id: StreamId, ts: Micros) -> bool {
        self.store.newest_by_time(principal, id).is_none_or(|newest| newest.ts < ts)
    }

    async fn valued_at(&self, principal: &Principal, id: StreamId, ts: Micros) -> Result<Option<Reading>> {
        let found = self.engine.value(principal, id, ts).await?;
        Ok(found.filter(|reading| reading.quality != Quality::Bad))
    }

    async fn rows(
        &self,
        principal: &Principal,
        of: Option<StreamId>,
        range: ListRange,
    ) -> Result<ReadingsStream> {
        let Some(list) = range.list(of) else { return Ok(stream::empty().boxed()) };
        self.engine.values(principal, ValuesQuery { list, include_bad: false }).await
    }
}

/// The error for the field of a posted value that is wrong as a column; `None` for a column that no field has, which the
/// store refuses under its own name.
fn field_error(problem: RowProblem) -> Option<FieldError> {
    let field = match problem.column {
        "ts" => "timestamp",
        "value" => "value",
        _ => return None,
    };
    Some(FieldError::new(field, problem.message))
}
