//! `readings(stream_id, ts, value, text, quality, seq)`: every visible reading, one row a (stream_id, ts).

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::query::scan::bounds::{self, Bounds};
use crate::query::scan::plan::ReadingsScan;
use crate::query::session::View;
use crate::store::schema;

/// Readings of one snapshot, as one principal sees them.
#[derive(Debug)]
pub struct Readings {
    view: View,
}

impl Readings {
    pub fn new(view: View) -> Self {
        Self { view }
    }

    pub fn view(&self) -> &View {
        &self.view
    }
}

#[async_trait]
impl TableProvider for Readings {
    fn schema(&self) -> SchemaRef {
        schema::readings()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |plain| match plain {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(|f| answer(bounds::is_plain(f))).collect())
    }

    /// The limit is a hint that cannot be used below the principal's filter.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let filter = match conjunction(filters.to_vec()) {
            Some(all) => Some(state.create_physical_expr(all, &DFSchema::try_from(schema::readings())?)?),
            None => None,
        };
        let scan = ReadingsScan {
            snapshot: &self.view.snapshot,
            visible: self.view.visible().clone(),
            bounds: Bounds::from_filters(filters),
            filter,
            runtime: state.runtime_env(),
            partitions: state.config().target_partitions(),
        };
        match projection {
            Some(columns) => scan.plan(columns),
            None => scan.plan(&schema::ALL),
        }
    }
}
