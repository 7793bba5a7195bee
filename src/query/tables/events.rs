//! `events`: the event log, read from the catalog's database page by page.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};

use super::devices::to_json_text;
use super::paged_scan::{PAGE_ROWS, PageSource};
use super::row_table::{ColumnDef, column};
use super::{flags, ints, optional_text, text, times};
use crate::domain::alert::AlertDetails;
use crate::domain::event::{Event, EventFilter};
use crate::domain::pagination::Pagination;
use crate::domain::{DeviceId, Micros};
use crate::query::context::QueryContext;
use crate::query::scan::table_provider::pruning_only;
use crate::query::scan::upsert_scan;
use crate::store::schema::timestamp;

impl PageSource for EventFilter {
    const NAME: &'static str = "Events";
    type Row = Event;

    /// Returns the columns; those of alerts only are NULL for other events.
    fn columns() -> Vec<ColumnDef<Event>> {
        vec![
            column("id", DataType::Int32, false, |rows: &[Event]| ints(rows, |e| Some(e.id.0))),
            column("device_id", DataType::Int32, true, |rows| ints(rows, |e| e.spec.device.map(|id| id.0))),
            column("stream_id", DataType::Int32, true, |rows| ints(rows, |e| e.spec.stream.map(|id| id.0))),
            column("kind", DataType::Utf8, false, |rows| text(rows, |e| e.spec.kind.clone())),
            column("level", DataType::Utf8, false, |rows| text(rows, |e| e.spec.level.name().to_owned())),
            column("ts", timestamp(), false, |rows| times(rows, |e| Some(e.spec.ts))),
            column("message", DataType::Utf8, false, |rows| text(rows, |e| e.spec.message.clone())),
            column("url", DataType::Utf8, false, |rows| text(rows, |e| e.spec.url.clone())),
            // JSON.
            column("payload", DataType::Utf8, false, |rows| text(rows, |e| to_json_text(&e.spec.payload))),
            column("uuid", DataType::Utf8, false, |rows| text(rows, |e| e.uuid.to_string())),
            column("source", DataType::Utf8, false, |rows| text(rows, |e| e.source.name().to_owned())),
            column("acknowledged", DataType::Boolean, false, |rows| flags(rows, |e| e.spec.acknowledged)),
            // Of alerts only.
            column("status", DataType::Utf8, true, |rows| {
                of_alert(rows, |a| Some(a.lifecycle.status.name()))
            }),
            column("rule_name", DataType::Utf8, true, |rows| of_alert(rows, |a| Some(a.rule_name.as_str()))),
            // Of every event.
            column("acknowledged_at", timestamp(), true, |rows| times(rows, |e| e.acknowledged_at)),
            column("acknowledged_by", DataType::Utf8, true, |rows| {
                optional_text(rows, |e| e.acknowledged_by.as_deref())
            }),
            column("note", DataType::Utf8, true, |rows| optional_text(rows, |e| e.spec.note.as_deref())),
            // Of alerts only.
            column("resolved_at", timestamp(), true, |rows| {
                times(rows, |e| e.alert.as_ref().and_then(|alert| alert.lifecycle.resolved_at))
            }),
            column("resolved_by", DataType::Utf8, true, |rows| {
                of_alert(rows, |a| a.lifecycle.resolved_by.as_deref())
            }),
        ]
    }

    /// Comparisons of device_id and ts narrow the database query.
    fn pushdown(filter: &Expr) -> TableProviderFilterPushDown {
        pruning_only(upsert_scan::is_key_comparison(filter, "device_id"))
    }

    fn first_page(filters: &[Expr]) -> Self {
        let bounds = upsert_scan::bounds(filters, "device_id");
        let one = bounds.streams.filter(|ids| ids.len() == 1).and_then(|ids| ids.first().copied());
        EventFilter {
            device: one.map(DeviceId),
            from: Some(Micros(bounds.ts.min)),
            to: Some(Micros(bounds.ts.max)),
            page: Pagination { offset: 0, limit: PAGE_ROWS },
            ..EventFilter::default()
        }
    }

    async fn read(self, query_context: &QueryContext) -> crate::domain::Result<Vec<Event>> {
        query_context.events(self).await
    }

    /// Pages are shorter where payloads are long, so only an empty page is the last.
    fn is_last(events: &[Event]) -> bool {
        events.is_empty()
    }

    fn page_after(self, last: &Event) -> Self {
        EventFilter { after: Some((last.spec.ts, last.id)), ..self }
    }
}

/// Texts of the alerts of events; NULL for other events.
fn of_alert(rows: &[Event], get: fn(&AlertDetails) -> Option<&str>) -> ArrayRef {
    optional_text(rows, |e| e.alert.as_ref().and_then(get))
}
