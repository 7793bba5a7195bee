//! Tests that a node runs the tasks of nodes and nothing else.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{JoinType, NullEquality, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::{FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateExprBuilder;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::prelude::SessionConfig;
use datafusion_distributed::{DistributedCodec, DistributedExt, MaybeEncoded, SetPlanRequest, TaskKey};
use datafusion_proto::bytes::physical_plan_to_bytes_with_extension_codec;
use futures::StreamExt;
use proptest::prelude::*;
use tonic::codegen::http::HeaderMap;
use url::Url;
use uuid::Uuid;

use super::guarded_window::{GuardedWindowExec, WindowGuard};
use super::inline_codec::InlineCodec;
use super::inline_join::InlineJoinExec;
use super::inline_table::InlineTable;
use super::rollup_codec::RollupCodec;
use super::scan_codec::ScanCodec;
use super::task_session::TaskHeaders;
use super::test_plans::{WindowCall, sorted, stream_id, ts};
use super::window_codec::WindowCodec;
use super::*;
use crate::domain::{OrgId, StreamId};
use crate::fuzz_store::FuzzStore;
use crate::query::Engine;
use crate::query::rollup::partials_scan::PartialsScan;
use crate::query::rollup::range_split::RangeSplit;
use crate::query::rollup::{aggregates, partial};
use crate::query::scan::bounds::Bounds;
use crate::query::scan::divisible_scan::DivisibleScan;
use crate::query::scan::readings_scan::ReadingsScan;
use crate::query::scan::row_security::VisibleStreams;
use crate::query::scan::scan_sources::ScanSources;
use crate::query::test_engine::test_engine;
use crate::store::schema;
use crate::store::statistics::time_ranges::TimeRanges;
use basalt_fuzz::rows;

/// A node over an empty lake, whose catalog has no stream.
pub(super) struct Node {
    pub(super) env: FuzzStore,
    pub(super) engine: Arc<Engine>,
}

pub(super) fn own_url() -> Url {
    Url::parse("http://127.0.0.1:1").unwrap()
}

impl Node {
    pub(super) fn new() -> Node {
        let env = FuzzStore::open();
        let options = SpreadOptions {
            is_enabled: true,
            min_rows: 0,
            own_url: own_url(),
            secret: "a-secret-of-tests-0123456789abcdef".to_owned(),
            ca: None,
        };
        let engine = test_engine(&env, Some(options));
        Node { env, engine }
    }

    /// Context of a query of the node's organization.
    pub(super) fn query_context(&self) -> QueryContext {
        let tracker = self.engine.start_tracking(&self.env.owner, crate::query::log::Surface::Sql, None);
        QueryContext::for_planning(&self.engine.services, &self.env.owner, tracker)
    }

    /// A scan of these streams without rows, as the plan of a query has it.
    pub(super) fn scan(&self, streams: &[i32]) -> Arc<dyn ExecutionPlan> {
        self.scan_of(streams, ScanSources::default())
    }

    /// A scan of these streams in files and runs.
    pub(super) fn scan_of(&self, streams: &[i32], sources: ScanSources) -> Arc<dyn ExecutionPlan> {
        let query_context = self.query_context();
        let visible = Arc::new(VisibleStreams::new(streams.iter().copied().map(StreamId).collect()));
        let scan =
            ReadingsScan { query_context, visible, bounds: Bounds::default(), filter: None, partitions: 2 };
        let scan = DivisibleScan::new(scan, vec![schema::STREAM_ID, schema::TS], sources);
        Arc::new(scan.unwrap().into_exec())
    }

    /// A rollup of these streams.
    fn rollup(&self, streams: &[i32]) -> Arc<dyn ExecutionPlan> {
        self.rollup_of(streams, 60_000_000)
    }

    /// A rollup of the raw readings of a minute, which begins at `start`, and of the statistics of the minute before it.
    pub(super) fn rollup_of(&self, streams: &[i32], start: i64) -> Arc<dyn ExecutionPlan> {
        let query_context = self.query_context();
        let split = |stream: &i32| {
            Arc::new(RangeSplit {
                stream: *stream,
                hours: TimeRanges::default(),
                computed: TimeRanges::new(vec![(start - 60_000_000, start)]),
                raw: TimeRanges::new(vec![(start, start + 60_000_000)]),
                visible_from: i64::MIN,
            })
        };
        let splits = streams.iter().map(split).collect();
        let columns = vec![partial::STREAM_ID, partial::TS, partial::COUNT, partial::MEAN];
        Arc::new(PartialsScan::new(&query_context, splits, None, columns, 2).unwrap().into_exec())
    }

