//! SQL in the graph, and the log of queries.

use async_graphql::{Context, Result, SimpleObject};
use serde_json::Value;

use crate::api::graphql::context::{app, caller};
use crate::api::output;
use crate::app::sql::SqlRequest;

/// Rows of one answer: more are for `/sql`, which streams them.
const MOST_ROWS: usize = 100_000;

/// The answer to a statement.
#[derive(SimpleObject)]
pub struct SqlAnswer {
    columns: Vec<SqlColumn>,
    /// Objects with a member for each column.
    rows: Vec<Value>,
    row_count: i32,
}

/// A column of an answer.
#[derive(SimpleObject)]
pub struct SqlColumn {
    name: String,
    /// Its Arrow type.
    #[graphql(name = "type")]
    kind: String,
    nullable: bool,
}

/// Runs one reading statement.
pub async fn run(ctx: &Context<'_>, query: String, params: Value) -> Result<SqlAnswer> {
    let answer = app(ctx).sql(caller(ctx), SqlRequest { query, params }).await?;
    let column = |field: &std::sync::Arc<arrow::datatypes::Field>| SqlColumn {
        name: field.name().clone(),
        kind: field.data_type().to_string(),
        nullable: field.is_nullable(),
    };
    let columns = answer.schema.fields().iter().map(column).collect();
    let rows = output::objects(answer, MOST_ROWS).await?;
    let row_count = i32::try_from(rows.len()).unwrap_or(i32::MAX);
    Ok(SqlAnswer { columns, rows, row_count })
}

/// The newest queries of the caller's organization, newest first, as objects with the columns of the table `query_log`.
pub async fn query_log(ctx: &Context<'_>, first: usize) -> Result<Vec<Value>> {
    let query = "SELECT * FROM query_log ORDER BY started_at DESC LIMIT $first".to_owned();
    let params = serde_json::json!({ "first": first });
    let answer = app(ctx).sql(caller(ctx), SqlRequest { query, params }).await?;
    Ok(output::objects(answer, first).await?)
}
