//! `audit_log`: who changed what and who was refused, read from the catalog's database page by page.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::stream;

use crate::domain::Micros;
use crate::domain::audit::{AuditFilter, Record};
use crate::domain::page::Page;
use crate::query::scan::keyed;
use crate::query::scan::leaf::{Leaf, Rows};
use crate::query::session::View;
use crate::store::schema::timestamp;

/// Rows of a page: at their longest a megabyte.
const PAGE: usize = 1000;

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

#[async_trait]
impl TableProvider for AuditLog {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Comparisons of ts narrow what the database is asked for, and stay above it.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| match keyed::is_plain(filter, "id") {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (from, to) = keyed::bounds(filters, "id").ts;
        let filter = AuditFilter {
            from: Some(Micros(from)),
            to: Some(Micros(to)),
            page: Page { offset: 0, limit: PAGE },
            ..AuditFilter::default()
        };
        let columns = projection.cloned().unwrap_or_else(|| (0..schema().fields().len()).collect());
        let schema = Arc::new(schema().project(&columns)?);
        Ok(Arc::new(Leaf::new(AuditRows { view: self.view.clone(), filter, columns, schema }, 1)))
    }
}

struct AuditRows {
    view: View,
    /// Of the first page.
    filter: AuditFilter,
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl Rows for AuditRows {
    fn name(&self) -> &'static str {
        "AuditLog"
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (view, columns) = (self.view.clone(), self.columns.clone());
        let pages = stream::try_unfold(Some(self.filter.clone()), move |filter| {
            let (view, columns) = (view.clone(), columns.clone());
            async move {
                let Some(filter) = filter else { return Ok(None) };
                let found = view.audit_log(filter.clone()).await;
                let found = found.map_err(|e| DataFusionError::External(Box::new(e)))?;
                let last = found.last().filter(|_| found.len() == PAGE).map(|last| last.id);
                let next = last.map(|id| AuditFilter { after: Some(id), ..filter });
                Ok(Some((batch(&found)?.project(&columns)?, next)))
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), pages)))
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
