//! `basalt sql`: runs a query and prints its result as a table, JSON, CSV or Parquet.

use std::io::{self, IsTerminal};

use serde_json::Value;

use super::args::{OutputFormat, Sql};
use super::row_writer;
use super::target::CommandTarget;
use crate::domain::{Error, Result};

/// Runs the statement, or the named query with its parameters, and writes the rows to standard output.
pub async fn run(args: Sql) -> Result<()> {
    if args.format == OutputFormat::Parquet && io::stdout().is_terminal() {
        return Err(Error::invalid("Parquet is binary: redirect it to a file with > answer.parquet"));
    }
    let target = CommandTarget::open_or_connect(&args.elsewhere, &args.place, &args.org).await?;
    let params = args.params.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    let answer = match (args.query, args.statement) {
        (Some(name), _) => target.named_query(&name, &params).await,
        (None, statement) => target.sql(&statement.unwrap_or_default()).await,
    };
    let written = match answer {
        Ok(answer) => {
            let written =
                row_writer::write_rows(&answer.schema, answer.batches, args.format.into(), io::stdout());
            written.await.map(drop)
        }
        Err(error) => Err(error),
    };
    target.close().await?;
    written
}
