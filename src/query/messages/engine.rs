//! The requests about messages, each run like any query: admitted, limited and logged.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt8Array};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::error::DataFusionError;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{TryStreamExt, stream};
use parking_lot::Mutex;
use uuid::Uuid;

use super::assemble;
use super::counting::MessageCounter;
use super::keys::{self, KeyRequest, MessageKey};
use super::paging::{PageRequest, PageUnit, second_of};
use super::scope::MessageScope;
use super::stored_filter::StoredFilter;
use crate::domain::cluster::TailRequest;
use crate::domain::message::message_id::{self, MessagePlace};
use crate::domain::message::query::{
    DeviceMessages, MAX_PAGE_MESSAGES, MessageFilter, MessageOrder, MessagePage, MessageQuery, SensorPage,
    SensorQuery, SensorRow,
};
use crate::domain::message::{Message, STATUS_ONLINE};
use crate::domain::{DeviceId, Error, Micros, Principal, Result};
use crate::query::context::QueryContext;
use crate::query::engine::Engine;
use crate::query::executor::{QueryLimits, StartedQuery};
use crate::query::log::Surface;
use crate::store::message_counts::day_counts::{MessageCount, NO_TIME};

impl Engine {
    /// Returns a page of the messages that the principal sees, and their total.
    ///
    /// # Errors
    /// `Busy`, `Timeout` or `TooLarge` for the limits of queries.
    pub async fn messages(
        self: &Arc<Self>,
        principal: &Principal,
        query: MessageQuery,
    ) -> Result<MessagePage> {
        self.run_messages(principal, |query_context, engine| async move {
            let MessageQuery { filter, order, offset, limit } = query;
            let scope = Arc::new(MessageScope::new(query_context, &filter, None));
            let finding = scope.clone();
            let page = blocking(move || {
                let status = filter.status.as_deref();
                let matching =
                    StoredFilter::new(status, None).map(|filter| filter.count(&finding)).transpose()?;
                let request = PageRequest {
                    order,
                    unit: PageUnit::Messages,
                    matching: matching.as_ref(),
                    derives: filter.derives && status.is_none_or(|status| status == STATUS_ONLINE),
                    offset: offset as u64,
                    limit: limit.min(MAX_PAGE_MESSAGES) as u64,
                };
                request.find(&finding)
            })
            .await?;
            let messages = assemble::messages(scope, &engine, &page.keys).await?;
            let rows = messages.len();
            Ok((MessagePage { messages, total: page.total }, rows))
        })
        .await
    }

    /// Returns a message; `None` when there is none that the principal sees.
    ///
    /// # Errors
    /// The errors of [`Engine::messages`].
    pub async fn message(
        self: &Arc<Self>,
        principal: &Principal,
        uuid: Uuid,
        derives: bool,
    ) -> Result<Option<Message>> {
        let (device, from, to, is_derived) = match message_id::place(uuid) {
            None => return Ok(None),
            Some(MessagePlace::Derived { device, ts }) => (device, ts, ts, true),
            Some(MessagePlace::Stored { device, from, to }) => (device, from, to, false),
        };
        let filter = MessageFilter {
            devices: Some(vec![device]),
            from: Some(from),
            to: Some(to),
            status: None,
            derives: derives && is_derived,
        };
        self.run_messages(principal, |query_context, engine| async move {
            let scope = Arc::new(MessageScope::new(query_context, &filter, None));
            let finding = scope.clone();
            let is_wanted = move |key: &MessageKey| match key.stored {
                Some(stored) => stored.uuid == uuid,
                None => is_derived,
            };
            let keys =
                blocking(move || Ok(read_all(&finding)?.into_iter().filter(is_wanted).collect::<Vec<_>>()));
            let found = assemble::messages(scope, &engine, &keys.await?).await?;
            let rows = found.len();
            Ok((found.into_iter().next(), rows))
        })
        .await
    }

    /// Returns a page of the sensors of messages, and their total: the newest second first, within it by index, then
    /// the newest message first.
    ///
    /// # Errors
    /// The errors of [`Engine::messages`].
    pub async fn message_sensors(
        self: &Arc<Self>,
        principal: &Principal,
        query: SensorQuery,
    ) -> Result<SensorPage> {
        self.run_messages(principal, |query_context, engine| async move {
            let SensorQuery { filter, sensor, offset, limit } = query;
            let full = Arc::new(MessageScope::new(query_context.clone(), &filter, None));
            let scope = MessageScope::new(query_context, &filter, sensor.as_deref());
            let (limit, wanted) = (limit.min(MAX_PAGE_MESSAGES), sensor.clone());
            let page = blocking(move || {
                let (status, sensor) = (filter.status.as_deref(), wanted.as_deref());
                let matching =
                    StoredFilter::new(status, sensor).map(|filter| filter.count(&scope)).transpose()?;
                let request = PageRequest {
                    order: MessageOrder::NewestFirst,
                    unit: if sensor.is_some() { PageUnit::SelectedSensors } else { PageUnit::Sensors },
                    matching: matching.as_ref(),
                    derives: filter.derives && status.is_none_or(|status| status == STATUS_ONLINE),
                    offset: offset as u64,
                    limit: limit as u64,
                };
                request.find(&scope)
            })
            .await?;
            let messages = assemble::messages(full, &engine, &page.keys).await?;
            let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
            let sensors: Vec<SensorRow> =
                sensor_rows(messages, sensor.as_deref()).into_iter().skip(skip).take(limit).collect();
            let rows = sensors.len();
            Ok((SensorPage { sensors, total: page.total }, rows))
        })
        .await
    }

