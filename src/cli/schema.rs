//! `basalt schema`: the graph, the tables /sql answers from, and the REST API, as the binary has them.

use super::args::Schema;
use super::print;
use crate::api::{graphql, openapi};
use crate::domain::{Error, Result};
use crate::query::tables::ddl;

pub fn run(schema: &Schema) -> Result<()> {
    match schema {
        Schema::Graphql => print::line(graphql::sdl().trim_end()),
        Schema::Openapi => print::line(openapi::text().trim_end()),
        Schema::Sql => {
            let text =
                ddl::print().map_err(|e| Error::internal("the tables cannot be described").because(e))?;
            print::line(text.trim_end())
        }
    }
}
