//! SQL results and the query log in the schema.

use arrow::datatypes::FieldRef;
use async_graphql::{Context, Result, SimpleObject};
use serde_json::Value;

use crate::api::graphql::context::{app, caller, reservation};
use crate::api::graphql::sql_rows::{self, JsonRows};
use crate::app::sql::SqlRequest;

/// Maximum number of rows in a result; `/sql` streams larger ones.
const MAX_SQL_ROWS: usize = 100_000;

/// Complete result of an SQL statement.
#[derive(SimpleObject)]
pub struct SqlAnswer {
    /// Columns of the result in order, also present when there are no rows.
    columns: Vec<SqlColumn>,
    /// One object per row with one member per column; times are ISO-8601.
    rows: JsonRows,
    /// Number of rows in the result.
    row_count: i32,
}

/// One column of a result.
#[derive(SimpleObject)]
pub struct SqlColumn {
    /// Column name in the statement, and member name in each of `rows`.
    name: String,
    /// Arrow type of the column, such as `Float64` or `Timestamp(µs, "UTC")`.
    #[graphql(name = "type")]
    kind: String,
    /// Whether values of the column may be null.
    nullable: bool,
}

/// Runs one read-only statement.
pub async fn run(ctx: &Context<'_>, query: String, params: Value) -> Result<SqlAnswer> {
    let answer = app(ctx).statements.sql(caller(ctx), SqlRequest { query, params }).await?;
    let column = |field: &FieldRef| SqlColumn {
        name: field.name().clone(),
        kind: field.data_type().to_string(),
        nullable: field.is_nullable(),
    };
    let columns = answer.schema.fields().iter().map(column).collect();
    let rows = sql_rows::rows_as_json(answer, MAX_SQL_ROWS, reservation(ctx)).await?;
    let row_count = i32::try_from(rows.row_count()).unwrap_or(i32::MAX);
    Ok(SqlAnswer { columns, rows, row_count })
}

/// Returns the newest queries of the caller's organization, newest first, as objects with the columns of the table
/// `query_log`.
pub async fn query_log(ctx: &Context<'_>, first: usize) -> Result<JsonRows> {
    let query = "SELECT * FROM query_log ORDER BY started_at DESC LIMIT $first".to_owned();
    let params = serde_json::json!({ "first": first });
    let answer = app(ctx).statements.sql(caller(ctx), SqlRequest { query, params }).await?;
    Ok(sql_rows::rows_as_json(answer, first, reservation(ctx)).await?)
}
