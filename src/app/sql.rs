//! SQL statements and their schemas. Scopes are checked per table in `query`, where the tables are known.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use futures::stream::BoxStream;
use serde_json::Value;

use super::audit::AuditLog;
use super::core_parts::CoreParts;
use crate::domain::ports::ConnectionSettings;
use crate::domain::{Clock, Principal, Result};
use crate::query::Engine;
use crate::query::describe::DescribeRequest;
use crate::query::engine::StatementRequest;
use crate::query::error::from_datafusion;
use crate::query::log::Surface;
use crate::query::named::NamedQueries;
use crate::query::params::{self, Params};
use crate::query::postgres::{settings, settings_option};
use crate::query::principal_catalog::TableInfo;
use crate::query::semantics::time_literal::{self, TimeKind};
use crate::query::semantics::{array_text, literals, text, uuid_text};

/// Maximum parameters of a statement.
pub const MAX_PARAMETERS: usize = params::MAX_PARAMETERS;

/// Settings of PostgreSQL's protocol that describe what the server does, and never change, with their values.
pub const FIXED_SETTINGS: &[(&str, &str)] = &settings::FIXED_SETTINGS;

/// Setting of PostgreSQL's protocol, `on` or `off`: whether aggregates of readings use statistics.
pub const ROLLUP_SETTING: &str = settings_option::ROLLUP_SETTING;

/// Whether values of a type are shown as texts of PostgreSQL's that differ from arrow's.
pub fn has_value_text(data_type: &DataType) -> bool {
    text::has_own_text(data_type)
}

/// Returns the texts that PostgreSQL shows for the values of such a column, which are also those that a cast to text gives.
///
/// # Errors
/// `Invalid` for a time that does not fit in microseconds, or a span of more days than an interval has.
pub fn value_texts(column: &ArrayRef) -> Result<ArrayRef> {
    text::texts(column).map_err(from_datafusion)
}

/// Returns the texts that PostgreSQL shows for the values of a column of arrays.
///
/// # Errors
/// `Invalid` for a time that does not fit in microseconds, or a span of more days than an interval has.
pub fn array_texts(lists: &ListArray) -> Result<ArrayRef> {
    array_text::texts(lists).map_err(from_datafusion)
}

/// Returns a UUID in the form that tables have, from any form that PostgreSQL reads; `None` for other texts.
pub fn canonical_uuid(text: &str) -> Option<String> {
    uuid_text::canonical(text)
}

/// Returns a text in a form that arrow casts to the type with PostgreSQL's meaning, where the type is one of times or intervals; `None`
/// for a time that arrow reads with another meaning.
pub fn readable_time<'a>(text: &'a str, data_type: &DataType) -> Option<Cow<'a, str>> {
    let kind = match data_type {
        DataType::Timestamp(_, Some(_)) => TimeKind::Instant,
        DataType::Timestamp(_, None) => TimeKind::Local,
        DataType::Date32 => TimeKind::Date,
        DataType::Interval(_) => {
            return Some(literals::interval(text).map_or(Cow::Borrowed(text), Cow::Owned));
        }
        _ => return Some(Cow::Borrowed(text)),
    };
    if time_literal::is_misread(text) {
        return None;
    }
    Some(time_literal::readable(text, kind).map_or(Cow::Borrowed(text), Cow::Owned))
}

/// A statement and its parameters: an object for `$name`, an array for `$1`, or null.
#[derive(Debug, Clone, Default)]
pub struct SqlRequest {
    pub query: String,
    pub params: Value,
}

/// SQL protocols other than HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlProtocol {
    Postgres,
    Flight,
}

/// A statement from an SQL protocol, with a one-row array for each of `$1`, `$2`, and so on.
#[derive(Debug, Clone)]
pub struct BoundStatement {
    pub protocol: SqlProtocol,
    pub query: String,
    pub values: Vec<ArrayRef>,
    /// Settings of the connection; `None` where the protocol has none.
    pub settings: Option<Arc<dyn ConnectionSettings>>,
}

/// A statement from an SQL protocol that is to be described.
#[derive(Debug, Clone)]
pub struct PreparedSql {
    pub protocol: SqlProtocol,
    pub query: String,
    /// Types of `$1`, `$2`, and so on, where the client declares them.
    pub declared: Vec<Option<DataType>>,
    /// Values of `$1`, `$2`, and so on, where they are bound; empty otherwise.
    pub values: Vec<ArrayRef>,
}

/// The result schema of a statement, and the types of its parameters.
#[derive(Debug, Clone)]
pub struct StatementSchema {
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

/// A result as it is computed; dropping it cancels the query.
pub struct SqlResult {
    pub schema: SchemaRef,
    pub batches: BoxStream<'static, Result<RecordBatch>>,
}

/// SQL statements: run, described, listed while they run and cancelled.
pub struct Statements {
    pub(super) engine: Arc<Engine>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) queries: Arc<NamedQueries>,
    pub(super) audit: Arc<AuditLog>,
}

impl Statements {
    pub(super) fn new(parts: &CoreParts, queries: Arc<NamedQueries>, audit: Arc<AuditLog>) -> Self {
        Self { engine: parts.engine.clone(), clock: parts.clock.clone(), queries, audit }
    }

    /// Runs one read-only statement over the rows that the principal may see.
    pub async fn sql(&self, principal: &Principal, request: SqlRequest) -> Result<SqlResult> {
        let SqlRequest { query, params } = request;
        let params = Params::Json(params);
        let request = StatementRequest { text: query, params, surface: Surface::Sql, settings: None };
        self.run_statement(principal, request).await
    }

    /// Runs one read-only statement from an SQL protocol.
    pub async fn bound_sql(&self, principal: &Principal, bound: BoundStatement) -> Result<SqlResult> {
        let BoundStatement { protocol, query, values, settings } = bound;
        let (params, surface) = (Params::Typed(values), surface(protocol));
        self.run_statement(principal, StatementRequest { text: query, params, surface, settings }).await
    }

    async fn run_statement(&self, principal: &Principal, request: StatementRequest) -> Result<SqlResult> {
        let answer = self.engine.sql(principal, request).await?;
        Ok(SqlResult { schema: answer.schema, batches: answer.batches })
    }

    /// Returns the schema of a statement's result without running it.
    pub async fn describe_sql(
        &self,
        principal: &Principal,
        prepared: PreparedSql,
    ) -> Result<StatementSchema> {
        let PreparedSql { protocol, query, declared, values } = prepared;
        let bound = Params::Typed(values);
        let request = DescribeRequest { text: query, declared, bound, surface: surface(protocol) };
        let found = self.engine.describe(principal, request).await?;
        Ok(StatementSchema { schema: found.schema, params: found.params })
    }

    /// Returns the tables and views that the principal may read.
    pub fn sql_tables(&self, principal: &Principal) -> Result<Vec<SqlTable>> {
        let tables = self.engine.tables(principal)?.into_iter();
        Ok(tables.map(|TableInfo { name, schema, is_view }| SqlTable { name, schema, is_view }).collect())
    }
}

fn surface(protocol: SqlProtocol) -> Surface {
    match protocol {
        SqlProtocol::Postgres => Surface::Postgres,
        SqlProtocol::Flight => Surface::Flight,
    }
}
