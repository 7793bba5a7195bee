//! Tests that no change of a task's bytes makes it panic or read rows of another organization.

use std::collections::BTreeSet;

use arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::common::JoinType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::collect;
use datafusion::prelude::SessionConfig;
use datafusion_distributed::{DistributedCodec, DistributedExt};
use datafusion_proto::bytes::physical_plan_from_bytes_with_extension_codec;
use datafusion_proto::physical_plan::ComposedPhysicalExtensionCodec;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::inline_codec::InlineCodec;
use super::inline_join::InlineJoinExec;
use super::inline_table::InlineTable;
use super::rollup_codec::RollupCodec;
use super::scan_codec::ScanCodec;
use super::task_tests::{Node, encode, join};
use super::test_plans::WindowCall;
use super::window_codec::WindowCodec;
use super::*;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::StreamSpec;
use crate::domain::{Micros, Principal, StreamId};
use crate::query::rollup::partials_scan::PartialsExec;
use crate::query::scan::divisible_scan::DivisibleScanExec;
use crate::query::scan::file_scan::FilePartition;
use crate::query::scan::scan_sources::{MergedDay, ScanSources};
use crate::store::memtable::run::Run;

/// Random changes of each task, besides each byte raised by one.
const CHANGES: usize = 200;
const SEED: u64 = 1;
/// 2020-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_577_836_800_000_000;

/// Streams of the node's organization and, with ids between them, of another one; their rows are in one file.
struct Streams {
    own: BTreeSet<i32>,
    foreign: BTreeSet<i32>,
}

impl Streams {
    fn create(node: &Node) -> Streams {
        let store = &node.env.store;
        node.env.runtime.block_on(async {
            let catalog = store.catalog();
            let owner = &node.env.owner;
            let other = Principal::system(catalog.orgs.create_org(owner, "other", "Other").await.unwrap().id);
            let mut streams = Streams { own: BTreeSet::new(), foreign: BTreeSet::new() };
            for (who, name) in [(owner, "a"), (&other, "b"), (owner, "c"), (&other, "d")] {
                let device = DeviceSpec::new(name, Protocol::Virtual);
                let device = catalog.devices.create_device(who, device).await.unwrap().id;
                let stream =
                    catalog.streams.create_stream(who, StreamSpec::new(name, device)).await.unwrap().id;
                let rows = (0..9).map(|second| {
                    Reading::good(stream, Micros(NEW_YEAR + second * 1_000_000), f64::from(stream.0))
                });
                store.write(who, rows.collect()).await.unwrap();
                let ids = if who.org == owner.org { &mut streams.own } else { &mut streams.foreign };
                ids.insert(stream.0);
            }
            store.flush().await.unwrap();
            streams
        })
    }

    /// The ids of both, ascending.
    fn all(&self) -> impl Iterator<Item = i32> {
        self.own.union(&self.foreign).copied()
    }

    /// A reading of each in memory.
    fn run(&self) -> Run {
        let row = |id| Reading::good(StreamId(id), Micros(NEW_YEAR + 9_000_000), 0.0);
        Run::new(self.all().map(row).collect::<Readings>(), 9)
    }

    /// The ids of both as a table, which is joined with a scan of the own ones.
    fn join(&self, node: &Node, sources: ScanSources) -> Arc<dyn ExecutionPlan> {
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int32, false)]));
        let ids: ArrayRef = Arc::new(self.all().collect::<Int32Array>());
        let table = InlineTable::new(RecordBatch::try_new(schema, vec![ids]).unwrap());
        let table = Arc::new(table.into_exec()) as Arc<dyn ExecutionPlan>;
        let scan = node.scan_of(&self.own_ids(), sources);
        let sent = join(table.clone(), JoinType::Inner, scan.clone());
        Arc::new(InlineJoinExec::try_new(&sent, table, scan).unwrap())
    }

    fn own_ids(&self) -> Vec<i32> {
        self.own.iter().copied().collect()
    }

    /// Tasks that read the node's own streams in the file that all of them share, and in memory.
    fn tasks(&self, node: &Node) -> [(&'static str, Vec<u8>); 5] {
        let ids = self.own_ids();
        let shared: Vec<_> = node.env.store.snapshot().lake.files().cloned().collect();
        let files = shared.iter().cloned().map(FilePartition::whole).collect();
        let of_files = ScanSources { files, ..ScanSources::default() };
        let of_memory = ScanSources {
            files: Vec::new(),
            runs: vec![vec![self.run()]],
            merged: vec![MergedDay { files: shared, runs: vec![self.run()] }],
        };
        [
            ("files", encode(node.scan_of(&ids, of_files.clone()))),
            ("memory", encode(node.scan_of(&ids, of_memory))),
            ("a rollup", encode(node.rollup_of(&ids, NEW_YEAR))),
            ("a join", encode(self.join(node, of_files.clone()))),
            ("a window", encode(node.window(WindowCall::of("lag"), node.scan_of(&ids, of_files)))),
        ]
    }
}

