//! `events`: the event log, read from the catalog's database page by page.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BooleanArray, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};

use crate::domain::alert::AlertDetails;
use crate::domain::event::{Event, EventFilter};
use crate::domain::pagination::Pagination;
use crate::domain::{DeviceId, Micros};
use crate::query::context::QueryContext;
use crate::query::scan::table_provider::pruning_only;
use crate::query::scan::upsert_scan;
use crate::query::tables::paged_scan::{PAGE_ROWS, PageSource, PagedTable};
use crate::store::schema::timestamp;

/// Returns the columns; those of alerts only are NULL for other events.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int32, false),
            Field::new("device_id", DataType::Int32, true),
            Field::new("stream_id", DataType::Int32, true),
            text("kind"),
            text("level"),
            Field::new("ts", timestamp(), false),
            text("message"),
            text("url"),
            // JSON.
            text("payload"),
            text("uuid"),
            text("source"),
            Field::new("acknowledged", DataType::Boolean, false),
            // Of alerts only.
            Field::new("status", DataType::Utf8, true),
            Field::new("rule_name", DataType::Utf8, true),
            // Of every event.
            Field::new("acknowledged_at", timestamp(), true),
            Field::new("acknowledged_by", DataType::Utf8, true),
            Field::new("note", DataType::Utf8, true),
            // Of alerts only.
            Field::new("resolved_at", timestamp(), true),
            Field::new("resolved_by", DataType::Utf8, true),
        ]))
    });
    SCHEMA.clone()
}

/// The events that a principal may see.
pub type EventsTable = PagedTable<EventFilter>;

impl PageSource for EventFilter {
    const NAME: &'static str = "Events";
    type Row = Event;

    fn schema() -> SchemaRef {
        schema()
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

    fn batch(rows: &[Event]) -> Result<RecordBatch> {
        batch(rows)
    }
}

fn batch(events: &[Event]) -> Result<RecordBatch> {
    let ids = |get: fn(&Event) -> Option<i32>| -> ArrayRef {
        Arc::new(Int32Array::from_iter(events.iter().map(get)))
    };
    let text = |get: fn(&Event) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(events.iter().map(get)))
    };
    let times = TimestampMicrosecondArray::from_iter_values(events.iter().map(|e| e.spec.ts.0));
    let of_alert = |get: fn(&AlertDetails) -> Option<String>| -> ArrayRef {
        Arc::new(StringArray::from_iter(events.iter().map(|e| e.alert.as_ref().and_then(get))))
    };
    let moment = |get: fn(&Event) -> Option<Micros>| -> ArrayRef {
        let times = events.iter().map(|e| get(e).map(|at| at.0));
        Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC"))
    };
    let text_or_null = |get: fn(&Event) -> Option<&str>| -> ArrayRef {
        Arc::new(StringArray::from_iter(events.iter().map(get)))
    };
    let acknowledged = BooleanArray::from_iter(events.iter().map(|e| Some(e.spec.acknowledged)));
    let columns: Vec<ArrayRef> = vec![
        ids(|e| Some(e.id.0)),
        ids(|e| e.spec.device.map(|d| d.0)),
        ids(|e| e.spec.stream.map(|s| s.0)),
        text(|e| e.spec.kind.clone()),
        text(|e| e.spec.level.name().to_owned()),
        Arc::new(times.with_timezone("UTC")),
        text(|e| e.spec.message.clone()),
        text(|e| e.spec.url.clone()),
        text(|e| super::devices::to_json_text(&e.spec.payload)),
        text(|e| e.uuid.to_string()),
        text(|e| e.source.name().to_owned()),
        Arc::new(acknowledged),
        of_alert(|alert| Some(alert.lifecycle.status.name().to_owned())),
        of_alert(|alert| Some(alert.rule_name.clone())),
        moment(|e| e.acknowledged_at),
        text_or_null(|e| e.acknowledged_by.as_deref()),
        text_or_null(|e| e.spec.note.as_deref()),
        moment(|e| e.alert.as_ref().and_then(|alert| alert.lifecycle.resolved_at)),
        of_alert(|alert| alert.lifecycle.resolved_by.clone()),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}
