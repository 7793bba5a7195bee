//! `events`: the event log, read from the catalog's database page by page.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use crate::domain::event::{Event, EventFilter};
use crate::domain::page::Page;
use crate::domain::{DeviceId, Micros};
use crate::query::scan::keyed;
use crate::query::scan::provider::{Scan, hint};
use crate::query::session::View;
use crate::query::tables::paged::{self, PAGE, Paged};
use crate::store::schema::timestamp;

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
        ]))
    });
    SCHEMA.clone()
}

/// Events as one principal sees them.
#[derive(Debug)]
pub struct Events {
    view: View,
}

impl Events {
    pub fn new(view: View) -> Self {
        Self { view }
    }
}

impl Scan for Events {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    /// Comparisons of device_id and ts narrow what the database is asked for.
    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown {
        hint(keyed::is_plain(filter, "device_id"))
    }

    fn plan(&self, _: &dyn Session, columns: &[usize], filters: &[Expr]) -> Result<Arc<dyn ExecutionPlan>> {
        let bounds = keyed::bounds(filters, "device_id");
        let one = bounds.streams.filter(|ids| ids.len() == 1).and_then(|ids| ids.first().copied());
        let filter = EventFilter {
            device: one.map(DeviceId),
            from: Some(Micros(bounds.ts.0)),
            to: Some(Micros(bounds.ts.1)),
            page: Page { offset: 0, limit: PAGE },
            ..EventFilter::default()
        };
        paged::leaf(self.view.clone(), filter, columns)
    }
}

impl Paged for EventFilter {
    const NAME: &'static str = "Events";
    type Row = Event;

    fn schema() -> SchemaRef {
        schema()
    }

    async fn read(self, view: &View) -> crate::domain::Result<Vec<Event>> {
        view.events(self).await
    }

    /// A page is shorter where payloads are long.
    fn is_last(events: &[Event]) -> bool {
        events.is_empty()
    }

    fn after(self, last: &Event) -> Self {
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
    let columns: Vec<ArrayRef> = vec![
        ids(|e| Some(e.id.0)),
        ids(|e| e.spec.device.map(|d| d.0)),
        ids(|e| e.spec.stream.map(|s| s.0)),
        text(|e| e.spec.kind.clone()),
        text(|e| e.spec.level.name().to_owned()),
        Arc::new(times.with_timezone("UTC")),
        text(|e| e.spec.message.clone()),
        text(|e| e.spec.url.clone()),
        text(|e| super::devices::json(&e.spec.payload)),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}
