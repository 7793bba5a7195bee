//! PostgreSQL compatibility: `pg_catalog`, its functions, and the syntax that PostgreSQL clients use.
//!
//! A statement that names a table of ours is planned unchanged, as from any other interface. Only statements that query
//! the catalog or name no table at all (`SELECT version()`) are rewritten first (catalog_syntax.rs, rewrite.rs): those rules are
//! made for the queries of tools, and drop syntax that they do not know. All are parsed by our own parser.

mod catalog_info;
mod catalog_syntax;
mod driver_syntax;
mod empty_tables;
mod extended_catalog;
mod functions;
mod object_names;
mod pg_proc;
mod privileges;
mod rewrite;
mod roles;
mod setting_functions;
pub mod settings;
pub mod settings_option;
mod statement_notes;
mod syntax;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, SchemaProvider,
};
use datafusion::common::TableReference;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionState;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion_pg_catalog::pg_catalog::{PgCatalogSchemaProvider, PgCatalogStaticTables, setup_pg_catalog};
use parking_lot::Mutex;

use super::context::QueryContext;
use super::error::from_datafusion;
use super::principal_catalog::PrincipalCatalog;
use super::schema_names::{CATALOG, INFORMATION_SCHEMA, PG_CATALOG, SCHEMA};
use super::scopes::QueryTable;
use crate::domain::Result;

use catalog_info::PrincipalCatalogInfo;
use catalog_syntax::CatalogSyntax;
use extended_catalog::ExtendedPgCatalog;
use roles::Roles;
pub use statement_notes::StatementNotes;

/// Built on the first PostgreSQL query.
#[derive(Default)]
pub struct LazyPostgresCompat(Mutex<Option<Arc<PostgresCompat>>>);

impl LazyPostgresCompat {
    /// Returns the instance, built from the shared session `template` on first use.
    pub fn get(&self, template: &SessionState) -> Result<Arc<PostgresCompat>> {
        let mut built = self.0.lock();
        if let Some(built) = &*built {
            return Ok(built.clone());
        }
        let new = Arc::new(PostgresCompat::new(template).map_err(from_datafusion)?);
        *built = Some(new.clone());
        Ok(new)
    }
}

/// Catalog and syntax for PostgreSQL clients.
pub struct PostgresCompat {
    template: SessionState,
    static_tables: Arc<PgCatalogStaticTables>,
    syntax: CatalogSyntax,
    /// One catalog for each set of readable tables, because object ids must be stable for the life of the process. The
    /// contents depend on that set alone, so principals share a catalog. The read scopes allow 128 sets.
    catalogs: Mutex<HashMap<Vec<&'static str>, Arc<dyn SchemaProvider>>>,
}

impl fmt::Debug for PostgresCompat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postgres")
    }
}

impl PostgresCompat {
    fn new(template: &SessionState) -> Result<Self, DataFusionError> {
        let mut state = template.clone();
        // The library needs a catalog to add its schema to; sessions use their own instead.
        let scratch = MemoryCatalogProviderList::new();
        scratch.register_catalog(CATALOG.to_owned(), Arc::new(MemoryCatalogProvider::new()));
        state.register_catalog_list(Arc::new(scratch));
        let context = SessionContext::new_with_state(state);
        setup_pg_catalog(&context, CATALOG, Roles).map_err(|e| *e)?;
        functions::register(&context);
        pg_proc::register(&context);
        Ok(Self {
            template: context.state(),
            static_tables: Arc::new(PgCatalogStaticTables::try_new()?),
            syntax: CatalogSyntax::new(),
            catalogs: Mutex::default(),
        })
    }

    /// Creates a session over a context, with the catalog of the tables that its principal may read.
    pub fn session(&self, query_context: &QueryContext) -> Result<SessionState> {
        let readable = QueryTable::readable_by(&query_context.principal);
        let key: Vec<_> = readable.map(QueryTable::name).collect();
        let known = self.catalogs.lock().get(&key).cloned();
        let catalog = match known {
            Some(known) => known,
            None => {
                let new = self.catalog(query_context).map_err(from_datafusion)?;
                // Two requests may race: the first one stored wins, otherwise object ids would change.
                self.catalogs.lock().entry(key).or_insert(new).clone()
            }
        };
        Ok(PrincipalCatalog::new(query_context).with_pg_catalog(catalog).into_session(&self.template))
    }

    fn catalog(&self, query_context: &QueryContext) -> Result<Arc<dyn SchemaProvider>, DataFusionError> {
        let shown = PrincipalCatalogInfo::new(PrincipalCatalog::new(query_context).tables()?);
        let tables = self.static_tables.clone();
        let known = PgCatalogSchemaProvider::try_new(shown, tables, Roles)?;
        Ok(Arc::new(ExtendedPgCatalog(Arc::new(known))))
    }

    /// Rewrites the parsed statement of a PostgreSQL client, and returns it with what the client is told of it; `plain` is the result
    /// of our parser.
    pub fn rewrite_statement(
        &self,
        session: &SessionState,
        text: &str,
        plain: Result<Statement>,
    ) -> Result<(Statement, StatementNotes)> {
        let mut statement = match plain {
            Ok(statement) => statement,
            Err(error) => {
                return Ok((self.syntax.statement_without_rows(text, error)?, StatementNotes::default()));
            }
        };
        let notes = StatementNotes::of(&statement);
        let tables = session.resolve_table_references(&statement).map_err(from_datafusion)?;
        let is_for_catalog = match tables.is_empty() {
            true => !rewrite::has_subquery(&statement),
            false => tables.iter().any(is_catalog_table) && !tables.iter().any(is_ours),
        };
        if is_for_catalog {
            self.syntax.rewrite(&mut statement, text, !tables.is_empty());
        }
        Ok((statement, notes))
    }
}

/// Whether the table is one of ours.
fn is_ours(table: &TableReference) -> bool {
    table.schema().is_none_or(|schema| schema == SCHEMA) && QueryTable::from_name(table.table()).is_some()
}

/// Whether the table is part of a system catalog.
fn is_catalog_table(table: &TableReference) -> bool {
    match table.schema() {
        Some(schema) => SCHEMAS[..2].contains(&schema),
        None => table.table().starts_with("pg_"),
    }
}

/// Schemas that clients list.
const SCHEMAS: [&str; 3] = [PG_CATALOG, INFORMATION_SCHEMA, SCHEMA];
