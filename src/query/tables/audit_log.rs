//! `audit_log`: who changed what and who was refused, read from the catalog's database page by page.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use crate::domain::Micros;
use crate::domain::audit::{AuditFilter, Record};
use crate::domain::page::Page;
use crate::query::scan::keyed;
use crate::query::scan::provider::{Scan, hint};
use crate::query::session::View;
use crate::query::tables::paged::{self, PAGE, Paged};
use crate::store::schema::timestamp;

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

/// The log as one principal sees it.
#[derive(Debug)]
pub struct AuditLog {
    view: View,
}

impl AuditLog {
    pub fn new(view: View) -> Self {
        Self { view }
    }
}

impl Scan for AuditLog {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    /// Comparisons of ts narrow what the database is asked for.
    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown {
        hint(keyed::is_plain(filter, "id"))
    }

    fn plan(&self, _: &dyn Session, columns: &[usize], filters: &[Expr]) -> Result<Arc<dyn ExecutionPlan>> {
        let (from, to) = keyed::bounds(filters, "id").ts;
        let filter = AuditFilter {
            from: Some(Micros(from)),
            to: Some(Micros(to)),
            page: Page { offset: 0, limit: PAGE },
            ..AuditFilter::default()
        };
        paged::leaf(self.view.clone(), filter, columns)
    }
}

impl Paged for AuditFilter {
    const NAME: &'static str = "AuditLog";
    type Row = Record;

    fn schema() -> SchemaRef {
        schema()
    }

    async fn read(self, view: &View) -> crate::domain::Result<Vec<Record>> {
        view.audit_log(self).await
    }

    fn after(self, last: &Record) -> Self {
        AuditFilter { after: Some(last.id), ..self }
    }

    fn batch(rows: &[Record]) -> Result<RecordBatch> {
        batch(rows)
    }
}

fn batch(rows: &[Record]) -> Result<RecordBatch> {
    let text = |get: fn(&Record) -> Option<&str>| -> ArrayRef {
        Arc::new(StringArray::from_iter(rows.iter().map(get)))
    };
    let times = |get: fn(&Record) -> Micros| -> ArrayRef {
        let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| get(row).0));
        Arc::new(times.with_timezone("UTC"))
    };
    let fields = rows.iter().map(|row| super::devices::json(&row.fields));
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
