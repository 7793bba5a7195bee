//! Cuts a plan into stages and chooses the nodes of their tasks.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::TaskContext;
use datafusion::execution::context::{QueryPlanner, SessionState};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use datafusion_distributed::{
    DesiredTaskCountEvent, DesiredTaskCountEventResponse, DistributedExec, DistributedExt,
    DistributedLeafExec, RouteTasksEvent, RouteTasksEventResponse, ScaleUpLeafNodeEvent,
    ScaleUpLeafNodeEventResponse, SessionStateBuilderExt, WorkerResolver,
};
use url::Url;

use super::Spread;
use super::guarded_window::{self, WindowGuard};
use super::inline_codec::InlineCodec;
use super::planned_node::{self, ReadyPlanner};
use super::rollup_codec::RollupCodec;
use super::scan_codec::ScanCodec;
use super::small_joins;
use super::task_merge;
use super::task_session::TaskHeaders;
use super::window_codec::WindowCodec;
use crate::query::context::QueryContext;
use crate::query::rollup::partials_scan::{PartialsExec, PartialsScan};
use crate::query::scan::divisible_scan::{DivisibleScan, DivisibleScanExec};

/// Least bytes of rows that are read ahead from one node.
const MIN_READ_AHEAD_BYTES: usize = 1 << 20;

/// Returns what cuts a wrapped plan into stages.
pub fn planner() -> Arc<dyn QueryPlanner + Send + Sync> {
    let builder = SessionStateBuilder::new().with_query_planner(Arc::new(ReadyPlanner));
    builder.with_distributed_planner().build().query_planner().clone()
}

impl Spread {
    /// Reads the small tables that a plan joins, and cuts it into stages for these nodes; `None` when it has nothing to
    /// divide, or a table stays on this node.
    pub(super) async fn distribute(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        session: &SessionState,
        query_context: &QueryContext,
        nodes: &Arc<Vec<Url>>,
    ) -> Result<Option<(Arc<dyn ExecutionPlan>, Arc<TaskContext>)>> {
        let inlined = small_joins::inline(plan, &query_context.task_context(session), nodes.len()).await?;
        let Some(plan) = inlined else { return Ok(None) };
        let interrupt = query_context.tracker.interrupt.clone();
        let plan = guarded_window::gather(plan, &WindowGuard { interrupt, threads: self.threads.clone() })?;
        let mut session = session.clone();
        self.configure(session.config_mut(), query_context, nodes)?;
        let divided = self.planner.create_physical_plan(&planned_node::wrap(plan), &session).await?;
        if !divided.is::<DistributedExec>() {
            return Ok(None);
        }
        let divided = task_merge::merge_in_tasks(divided)?;
        let context = query_context.task_context(&session);
        Ok(Some((divided, context)))
    }

    fn configure(
        &self,
        config: &mut SessionConfig,
        query_context: &QueryContext,
        nodes: &Arc<Vec<Url>>,
    ) -> Result<()> {
        let tracker = &query_context.tracker;
        let headers = TaskHeaders { catalog: query_context.catalog().mark(), ..TaskHeaders::of(tracker) };
        config.set_distributed_worker_resolver(NodeList(nodes.clone()));
        config.set_distributed_channel_resolver(self.channels.clone());
        // Tasks have the codecs in the same order, which is how they tell them apart.
        config.set_distributed_user_codec(ScanCodec::for_sending());
        config.set_distributed_user_codec(RollupCodec::for_sending());
        config.set_distributed_user_codec(InlineCodec::for_sending());
        config.set_distributed_user_codec(WindowCodec::for_sending());
        config.set_distributed_local_worker_context(
            self.worker.to_local_worker_context(self.options.own_url.clone()),
        );
        config.set_distributed_passthrough_headers(headers.to_headers())?;
        // A node's metrics would tell how many rows of others its files have.
        config.set_distributed_metrics_collection(false)?;
        config.set_distributed_broadcast_joins(false)?;
        let read_ahead = tracker.memory_pool.limit() / (4 * nodes.len());
        config.set_distributed_worker_connection_buffer_budget_bytes(read_ahead.max(MIN_READ_AHEAD_BYTES))?;
        let names: Arc<Vec<String>> = Arc::new(nodes.iter().map(Url::to_string).collect());
        let count = nodes.len();
        config.set_distributed_desired_task_count_handler(move |event: DesiredTaskCountEvent<'_>| {
            tasks_of_leaf(event.plan, count).map(|tasks| Ok(DesiredTaskCountEventResponse::desired(tasks)))
        });
        config.set_distributed_scale_up_leaf_node_handler(move |event: ScaleUpLeafNodeEvent<'_>| {
            divide_leaf(event.plan, &names, event.task_count)
        });
        let router = Router { nodes: nodes.clone(), own: self.options.own_url.clone() };
        config.set_distributed_route_tasks_handler(move |event: RouteTasksEvent<'_>| {
            Some(Ok(RouteTasksEventResponse::new(router.route(event.task_count))))
        });
        Ok(())
    }
}