    /// Guard of windows here.
    pub(super) fn window_guard(&self) -> WindowGuard {
        WindowGuard { interrupt: Arc::default(), threads: self.engine.task_threads().clone() }
    }

    /// A window over rows in order, as a plan that is divided has it.
    pub(super) fn window(&self, call: WindowCall, rows: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let window = call.over(sorted(rows, [stream_id(), ts()]));
        Arc::new(GuardedWindowExec::try_new(window, self.window_guard()).unwrap())
    }

    pub(super) fn headers(&self) -> HeaderMap {
        TaskHeaders { query: Uuid::new_v4(), org: self.env.owner.org, catalog: None }.to_headers()
    }

    /// Sends a plan as another node would, and returns why it was refused.
    pub(super) fn refusal(&self, headers: HeaderMap, plan: Vec<u8>) -> Option<String> {
        let request = SetPlanRequest {
            task_key: TaskKey { query_id: Uuid::new_v4(), stage_id: 1, task_number: 0 },
            task_count: 1,
            plan: MaybeEncoded::Encoded(plan),
            work_unit_feed_declarations: Vec::new(),
            target_worker_url: own_url(),
            query_start_time_ns: 0,
        };
        let worker = &self.engine.spread().unwrap().worker;
        let calling = worker.coordinator_channel(headers, request, futures::stream::empty().boxed());
        self.env.runtime.block_on(calling).err().map(|error| error.to_string())
    }
}

pub(super) fn encode(plan: Arc<dyn ExecutionPlan>) -> Vec<u8> {
    let mut config = SessionConfig::new();
    config.set_distributed_user_codec(ScanCodec::for_sending());
    config.set_distributed_user_codec(RollupCodec::for_sending());
    config.set_distributed_user_codec(InlineCodec::for_sending());
    config.set_distributed_user_codec(WindowCodec::for_sending());
    let codec = DistributedCodec::new_combined_with_user(&config);
    physical_plan_to_bytes_with_extension_codec(plan, &codec).unwrap().to_vec()
}

/// The mean of a rollup, as a plan has it: by an aggregate that no query can call.
fn mean(rollup: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let all = aggregates::all();
    let mean = all.iter().find(|aggregate| aggregate.name() == "merged_mean").unwrap();
    let args: Vec<Arc<dyn PhysicalExpr>> =
        vec![Arc::new(Column::new("count", 2)), Arc::new(Column::new("mean", 3))];
    let schema = rollup.schema();
    let mean = AggregateExprBuilder::new(mean.clone(), args).schema(schema.clone()).alias("mean");
    let (group, mean) = (PhysicalGroupBy::default(), vec![Arc::new(mean.build().unwrap())]);
    let partial = AggregateExec::try_new(AggregateMode::Partial, group, mean, vec![None], rollup, schema);
    Arc::new(partial.unwrap())
}

fn file_scan() -> Arc<dyn ExecutionPlan> {
    let source = Arc::new(ParquetSource::new(schema::readings()));
    let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
        .with_file(PartitionedFile::new("/etc/passwd", 100));
    DataSourceExec::from_data_source(config.build())
}

/// An empty table that travels.
fn table() -> Arc<dyn ExecutionPlan> {
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int32, false)]));
    Arc::new(InlineTable::new(RecordBatch::new_empty(schema)).into_exec())
}

/// A join by the first column of the other side.
pub(super) fn join(
    table: Arc<dyn ExecutionPlan>,
    kind: JoinType,
    streamed: Arc<dyn ExecutionPlan>,
) -> Arc<dyn ExecutionPlan> {
    let key = |side: &Arc<dyn ExecutionPlan>| -> Arc<dyn PhysicalExpr> {
        Arc::new(Column::new(side.schema().field(0).name(), 0))
    };
    let on = vec![(key(&table), key(&streamed))];
    let (mode, equality) = (PartitionMode::CollectLeft, NullEquality::NullEqualsNothing);
    let join = HashJoinExec::try_new(table, streamed, on, None, &kind, None, mode, equality, false);
    Arc::new(join.unwrap())
}

#[test]
fn a_task_of_another_node_is_taken() {
    let node = Node::new();
    let sent = join(table(), JoinType::Inner, node.scan(&[]));
    let inlined = InlineJoinExec::try_new(&sent, table(), node.scan(&[])).unwrap();
    let window = node.window(WindowCall::of("lag"), node.scan(&[]));
    let plans: [Arc<dyn ExecutionPlan>; 5] =
        [node.scan(&[]), Arc::new(inlined), node.rollup(&[]), mean(node.rollup(&[])), window];
    for plan in plans {
        assert_eq!(node.refusal(node.headers(), encode(plan)), None);
    }
}

