//! `basalt schema`: prints the GraphQL schema, the SQL tables and the OpenAPI description of this binary.

use std::borrow::Cow;

use super::args::SchemaSubcommand;
use super::print;
use crate::api::{self, graphql, openapi};
use crate::domain::{Error, Result};
use crate::query::tables::ddl;

/// Prints one of the descriptions, with neither configuration nor data directory.
pub fn run(schema: &SchemaSubcommand) -> Result<()> {
    match schema {
        SchemaSubcommand::Graphql => print::line(graphql::sdl().trim_end()),
        SchemaSubcommand::Openapi { api: None } => print::line(openapi::text().trim_end()),
        SchemaSubcommand::Openapi { api: Some(name) } => print::line(vendor_document(name)?.trim_end()),
        SchemaSubcommand::Sql => {
            let text =
                ddl::print().map_err(|e| Error::internal("the tables cannot be described").with_source(e))?;
            print::line(text.trim_end())
        }
    }
}

/// Returns the OpenAPI document of another vendor's API.
fn vendor_document(name: &str) -> Result<Cow<'static, str>> {
    let found = api::VENDOR_APIS.iter().find(|known| known.name == name);
    found.map(|known| (known.document)()).ok_or_else(|| {
        let names: Vec<_> = api::VENDOR_APIS.iter().map(|known| known.name).collect();
        Error::invalid(format!("`{name}` is not one of {}", names.join(", ")))
    })
}
