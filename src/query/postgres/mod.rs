//! What PostgreSQL's tools ask beside the tables: `pg_catalog`, its functions, and its ways of writing statements.
//!
//! A statement that names a table of ours is planned as it is from everywhere else, word for word. Only what asks the catalog,
//! or names no table at all (`SELECT version()`), is rewritten first (`datafusion-pg-catalog`, rewrite.rs): those rules are made
//! for the questions of tools, and leave out what they do not know.

mod catalog;
mod functions;
mod procs;
mod rewrite;
mod roles;
mod shown;

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
use datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use parking_lot::Mutex;

use super::error::from_datafusion;
use super::scopes;
use super::session::{CATALOG, PG_CATALOG, SCHEMA, View};
use crate::domain::{Error, Result};

use catalog::Completed;
use roles::Roles;
use shown::Shown;

/// Built when the first tool asks.
#[derive(Default)]
pub struct Lazy(Mutex<Option<Arc<Postgres>>>);

impl Lazy {
    /// `template` is what all sessions share.
    pub fn get(&self, template: &SessionState) -> Result<Arc<Postgres>> {
        let mut built = self.0.lock();
        if let Some(built) = &*built {
            return Ok(built.clone());
        }
        let new = Arc::new(Postgres::new(template).map_err(from_datafusion)?);
        *built = Some(new.clone());
        Ok(new)
    }
}

/// The catalog and the language of PostgreSQL's tools.
pub struct Postgres {
    template: SessionState,
    static_tables: Arc<PgCatalogStaticTables>,
    parser: PostgresCompatibilityParser,
    /// One for each set of tables that somebody may read: numbers of objects hold for as long as the process runs. What
    /// a catalog shows follows from that set alone, so principals share it. Scopes of reading allow 128 sets.
    catalogs: Mutex<HashMap<Vec<&'static str>, Arc<dyn SchemaProvider>>>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postgres")
    }
}

impl Postgres {
    fn new(template: &SessionState) -> Result<Self, DataFusionError> {
        let mut state = template.clone();
        // The library wants a catalog to put its schema into; sessions bring their own instead.
        let scratch = MemoryCatalogProviderList::new();
        scratch.register_catalog(CATALOG.to_owned(), Arc::new(MemoryCatalogProvider::new()));
        state.register_catalog_list(Arc::new(scratch));
        let context = SessionContext::new_with_state(state);
        setup_pg_catalog(&context, CATALOG, Roles).map_err(|e| *e)?;
        functions::register(&context);
        procs::register(&context);
        Ok(Self {
            template: context.state(),
            static_tables: Arc::new(PgCatalogStaticTables::try_new()?),
            parser: PostgresCompatibilityParser::new(),
            catalogs: Mutex::default(),
        })
    }

    /// A session over a view, with the catalog of what its principal may read.
    pub fn session(&self, view: &View) -> Result<SessionState> {
        let names = scopes::TABLES.iter().map(|(name, _)| *name);
        let key: Vec<_> = names.filter(|name| scopes::may_read(&view.principal, name)).collect();
        let known = self.catalogs.lock().get(&key).cloned();
        let catalog = match known {
            Some(known) => known,
            None => {
                let new = self.catalog(view).map_err(from_datafusion)?;
                // Two may have come at once: the first to be kept counts, else numbers would change.
                self.catalogs.lock().entry(key).or_insert(new).clone()
            }
        };
        Ok(view.session(&self.template, Some(catalog)))
    }

    fn catalog(&self, view: &View) -> Result<Arc<dyn SchemaProvider>, DataFusionError> {
        let shown = Shown::new(view.tables()?);
        let tables = self.static_tables.clone();
        let known = PgCatalogSchemaProvider::try_new(shown, tables, Roles)?;
        Ok(Arc::new(Completed(Arc::new(known))))
    }

    /// The statement a tool means; `plain` is how everybody else's is parsed.
    pub fn understand(
        &self,
        session: &SessionState,
        text: &str,
        plain: Result<Statement>,
    ) -> Result<Statement> {
        if let Ok(plain) = &plain {
            let tables = session.resolve_table_references(plain).map_err(from_datafusion)?;
            let is_for_catalog = match tables.is_empty() {
                true => !rewrite::has_subquery(plain),
                false => tables.iter().any(is_of_catalog) && !tables.iter().any(is_ours),
            };
            if !is_for_catalog {
                return Ok(plain.clone());
            }
        }
        let Ok(rewritten) = self.parser.parse(text) else { return plain };
        let mut statements = rewritten.into_iter();
        match (statements.next(), statements.next()) {
            (Some(mut one), None) => {
                rewrite::rewrite(&mut one);
                Ok(Statement::Statement(Box::new(one)))
            }
            (None, _) => Err(Error::field("query", "is empty")),
            (Some(_), Some(_)) => plain,
        }
    }
}

/// Whether a table is one of ours.
fn is_ours(table: &TableReference) -> bool {
    table.schema().is_none_or(|schema| schema == SCHEMA) && scopes::scope_of(table.table()).is_some()
}

/// Whether a table is one that tools ask for what there is.
fn is_of_catalog(table: &TableReference) -> bool {
    match table.schema() {
        Some(schema) => SCHEMAS[..2].contains(&schema),
        None => table.table().starts_with("pg_"),
    }
}

/// Schemas that clients list.
const SCHEMAS: [&str; 3] = [PG_CATALOG, "information_schema", SCHEMA];
