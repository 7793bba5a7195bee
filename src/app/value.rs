//! Reading and posting values.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::Value;

use super::range::Range;
use super::{App, posted};
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::stream::Stream;
use crate::domain::{Error, FieldError, Micros, Principal, Resource, Result, Scope, StreamId};
use crate::query::values::ValuesQuery;

/// Readings in order, in batches; an error ends them.
pub type Rows = BoxStream<'static, Result<Readings>>;

impl App {
    /// The values of one stream; fails when the principal does not see it.
    pub async fn stream_values(&self, principal: &Principal, id: StreamId, range: Range) -> Result<Rows> {
        principal.require(Scope::read(Resource::Data))?;
        self.store.catalog().stream(principal, id)?;
        self.rows(principal, Some(id), range).await
    }

    /// The values of all streams the principal sees, or of one of them; none when it does not see that one.
    pub async fn values(&self, principal: &Principal, of: Option<StreamId>, range: Range) -> Result<Rows> {
        principal.require(Scope::read(Resource::Value))?;
        if !self.sees(principal, of) {
            return Ok(stream::empty().boxed());
        }
        self.rows(principal, of, range).await
    }

    /// The value of a stream at one time.
    pub async fn value(&self, principal: &Principal, id: StreamId, ts: Micros) -> Result<Reading> {
        principal.require(Scope::read(Resource::Value))?;
        self.store.catalog().stream(principal, id)?;
        self.valued_at(principal, id, ts).await?.ok_or_else(Error::not_found)
    }

    /// What is wrong with a value as one of this stream, if anything.
    pub fn value_problem(&self, target: &Stream, given: &Value) -> Option<String> {
        posted::stored(&target.spec, given).err()
    }

    /// Stores one value, durably, at `ts` or now. Also tells whether there was none at that time.
    pub async fn post_value(
        &self,
        principal: &Principal,
        id: StreamId,
        ts: Option<Micros>,
        given: &Value,
    ) -> Result<(Reading, bool)> {
        let target = self.stream_to_change(principal, id)?;
        let (value, text) =
            posted::stored(&target.spec, given).map_err(|message| Error::field("value", message))?;
        let ts = ts.unwrap_or_else(|| self.store.assign_ts(id));
        let reading = Reading { stream: id, ts, value, text, quality: Quality::Good };
        let is_new = self.is_newest(principal, id, ts) || self.valued_at(principal, id, ts).await?.is_none();
        let row = [reading.clone()].into_iter().collect();
        self.store.write(principal, row).await.map_err(name_fields)?;
        Ok((reading, is_new))
    }

    /// Whether every reading of the stream is older: answered from memory, so that live posts need no query.
    fn is_newest(&self, principal: &Principal, id: StreamId, ts: Micros) -> bool {
        self.store.last(principal, id).is_none_or(|last| last.newest.ts < ts)
    }

    async fn valued_at(&self, principal: &Principal, id: StreamId, ts: Micros) -> Result<Option<Reading>> {
        let found = self.engine.value(principal, id, ts).await?;
        Ok(found.filter(|reading| reading.quality != Quality::Bad))
    }

    async fn rows(&self, principal: &Principal, of: Option<StreamId>, range: Range) -> Result<Rows> {
        let Some(list) = range.list(of) else { return Ok(stream::empty().boxed()) };
        self.engine.values(principal, ValuesQuery { list, bad: false }).await
    }
}

/// The store names rows and columns; a single posted value has the names of its own fields.
fn name_fields(mut error: Error) -> Error {
    for problem in &mut error.fields {
        let (field, message) = match problem.message.split_once(": ") {
            Some(("ts", message)) => ("timestamp", message),
            Some(("value", message)) => ("value", message),
            _ => continue,
        };
        *problem = FieldError::new(field, message);
    }
    error
}
