//! `quarantine`: the readings that were not accepted, read from the catalog's database page by page.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;

use super::paged_scan::{PageSource, PagedTable};
use super::{ints, text, times};
use crate::domain::pagination::Pagination;
use crate::domain::quarantine::{QuarantineFilter, QuarantineRecord};
use crate::query::context::QueryContext;
use crate::store::schema::timestamp;

/// Rows of a page: each holds up to 16 KiB of a payload.
const PAGE_ROWS: usize = 200;

/// Returns the columns; `device_id` and `stream_id` are NULL when they are not known.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int32, false),
            text("uuid"),
            Field::new("device_id", DataType::Int32, true),
            Field::new("stream_id", DataType::Int32, true),
            text("topic"),
            text("reason"),
            text("detail"),
            text("payload"),
            Field::new("received_at", timestamp(), false),
        ]))
    });
    SCHEMA.clone()
}

/// The quarantined readings that a principal may see.
pub type QuarantineTable = PagedTable<QuarantineFilter>;

impl PageSource for QuarantineFilter {
    const NAME: &'static str = "Quarantine";
    type Row = QuarantineRecord;

    fn schema() -> SchemaRef {
        schema()
    }

    fn first_page(_: &[Expr]) -> Self {
        let page = Pagination { offset: 0, limit: PAGE_ROWS };
        QuarantineFilter { page, ..QuarantineFilter::default() }
    }

    async fn read(self, query_context: &QueryContext) -> crate::domain::Result<Vec<QuarantineRecord>> {
        query_context.quarantined(self).await
    }

    fn is_last(rows: &[QuarantineRecord]) -> bool {
        rows.len() < PAGE_ROWS
    }

    fn page_after(self, last: &QuarantineRecord) -> Self {
        QuarantineFilter { after: Some((last.entry.received_at, last.id)), ..self }
    }

    fn batch(rows: &[QuarantineRecord]) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = vec![
            ints(rows, |r| Some(r.id.0)),
            text(rows, |r| r.uuid.to_string()),
            ints(rows, |r| r.entry.device.map(|id| id.0)),
            ints(rows, |r| r.entry.stream.map(|id| id.0)),
            text(rows, |r| r.entry.topic.clone()),
            text(rows, |r| r.entry.reason.name().to_owned()),
            text(rows, |r| r.entry.detail.clone()),
            text(rows, |r| r.entry.payload.clone()),
            times(rows, |r| Some(r.entry.received_at)),
        ];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}
