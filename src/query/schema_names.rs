//! Names of the catalog that statements see, of its schemas and of its role.

/// The only catalog, which PostgreSQL calls the database.
pub const CATALOG: &str = "basalt";
/// Schema of the tables and views.
pub const SCHEMA: &str = "public";
/// Schema of PostgreSQL's system catalog, which only its own clients see.
pub const PG_CATALOG: &str = "pg_catalog";
/// Schema of the views of the SQL standard about tables and columns.
pub const INFORMATION_SCHEMA: &str = "information_schema";
/// The only role, which owns everything: every connection has it, whatever its user name.
pub const ROLE: &str = "postgres";