#[test]
fn a_plan_of_a_stranger_is_refused() {
    let node = Node::new();
    let never = Arc::new(Literal::new(ScalarValue::Boolean(Some(false))));
    let rows = MemorySourceConfig::try_new_exec(&[Vec::new()], schema::readings(), None).unwrap();
    let plans: [(&str, Arc<dyn ExecutionPlan>, &str); 10] = rows![
        "a file of this machine", file_scan(), "`DataSourceExec` is no operator of a task";
        "a file below a filter", Arc::new(FilterExec::try_new(never, file_scan()).unwrap()),
            "`DataSourceExec` is no operator of a task";
        "rows of its own", rows, "`DataSourceExec` is no operator of a task";
        "an operator that no task has", Arc::new(PlaceholderRowExec::new(schema::readings())),
            "`PlaceholderRowExec` is no operator of a task";
        "a stream of others", node.scan(&[3]), "the stream 3 is not of this organization";
        "a file that is joined", join(table(), JoinType::Inner, file_scan()),
            "`DataSourceExec` is no operator of a task";
        "a file in the place of a table", join(file_scan(), JoinType::Inner, node.scan(&[])),
            "`HashJoinExec` is no operator of a task";
        "a join that returns rows of the table", join(table(), JoinType::Left, node.scan(&[])),
            "`HashJoinExec` is no operator of a task";
        "a stream of others that is joined", join(table(), JoinType::Inner, node.scan(&[3])),
            "the stream 3 is not of this organization";
        "a rollup of others", node.rollup(&[3]), "the stream 3 is not of this organization";
    ];
    for (name, plan, expected) in plans {
        let refusal = node.refusal(node.headers(), encode(plan)).expect(name);
        assert!(refusal.contains(expected), "{name}: {refusal}");
    }
}

#[test]
fn a_window_of_a_stranger_is_refused() {
    let node = Node::new();
    let lag = || WindowCall::of("lag");
    let plans = [
        ("without guards", lag().over(node.scan(&[])), "`BoundedWindowAggExec` is no operator of a task"),
        ("over a file", node.window(lag(), file_scan()), "`DataSourceExec` is no operator of a task"),
        (
            "over a stream of others",
            node.window(lag(), node.scan(&[3])),
            "the stream 3 is not of this organization",
        ),
    ];
    for (name, plan, expected) in plans {
        let refusal = node.refusal(node.headers(), encode(plan)).expect(name);
        assert!(refusal.contains(expected), "{name}: {refusal}");
    }
}

#[test]
fn a_task_says_whose_query_it_is_of() {
    let node = Node::new();
    let plan = encode(node.scan(&[]));
    let refusal = node.refusal(HeaderMap::new(), plan.clone()).expect("no headers");
    assert!(refusal.contains("basalt-query"), "{refusal}");
    let spread = node.engine.spread().unwrap();
    let query = Uuid::new_v4();
    let _task_of_others = spread.trackers.of(query, OrgId(77));
    let headers = TaskHeaders { query, org: node.env.owner.org, catalog: None }.to_headers();
    let refusal = node.refusal(headers, plan).expect("two organizations in one query");
    assert!(refusal.contains("another organization"), "{refusal}");
}

#[test]
fn a_node_calls_nodes_only() {
    let node = Node::new();
    let spread = node.engine.spread().unwrap();
    let evil = Url::parse("http://127.0.0.1:9").unwrap();
    let _inside = node.env.runtime.enter();
    assert!(spread.channels.channel(&evil).is_err());
    node.engine.set_workers(vec![own_url(), evil.clone()]);
    assert!(spread.channels.channel(&evil).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Changed and cut plans are refused, or are tasks; nothing panics.
    #[test]
    fn changed_plans_do_no_harm(
        place in any::<prop::sample::Index>(), byte in any::<u8>(), end in any::<prop::sample::Index>()
    ) {
        thread_local!(static NODE: (Node, Vec<u8>) = {
            let node = Node::new();
            let projected = datafusion::physical_plan::projection::ProjectionExec::try_new(
                [(Arc::new(Column::new("ts", 1)) as _, "ts".to_owned())], node.scan(&[]),
            );
            let plan = encode(Arc::new(projected.unwrap()));
            (node, plan)
        });
        NODE.with(|(node, plan)| {
            let mut changed = plan.clone();
            let place = place.index(changed.len());
            changed[place] = byte;
            drop(node.refusal(node.headers(), changed));
            drop(node.refusal(node.headers(), plan[..end.index(plan.len())].to_vec()));
        });
    }
}