    /// Returns the devices that have messages, with their number and the newest time, by device id.
    ///
    /// # Errors
    /// The errors of [`Engine::messages`].
    pub async fn message_devices(
        self: &Arc<Self>,
        principal: &Principal,
        filter: MessageFilter,
    ) -> Result<Vec<DeviceMessages>> {
        self.run_messages(principal, |query_context, _| async move {
            let scope = MessageScope::new(query_context, &filter, None);
            let devices = blocking(move || summarize(&scope)).await?;
            let rows = devices.len();
            Ok((devices, rows))
        })
        .await
    }

    /// Runs a request as a query. What it finds travels beside the batches, which only count its rows.
    async fn run_messages<T, F>(
        self: &Arc<Self>,
        principal: &Principal,
        work: impl FnOnce(QueryContext, Arc<Engine>) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<(T, usize)>> + Send + 'static,
    {
        let tracker = self.start_tracking(principal, Surface::Messages, None);
        let wanted = TailRequest { newest: true, ..TailRequest::for_rows(principal.org) };
        let query_context = QueryContext::pin(&self.services, principal, tracker.clone(), wanted).await?;
        let found: Arc<Mutex<Option<T>>> = Arc::default();
        let (schema, working, slot) = (row_schema(), work(query_context, self.clone()), found.clone());
        let batch = async move {
            let (value, rows) = working.await.map_err(|e| DataFusionError::External(Box::new(e)))?;
            *slot.lock() = Some(value);
            let batch = RecordBatch::try_new(row_schema(), vec![Arc::new(UInt8Array::from_value(0, rows))])?;
            Ok::<_, DataFusionError>(batch)
        };
        let batches = RecordBatchStreamAdapter::new(schema, stream::once(batch));
        let start = async move { Ok(StartedQuery::short(Box::pin(batches))) };
        let limits = QueryLimits { timeout: self.statement_limits().timeout, max_rows: None };
        let answer = self.run_query(limits, tracker, Box::pin(start)).await?;
        answer.batches.try_collect::<Vec<_>>().await?;
        let value = found.lock().take();
        value.ok_or_else(|| Error::internal("a request about messages ended without a result"))
    }
}

fn row_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("row", DataType::UInt8, false)]))
}

/// Runs work that blocks beside the threads of queries.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::internal("a request about messages was interrupted").with_source(e))?
}

/// Reads every key of a scope that spans little time.
fn read_all(scope: &MessageScope) -> Result<Vec<MessageKey>> {
    let (devices, derives) = (scope.devices.clone(), scope.derives);
    let mut found = Vec::new();
    for day in MessageCounter::new(scope).days() {
        let devices = devices.clone();
        found.extend(keys::read(scope, &KeyRequest { day, ts: scope.ts, devices, matching: None, derives })?);
    }
    Ok(found)
}

fn summarize(scope: &MessageScope) -> Result<Vec<DeviceMessages>> {
    let mut counts = vec![MessageCount::default(); scope.devices.len()];
    let mut counter = MessageCounter::new(scope);
    for day in counter.days() {
        counter.count(day, false, &mut |device, _, count| {
            if let Ok(at) = scope.devices.binary_search(&device) {
                counts[at].add(count);
            }
        })?;
    }
    let with_any = scope.devices.iter().zip(counts).filter(|(_, count)| count.newest != NO_TIME);
    let device = |(device, count): (&i32, MessageCount)| DeviceMessages {
        device: DeviceId(*device),
        messages: count.messages(),
        last_seen: Micros(count.newest),
    };
    Ok(with_any.map(device).collect())
}

/// Lists the sensors of messages: by second descending, then by index, then in the order of the messages.
fn sensor_rows(messages: Vec<Message>, wanted: Option<&str>) -> Vec<SensorRow> {
    let mut rows = Vec::new();
    for message in messages {
        let (uuid, device, ts) = (message.uuid(), message.device, message.ts);
        let sensors = message.sensors.into_iter();
        let sensors = sensors.filter(|sensor| wanted.is_none_or(|wanted| sensor.id == wanted));
        rows.extend(sensors.map(|sensor| SensorRow { uuid, device, ts, sensor }));
    }
    // The sort is stable.
    rows.sort_by_key(|row| (std::cmp::Reverse(second_of(row.ts.0)), row.sensor.index));
    rows
}
