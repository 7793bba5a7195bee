//! Names of the catalog that statements see, and of its schemas.

pub const CATALOG: &str = "basalt";
/// Schema of the tables and views.
pub const SCHEMA: &str = "public";
pub const PG_CATALOG: &str = "pg_catalog";
pub const INFORMATION_SCHEMA: &str = "information_schema";
