//! `basalt sql`: a question, its answer as a table, JSON, CSV or Parquet.

use std::io::{self, IsTerminal};

use serde_json::Value;

use super::args::{Format, Sql};
use super::door::Door;
use super::rows;
use crate::domain::{Error, Result};

pub async fn run(args: Sql) -> Result<()> {
    if args.format == Format::Parquet && io::stdout().is_terminal() {
        return Err(Error::invalid("Parquet is not for the eye: send it to a file with > answer.parquet"));
    }
    let door = Door::open_or_elsewhere(&args.elsewhere, &args.place, &args.org).await?;
    let params = args.params.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    let answer = match (args.query, args.statement) {
        (Some(name), _) => door.named_query(&name, &params).await,
        (None, statement) => door.sql(&statement.unwrap_or_default()).await,
    };
    let written = match answer {
        Ok(answer) => {
            let written = rows::write(&answer.schema, answer.batches, args.format.into(), io::stdout());
            written.await.map(drop)
        }
        Err(error) => Err(error),
    };
    door.close().await?;
    written
}
