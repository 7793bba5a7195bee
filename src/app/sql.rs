//! SQL: the scope of each table is checked where the tables are known, in query/.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::BoxStream;
use serde_json::Value;

use super::App;
use crate::domain::{Principal, Result};

/// A statement and its parameters: an object for `$name`, an array for `$1`, or null.
#[derive(Debug, Clone, Default)]
pub struct SqlRequest {
    pub query: String,
    pub params: Value,
}

/// An answer as it is computed; dropping it cancels the query.
pub struct Answer {
    pub schema: SchemaRef,
    pub batches: BoxStream<'static, Result<RecordBatch>>,
}

impl App {
    /// Runs one reading statement as the principal sees the data.
    pub async fn sql(&self, principal: &Principal, request: SqlRequest) -> Result<Answer> {
        let answer = self.engine.sql(principal, &request.query, &request.params).await?;
        Ok(Answer { schema: answer.schema, batches: answer.batches })
    }
}
