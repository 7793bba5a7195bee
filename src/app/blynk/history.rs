//! History of a datastream, in pages.

use futures::TryStreamExt;
use serde_json::Value;

use super::{Blynk, no_datastream, require_view, value};
use crate::app::series::TimeRange;
use crate::app::token::ClientAccess;
use crate::domain::reading::Readings;
use crate::domain::stream::StreamKind;
use crate::domain::time::{END_TIME, MIN_TIME};
use crate::domain::{DeviceId, Error, Micros, Result, StreamId};
use crate::query::list_query::ListQuery;
use crate::query::readings_list::ValuesQuery;

/// Microseconds of a millisecond.
const MILLI: i64 = 1000;

/// How a request names a datastream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatastreamKey {
    /// By its id, which is its channel.
    Id(i32),
    /// By its virtual pin.
    Pin(i32),
}

/// A request for a page of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryQuery {
    pub device: DeviceId,
    pub datastream: DatastreamKey,
    /// First millisecond since 1970.
    pub from_ms: i64,
    /// Last millisecond since 1970, included as a whole.
    pub to_ms: i64,
    /// Number of the page, from 0.
    pub page: usize,
    /// Values on a page, 1..=1000.
    pub size: usize,
}

/// A page of history, the newest value first.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPage {
    /// Values with their times.
    pub values: Vec<(Micros, Value)>,
    /// Number of values in the range.
    pub total: u64,
}

impl Blynk {
    /// Returns a page of the values of a datastream.
    ///
    /// # Errors
    /// `Forbidden` naming the permission; `NotFound` for a device or a datastream that the token does not see; `Busy`,
    /// `Timeout` or `TooLarge` for the limits of queries.
    pub async fn history(&self, access: &ClientAccess, query: HistoryQuery) -> Result<HistoryPage> {
        require_view(access)?;
        let principal = &access.principal;
        let device = self.visible_device(access, query.device)?;
        let stream = match query.datastream {
            DatastreamKey::Id(channel) => self.visible_datastream(access, &device, channel)?,
            DatastreamKey::Pin(pin) => self
                .streams
                .stream_by_pin(principal, device.id, pin)
                .map_err(|error| no_datastream(error, format_args!("v{pin}")))?,
        };
        let (kind, span, list) = (stream.spec.kind, span(&query), list(stream.id, &query));
        if span.from >= span.to {
            // Nothing can be stored there.
            return Ok(HistoryPage { values: Vec::new(), total: 0 });
        }
        let rows = self.engine.values(principal, ValuesQuery { list, include_bad: false }).await?;
        let rows: Vec<Readings> = rows.try_collect().await?;
        let values: Vec<_> = rows.iter().flat_map(|rows| shown(rows, kind)).collect();
        let read: usize = rows.iter().map(Readings::len).sum();
        let offset = query.page.saturating_mul(query.size);
        // A page that is not full is the last one, unless it lies past the end.
        let total = match read < query.size && (read > 0 || query.page == 0) {
            true => u64::try_from(offset + read).unwrap_or(u64::MAX),
            false => u64::try_from(self.values.count_values(principal, stream.id, span).await?)
                .map_err(|e| Error::internal("a count is negative").with_source(e))?,
        };
        Ok(HistoryPage { values, total })
    }
}

/// The range with an end that is not included, within the times that can be stored.
fn span(query: &HistoryQuery) -> TimeRange {
    let storable = |us: i64| Micros(us).clamp(MIN_TIME, END_TIME);
    let from = storable(query.from_ms.saturating_mul(MILLI));
    let to = storable(query.to_ms.saturating_add(1).saturating_mul(MILLI));
    TimeRange { from: Some(from), to: Some(to) }
}

fn list(stream: StreamId, query: &HistoryQuery) -> ListQuery {
    let range = span(query);
    ListQuery {
        streams: Some(vec![stream]),
        from: range.from,
        to: range.to.map(|end| Micros(end.0.saturating_sub(1))),
        newest_first: true,
        offset: query.page.saturating_mul(query.size),
        limit: Some(query.size),
    }
}

fn shown(rows: &Readings, kind: StreamKind) -> impl Iterator<Item = (Micros, Value)> + '_ {
    rows.iter().map(move |reading| {
        let shown = value::to_json(kind, reading.value, reading.text.as_deref());
        (reading.ts, shown.unwrap_or(Value::Null))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_includes_its_last_millisecond_and_stays_within_storable_times() {
        let end = END_TIME.0;
        let rows = [
            (0, 0, 0, 1000),
            (1_777_377_600_000, 1_777_377_600_000, 1_777_377_600_000_000, 1_777_377_600_001_000),
            (-5, -1, 0, 0),
            (i64::MIN, i64::MAX, 0, end),
            (i64::MAX, i64::MAX, end, end),
        ];
        for (from_ms, to_ms, from, to) in rows {
            let datastream = DatastreamKey::Id(1);
            let query = HistoryQuery { device: DeviceId(1), datastream, from_ms, to_ms, page: 2, size: 50 };
            let expected = TimeRange { from: Some(Micros(from)), to: Some(Micros(to)) };
            assert_eq!(span(&query), expected, "{from_ms} {to_ms}");
            let list = list(StreamId(7), &query);
            assert_eq!((list.offset, list.limit, list.newest_first), (100, Some(50), true));
            assert_eq!(list.to, Some(Micros(to - 1)));
        }
    }
}
