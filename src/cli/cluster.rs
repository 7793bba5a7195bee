//! `basalt cluster status`.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use futures::TryStreamExt;

use super::args::{ClusterSubcommand, OrgArgs};
use super::print;
use super::target::CommandTarget;
use crate::domain::{Error, Result};

/// One row for each node, of texts and a time.
const NODES: &str = "\
    SELECT role, coalesce(url, '-') AS url, version, \
    CASE WHEN running THEN 'running' ELSE \
    'silent for ' || CAST(greatest(to_unixtime(now()) - to_unixtime(renewed_at), 0) AS varchar) || 's' END AS state, \
    date_trunc('second', started_at) AS started \
    FROM nodes ORDER BY role, started_at, node_id";
const NODES_HEADER: [&str; 5] = ["ROLE", "URL", "VERSION", "STATE", "STARTED"];
/// One row for each shard.
const SHARDS: &str = "\
    SELECT shard, coalesce(owner, '-') AS owner, coalesce(CAST(epoch AS varchar), '-') AS epoch, \
    seq, flushed_seq, lake_version FROM shards ORDER BY shard";
const SHARDS_HEADER: [&str; 6] = ["SHARD", "OWNER", "EPOCH", "SEQ", "FLUSHED SEQ", "LAKE VERSION"];

const NO_NODES: &str =
    "no nodes: this server belongs to no cluster (cluster.listen is not set), or no node of it runs";
const NO_VISIBLE_NODES: &str = "no nodes: the server belongs to no cluster, or this key may not see its nodes, which an \
                                unrestricted key of the default organization may";

/// Prints the nodes and the shards of the cluster, or why no node can be seen.
pub async fn run(command: ClusterSubcommand) -> Result<()> {
    let ClusterSubcommand::Status { elsewhere, place } = command;
    let target = CommandTarget::open_or_connect(&elsewhere, &place, &OrgArgs { org: None }).await?;
    let is_limited = matches!(target, CommandTarget::RemoteServer(_));
    let nodes = read_rows::<5>(&target, NODES).await;
    let shards = read_rows::<6>(&target, SHARDS).await;
    target.close().await?;
    let nodes = nodes?;
    if nodes.is_empty() {
        return print::line(if is_limited { NO_VISIBLE_NODES } else { NO_NODES });
    }
    print::table(NODES_HEADER, &nodes)?;
    print::line("")?;
    // A server that has lost the lake refuses them, and still lists the nodes.
    print::table(SHARDS_HEADER, &shards?)
}

async fn read_rows<const N: usize>(target: &CommandTarget, query: &str) -> Result<Vec<[String; N]>> {
    let batches: Vec<RecordBatch> = target.sql(query).await?.batches.try_collect().await?;
    let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| to_cells(batch, row)));
    let rows: std::result::Result<Vec<_>, ArrowError> = rows.collect();
    rows.map_err(|e| Error::internal("the server answered other columns").with_source(e))
}

fn to_cells<const N: usize>(batch: &RecordBatch, row: usize) -> std::result::Result<[String; N], ArrowError> {
    let mut cells = [const { String::new() }; N];
    for (cell, column) in cells.iter_mut().zip(batch.columns()) {
        *cell = array_value_to_string(column, row)?;
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn a_node_is_a_line() {
        let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
        let started = TimestampMicrosecondArray::from(vec![1_777_377_600_000_000]).with_timezone("UTC");
        let started: ArrayRef = Arc::new(started);
        let batch = RecordBatch::try_from_iter([
            ("role", text("query")),
            ("url", text("http://127.0.0.1:8002/")),
            ("version", text("1.2.3")),
            ("state", text("silent for 12s")),
            ("started", started),
        ]);
        let cells: [String; 5] =
            to_cells(&batch.expect("columns of one length"), 0).expect("texts and a time");
        let expected = ["query", "http://127.0.0.1:8002/", "1.2.3", "silent for 12s", "2026-04-28T12:00:00Z"];
        assert_eq!(cells, expected);
    }
}
