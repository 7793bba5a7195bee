//! SQL in the graph, and the log of queries.

use async_graphql::{Context, Result, SimpleObject};
use serde_json::Value;

use crate::api::graphql::context::{app, caller, held};
use crate::api::graphql::rows;
use crate::app::sql::SqlRequest;

/// Rows of one answer: more are for `/sql`, which streams them.
const MOST_ROWS: usize = 100_000;

/// What a statement of SQL answers, whole.
#[derive(SimpleObject)]
pub struct SqlAnswer {
    /// Its columns in their order, also when there is no row.
    columns: Vec<SqlColumn>,
    /// One object for each row, with a member for each column; times as ISO-8601.
    rows: Vec<Value>,
    /// How many rows there are.
    row_count: i32,
}

/// One column of an answer.
#[derive(SimpleObject)]
pub struct SqlColumn {
    /// As the statement calls it: the name of a member in each of `rows`.
    name: String,
    /// Its Arrow type, such as `Float64` or `Timestamp(µs, "UTC")`.
    #[graphql(name = "type")]
    kind: String,
    /// Whether its values may be null.
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
    let rows = rows::objects(answer, MOST_ROWS, held(ctx)).await?;
    let row_count = i32::try_from(rows.len()).unwrap_or(i32::MAX);
    Ok(SqlAnswer { columns, rows, row_count })
}

/// The newest queries of the caller's organization, newest first, as objects with the columns of the table `query_log`.
pub async fn query_log(ctx: &Context<'_>, first: usize) -> Result<Vec<Value>> {
    let query = "SELECT * FROM query_log ORDER BY started_at DESC LIMIT $first".to_owned();
    let params = serde_json::json!({ "first": first });
    let answer = app(ctx).sql(caller(ctx), SqlRequest { query, params }).await?;
    Ok(rows::objects(answer, first, held(ctx)).await?)
}
