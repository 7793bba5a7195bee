//! Tests that a query is divided when it runs, and not before.

use std::time::Duration;

use arrow::array::{Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::JoinType;
use datafusion::datasource::memory::MemorySourceConfig;
use futures::TryStreamExt;
use tokio::runtime::Builder;
use url::Url;

use super::task_tests::{Node, join, own_url};
use super::*;
use crate::query::guard::interrupt::{InterruptExec, InterruptWrapper, PassedRows};

/// A small table that counts the rows that are read of it.
fn table(rows_read: &Arc<PassedRows>) -> Arc<dyn ExecutionPlan> {
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int32, false)]));
    let ids = Arc::new(Int32Array::from(vec![1, 2, 3]));
    let rows = RecordBatch::try_new(schema.clone(), vec![ids]).unwrap();
    let rows = MemorySourceConfig::try_new_exec(&[vec![rows]], schema, None).unwrap();
    let wrapper = InterruptWrapper { interrupt: Arc::default(), rows: rows_read.clone() };
    Arc::new(InterruptExec::new(rows, wrapper))
}

#[test]
fn a_query_reads_nothing_and_chooses_no_node_before_it_runs() {
    let node = Node::new();
    let spread = node.engine.spread.as_ref().unwrap();
    let of_table = Arc::<PassedRows>::default();
    let run = of_table.of(0);
    let rows_read = || run.rows.load(Ordering::Relaxed);
    let plan = join(table(&of_table), JoinType::Inner, node.scan(&[]));
    let paused = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    paused.block_on(async {
        let divide = || spread.divide(&plan, &spread.template, &node.query_context());
        assert!(divide().is_none(), "it is alone");
        node.engine.set_workers(vec![own_url(), Url::parse("http://127.0.0.1:9").unwrap()]);
        // Nodes are given no tasks until the others know them.
        tokio::time::advance(Duration::from_secs(60)).await;
        let rows = divide().expect("there are two nodes");
        assert_eq!(rows_read(), 0, "it waits");
        assert_eq!(spread.totals().spread, 0);

        node.engine.set_workers(vec![own_url()]);
        let batches: Vec<RecordBatch> = rows.try_collect().await.unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
        assert_eq!(rows_read(), 3, "one node reads the table");
        assert_eq!(spread.totals().spread, 0, "the other node is gone");
    });
}