/// Returns among how many of the nodes a leaf is divided; `None` for an operator or a leaf that is not.
fn tasks_of_leaf(node: &Arc<dyn ExecutionPlan>, nodes: usize) -> Option<usize> {
    if node.is::<DivisibleScanExec>() {
        return Some(nodes);
    }
    let rollup = node.downcast_ref::<PartialsExec>()?.source();
    Some(rollup.sources().streams().clamp(1, nodes))
}

/// Divides a scan among the first `tasks` nodes; `None` for another leaf.
fn divide_leaf(
    leaf: &Arc<dyn ExecutionPlan>,
    nodes: &[String],
    tasks: usize,
) -> Option<Result<ScaleUpLeafNodeEventResponse>> {
    let nodes = &nodes[..tasks.min(nodes.len())];
    let parts = match leaf.downcast_ref::<PartialsExec>() {
        Some(rollup) => plans(rollup.source().divide(nodes.len()), PartialsScan::into_exec),
        None => {
            plans(leaf.downcast_ref::<DivisibleScanExec>()?.source().divide(nodes), DivisibleScan::into_exec)
        }
    };
    let divided = parts.and_then(|parts| DistributedLeafExec::try_new(leaf.clone(), parts));
    Some(divided.map(|leaf| ScaleUpLeafNodeEventResponse::new(Arc::new(leaf))))
}

/// Makes leaves of the parts of a leaf.
fn plans<R, L: ExecutionPlan + 'static>(
    parts: Result<Vec<R>>,
    into_exec: impl Fn(R) -> L,
) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
    Ok(parts?.into_iter().map(|part| Arc::new(into_exec(part)) as Arc<dyn ExecutionPlan>).collect())
}

/// The nodes as `datafusion-distributed` asks for them.
struct NodeList(Arc<Vec<Url>>);

#[async_trait::async_trait]
impl WorkerResolver for NodeList {
    fn get_urls(&self) -> Result<Vec<Url>> {
        Ok(self.0.to_vec())
    }
}

/// Chooses the nodes of the tasks of a stage.
struct Router {
    nodes: Arc<Vec<Url>>,
    own: Url,
}

impl Router {
    /// A stage with a task for each node has them in the order of the list, by which files were divided. Other stages begin
    /// at the node that was asked: one task is there, and needs no connection.
    fn route(&self, tasks: usize) -> Vec<Url> {
        let own = self.nodes.iter().position(|node| *node == self.own).unwrap_or(0);
        let first = if tasks >= self.nodes.len() { 0 } else { own };
        (0..tasks).map(|task| self.nodes[(first + task) % self.nodes.len()].clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_go_to_all_nodes_in_order_or_begin_at_the_own() {
        let nodes: Vec<Url> =
            ["http://a/", "http://b/", "http://c/"].map(|url| Url::parse(url).unwrap()).into();
        let router = Router { own: nodes[1].clone(), nodes: Arc::new(nodes) };
        let names = |tasks| {
            router.route(tasks).iter().map(|url| url.host_str().unwrap().to_owned()).collect::<String>()
        };
        assert_eq!([names(1), names(2), names(3)], ["b", "bc", "abc"]);
    }
}
