//! SQL: the scope of each table is checked where the tables are known, in query/.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use futures::stream::BoxStream;
use serde_json::Value;

use super::App;
use crate::domain::{Principal, Result};
use crate::query::describe::{Sketch, Table};
use crate::query::engine::Question;
use crate::query::log::Surface;
use crate::query::params::{self, Params};

/// The most parameters a statement may have.
pub const MAX_PARAMETERS: usize = params::MAX_PARAMETERS;

/// A statement and its parameters: an object for `$name`, an array for `$1`, or null.
#[derive(Debug, Clone, Default)]
pub struct SqlRequest {
    pub query: String,
    pub params: Value,
}

/// The protocols of SQL tools, beside HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Postgres,
    Flight,
}

/// A statement of a tool, with a value of one row for each of `$1` and on.
#[derive(Debug, Clone)]
pub struct BoundSql {
    pub tool: Tool,
    pub query: String,
    pub values: Vec<ArrayRef>,
}

/// A statement of a tool that is to be described.
#[derive(Debug, Clone)]
pub struct PreparedSql {
    pub tool: Tool,
    pub query: String,
    /// Types of `$1` and on, where the tool says them.
    pub declared: Vec<Option<DataType>>,
}

/// What a statement would answer to parameters of these types.
#[derive(Debug, Clone)]
pub struct Described {
    pub schema: SchemaRef,
    pub params: Vec<DataType>,
}

/// A table or view that the principal may read.
#[derive(Debug, Clone)]
pub struct SqlTable {
    pub name: &'static str,
    pub schema: SchemaRef,
    pub is_view: bool,
}

/// An answer as it is computed; dropping it cancels the query.
pub struct Answer {
    pub schema: SchemaRef,
    pub batches: BoxStream<'static, Result<RecordBatch>>,
}

impl App {
    /// Runs one reading statement as the principal sees the data.
    pub async fn sql(&self, principal: &Principal, request: SqlRequest) -> Result<Answer> {
        let SqlRequest { query, params } = request;
        self.ask(principal, Question { text: query, params: Params::Json(params), surface: Surface::Sql })
            .await
    }

    /// Runs one reading statement of a tool.
    pub async fn bound_sql(&self, principal: &Principal, bound: BoundSql) -> Result<Answer> {
        let BoundSql { tool, query, values } = bound;
        let params = Params::Typed(values);
        self.ask(principal, Question { text: query, params, surface: surface(tool) }).await
    }

    async fn ask(&self, principal: &Principal, question: Question) -> Result<Answer> {
        let answer = self.engine.sql(principal, question).await?;
        Ok(Answer { schema: answer.schema, batches: answer.batches })
    }

    /// Says what a statement would answer, without running it.
    pub async fn describe_sql(&self, principal: &Principal, prepared: PreparedSql) -> Result<Described> {
        let PreparedSql { tool, query, declared } = prepared;
        let sketch = Sketch { text: query, declared, surface: surface(tool) };
        let found = self.engine.describe(principal, sketch).await?;
        Ok(Described { schema: found.schema, params: found.params })
    }

    /// The tables and views that the principal may read.
    pub fn sql_tables(&self, principal: &Principal) -> Result<Vec<SqlTable>> {
        let tables = self.engine.tables(principal)?.into_iter();
        Ok(tables.map(|Table { name, schema, is_view }| SqlTable { name, schema, is_view }).collect())
    }
}

fn surface(tool: Tool) -> Surface {
    match tool {
        Tool::Postgres => Surface::Postgres,
        Tool::Flight => Surface::Flight,
    }
}
