//! `audit_log`: changes and denied requests with their callers, read from the catalog's database page by page.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};

use crate::domain::Micros;
use crate::domain::audit::{AuditFilter, AuditRecord};
use crate::domain::pagination::Pagination;
use crate::query::context::QueryContext;
use crate::query::scan::table_provider::pruning_only;
use crate::query::scan::upsert_scan;
use crate::query::tables::paged_scan::{PAGE_ROWS, PageSource, PagedTable};
use crate::store::schema::timestamp;

/// Returns the columns. A row of aggregated denials counts them in `count`, from `ts` to `until`.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name: &str, is_nullable| Field::new(name, DataType::Utf8, is_nullable);
        Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int32, false),
            Field::new("ts", timestamp(), false),
            Field::new("until", timestamp(), false),
            Field::new("organization_id", DataType::Int32, true),
            text("actor", true),
            text("actor_name", true),
            text("action", false),
            text("kind", true),
            Field::new("row_id", DataType::Int32, true),
            // A JSON list.
            text("fields", false),
            text("request", false),
            text("outcome", false),
            text("address", true),
            text("request_id", false),
            Field::new("count", DataType::Int64, false),
        ]))
    });
    SCHEMA.clone()
}

/// The audit log that a principal may see.
pub type AuditLogTable = PagedTable<AuditFilter>;

impl PageSource for AuditFilter {
    const NAME: &'static str = "AuditLog";
    type Row = AuditRecord;

    fn schema() -> SchemaRef {
        schema()
    }

    /// Comparisons of ts narrow the database query.
    fn pushdown(filter: &Expr) -> TableProviderFilterPushDown {
        pruning_only(upsert_scan::is_key_comparison(filter, "id"))
    }

    fn first_page(filters: &[Expr]) -> Self {
        let ts = upsert_scan::bounds(filters, "id").ts;
        AuditFilter {
            from: Some(Micros(ts.min)),
            to: Some(Micros(ts.max)),
            page: Pagination { offset: 0, limit: PAGE_ROWS },
            ..AuditFilter::default()
        }
    }

    async fn read(self, query_context: &QueryContext) -> crate::domain::Result<Vec<AuditRecord>> {
        query_context.audit_log(self).await
    }

    fn page_after(self, last: &AuditRecord) -> Self {
        AuditFilter { after: Some(last.id), ..self }
    }

    fn batch(rows: &[AuditRecord]) -> Result<RecordBatch> {
        batch(rows)
    }
}

fn batch(rows: &[AuditRecord]) -> Result<RecordBatch> {
    let text = |get: fn(&AuditRecord) -> Option<&str>| -> ArrayRef {
        Arc::new(StringArray::from_iter(rows.iter().map(get)))
    };
    let times = |get: fn(&AuditRecord) -> Micros| -> ArrayRef {
        let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| get(row).0));
        Arc::new(times.with_timezone("UTC"))
    };
    let fields = rows.iter().map(|row| super::devices::to_json_text(&row.fields));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.id))),
        times(|row| row.ts),
        times(|row| row.until),
        Arc::new(Int32Array::from_iter(rows.iter().map(|row| row.org.map(|org| org.0)))),
        text(|row| row.actor.as_deref()),
        text(|row| row.actor_name.as_deref()),
        text(|row| Some(&row.action)),
        text(|row| row.kind.as_deref()),
        Arc::new(Int32Array::from_iter(rows.iter().map(|row| row.row))),
        Arc::new(StringArray::from_iter_values(fields)),
        text(|row| Some(&row.request)),
        text(|row| Some(&row.outcome)),
        text(|row| row.address.as_deref()),
        text(|row| Some(&row.request_id)),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.count))),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}
