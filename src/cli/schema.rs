//! `basalt schema`: prints the GraphQL schema, the SQL tables and the OpenAPI description of this binary.

use super::args::SchemaSubcommand;
use super::print;
use crate::api::{graphql, openapi};
use crate::domain::{Error, Result};
use crate::query::tables::ddl;

pub fn run(schema: &SchemaSubcommand) -> Result<()> {
    match schema {
        SchemaSubcommand::Graphql => print::line(graphql::sdl().trim_end()),
        SchemaSubcommand::Openapi => print::line(openapi::text().trim_end()),
        SchemaSubcommand::Sql => {
            let text =
                ddl::print().map_err(|e| Error::internal("the tables cannot be described").with_source(e))?;
            print::line(text.trim_end())
        }
    }
}