/// A node with tasks that it runs.
struct TaskRunner {
    node: Node,
    streams: Streams,
    tasks: [(&'static str, Vec<u8>); 5],
    codec: ComposedPhysicalExtensionCodec,
    context: Arc<TaskContext>,
}

impl TaskRunner {
    fn new() -> TaskRunner {
        let node = Node::new();
        let streams = Streams::create(&node);
        let tasks = streams.tasks(&node);
        let query_context = node.query_context();
        let interrupt = query_context.tracker.interrupt.clone();
        let context = query_context.task_context_with_functions(&node.engine.spread().unwrap().template);
        let mut config = SessionConfig::new();
        config.set_distributed_user_codec(ScanCodec::for_task(query_context.clone()));
        config.set_distributed_user_codec(RollupCodec::for_task(query_context));
        config.set_distributed_user_codec(InlineCodec::for_task(interrupt));
        config.set_distributed_user_codec(WindowCodec::for_task(node.window_guard()));
        let codec = DistributedCodec::new_combined_with_user(&config);
        TaskRunner { node, streams, tasks, codec, context }
    }

    /// Runs a task as a worker does, and returns the streams of its rows.
    fn run(&self, task: &[u8]) -> std::result::Result<BTreeSet<i32>, String> {
        let text = |error: DataFusionError| error.to_string();
        let plan = physical_plan_from_bytes_with_extension_codec(task, &self.context, &self.codec);
        let plan = plan.map_err(text)?;
        operators::check_task(&plan).map_err(text)?;
        self.check_scans(&plan);
        let rows = self.node.env.runtime.block_on(collect(plan, self.context.clone())).map_err(text)?;
        let mut found = BTreeSet::new();
        for batch in &rows {
            let ids = batch.column_by_name("stream_id").filter(|ids| *ids.data_type() == DataType::Int32);
            found.extend(ids.into_iter().flat_map(|ids| ids.as_primitive::<Int32Type>().values().to_vec()));
        }
        Ok(found)
    }

    /// Checks that the scans of a plan are of streams of the organization, whatever rows they would find.
    fn check_scans(&self, plan: &Arc<dyn ExecutionPlan>) {
        let check = |ids: &[i32]| {
            assert!(ids.iter().all(|id| self.streams.own.contains(id)), "a scan of others");
        };
        let seen = plan.apply(|node| {
            if let Some(leaf) = node.downcast_ref::<DivisibleScanExec>() {
                check(leaf.source().scan.visible.ids());
            }
            if let Some(leaf) = node.downcast_ref::<PartialsExec>() {
                let sources = leaf.source().sources();
                sources.splits.iter().for_each(|split| check(&[split.stream]));
                sources.readings.iter().for_each(|readings| check(readings.scan.visible.ids()));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        seen.unwrap();
    }
}

/// Changes a few bytes, or cuts or repeats some.
fn change(task: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = task.to_vec();
    for _ in 0..random.random_range(1..4) {
        let place = random.random_range(0..bytes.len());
        match random.random_range(0..4) {
            0 => bytes[place] = random.random(),
            1 => bytes[place] ^= 1_u8 << random.random_range(0..8),
            2 => bytes.truncate(place.max(1)),
            _ => bytes.insert(place, bytes[place]),
        }
    }
    bytes
}

#[test]
fn a_changed_task_reads_no_rows_of_others() {
    let runner = TaskRunner::new();
    let own = &runner.streams.own;
    let mut random = StdRng::seed_from_u64(SEED);
    for (name, sent) in &runner.tasks {
        assert_eq!(runner.run(sent), Ok(own.clone()), "{name}, as it was sent");
        let raised = (0..sent.len()).map(|place| {
            let mut task = sent.clone();
            task[place] = task[place].wrapping_add(1);
            task
        });
        let mut tasks: Vec<Vec<u8>> = raised.collect();
        tasks.extend((0..CHANGES).map(|_| change(sent, &mut random)));
        let (mut answers, mut refusals) = (0, Vec::new());
        for task in &tasks {
            match runner.run(task) {
                Ok(found) => {
                    assert!(found.is_subset(own), "{name}: {found:?} of {task:?}");
                    answers += 1;
                }
                Err(refusal) => refusals.push(refusal),
            }
        }
        assert!(answers > 0, "{name}: some changes make a task that is right");
        for stream in &runner.streams.foreign {
            let expected = format!("the stream {stream} is not of this organization");
            let is_named = refusals.iter().any(|refusal| refusal.contains(&expected));
            assert!(is_named, "{name}: {expected}: {refusals:#?}");
        }
    }
}

#[test]
fn bytes_that_are_no_task_are_refused() {
    let runner = TaskRunner::new();
    let (node, [(_, task), ..]) = (&runner.node, &runner.tasks);
    for (name, bytes) in [
        ("nothing", Vec::new()),
        ("text", b"basalt is no operator".to_vec()),
        ("an unknown kind of plan", vec![0xfa, 0x7f, 0x00]),
        ("the first half", task[..task.len() / 2].to_vec()),
        ("all but the end", task[..task.len() - 1].to_vec()),
    ] {
        assert!(runner.run(&bytes).is_err(), "{name} is decoded");
        assert!(node.refusal(node.headers(), bytes).is_some(), "{name} is taken");
    }
    // The organization is that of the headers, whatever streams the plan names.
    let foreign: Vec<i32> = runner.streams.foreign.iter().copied().collect();
    let refusal = node.refusal(node.headers(), encode(node.scan(&foreign))).expect("streams of others");
    assert!(refusal.contains("is not of this organization"), "{refusal}");
}

#[test]
fn a_stream_beyond_all_ids_is_refused() {
    let runner = TaskRunner::new();
    let plan = encode(runner.node.scan(&[1 << 20]));
    let refusal = runner.run(&plan).unwrap_err();
    assert!(refusal.contains("the stream 1048576 is not of this organization"), "{refusal}");
}
