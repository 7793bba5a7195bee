//! Supervisor of live models: keeps one task for each model in line with the catalog.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::context::LiveContext;
use super::dispatcher::{Routes, follow};
use super::inbox::ReadingsInbox;
use super::progress_store::ProgressStore;
use super::runner::Runner;
use crate::app::ai::range_scoring::ModelScorer;
use crate::domain::model::Model;
use crate::domain::{Clock, ModelId, OrgId};

/// Interval between saves of model progress. After a crash, at most this much is scored again.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// A running model.
struct ModelTask {
    model: watch::Sender<Arc<Model>>,
    /// Name of its device, which may be deleted with it.
    name: String,
    stop: CancellationToken,
    queue: ReadingsInbox,
}

/// The log reader of an organization and the routes to its models.
struct OrgDispatcher {
    routes: Arc<RwLock<Routes>>,
    changed: watch::Sender<()>,
    _follower: AbortOnDropHandle<()>,
}

struct Supervisor {
    context: Arc<LiveContext>,
    running: HashMap<ModelId, ModelTask>,
    organizations: HashMap<OrgId, OrgDispatcher>,
    tasks: JoinSet<()>,
}

/// Runs models until `stop`, then saves their progress.
pub async fn run(scorer: ModelScorer, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let progress_store = Arc::new(ProgressStore::new(scorer.ai.store.clone()));
    let mut changes = scorer.ai.store.catalog().subscribe_changes();
    let context = Arc::new(LiveContext { scorer, progress_store, clock });
    let (running, organizations, tasks) = (HashMap::new(), HashMap::new(), JoinSet::new());
    let mut supervisor = Supervisor { context, running, organizations, tasks };
    let mut save = tokio::time::interval(SAVE_EVERY);
    loop {
        supervisor.reconcile();
        tokio::select! {
            () = stop.cancelled() => break,
            // The catalog is gone only when the process is ending.
            outcome = changes.changed() => if outcome.is_err() { break },
            _ = save.tick() => supervisor.save().await,
            Some(_) = supervisor.tasks.join_next() => {}
        }
    }
    supervisor.running.values().for_each(|running| running.stop.cancel());
    while supervisor.tasks.join_next().await.is_some() {}
    supervisor.save().await;
}

impl Supervisor {
    async fn save(&self) {
        if let Err(error) = self.context.progress_store.save().await {
            tracing::warn!(error = error.full_message(), "model progress cannot be saved; trying again");
        }
    }

    /// Starts, updates and stops model tasks to match the catalog.
    fn reconcile(&mut self) {
        let models = self.context.scorer.ai.store.catalog().models.all_models();
        let there: HashMap<ModelId, &Arc<Model>> = models.iter().map(|model| (model.id, model)).collect();
        let gone = self.running.keys().filter(|id| !there.contains_key(id)).copied().collect::<Vec<_>>();
        gone.into_iter().for_each(|id| self.stop(id));
        self.context.scorer.ai.statuses.keep(|id| there.contains_key(&id));
        for model in models {
            match self.running.get(&model.id) {
                None => self.start(model),
                Some(_) => self.change(model),
            }
        }
    }

    fn start(&mut self, model: Arc<Model>) {
        let (id, queue) = (model.id, ReadingsInbox::default());
        self.route(&model, &queue);
        let name = self.context.scorer.name(&model);
        let (sender, receiver) = watch::channel(model);
        let stop = CancellationToken::new();
        let runner = Runner {
            context: self.context.clone(),
            inbox: queue.clone(),
            model: receiver,
            stop: stop.clone(),
        };
        self.tasks.spawn(runner.run());
        self.running.insert(id, ModelTask { model: sender, name, stop, queue });
    }

    fn stop(&mut self, id: ModelId) {
        if let Some(running) = self.running.remove(&id) {
            running.stop.cancel();
            let model = running.model.borrow().clone();
            self.unroute(model.org, id);
            self.end_anomaly(model, running.name);
        }
    }

    /// Ends the open anomaly of a model that was deleted: nobody watches for its end any more.
    fn end_anomaly(&mut self, model: Arc<Model>, name: String) {
        let context = self.context.clone();
        self.tasks.spawn(async move {
            if let Err(error) = context.end_anomaly(&model, &name).await {
                let text = error.full_message();
                tracing::warn!(model = model.id.0, error = text, "the anomaly of a deleted model stays open");
            }
        });
    }

    fn change(&mut self, model: Arc<Model>) {
        let Some(running) = self.running.get(&model.id) else { return };
        let before = running.model.borrow().clone();
        if before == model {
            return;
        }
        if before.version.settings.sources != model.version.settings.sources {
            let queue = running.queue.clone();
            queue.mark_unfollowed();
            self.unroute(model.org, model.id);
            self.route(&model, &queue);
        }
        let name = self.context.scorer.name(&model);
        if let Some(running) = self.running.get_mut(&model.id) {
            running.name = name;
            running.model.send_replace(model);
        }
    }

    fn route(&mut self, model: &Model, queue: &ReadingsInbox) {
        let store = self.context.scorer.ai.store.clone();
        let org = self.organizations.entry(model.org).or_insert_with(|| {
            let (routes, changed) = (Arc::<RwLock<Routes>>::default(), watch::Sender::new(()));
            let follower = follow(store, model.org, routes.clone(), changed.subscribe());
            OrgDispatcher { routes, changed, _follower: AbortOnDropHandle::new(tokio::spawn(follower)) }
        });
        org.routes.write().add(model.id, &model.version.settings.sources, queue.clone());
        org.changed.send_replace(());
    }

    fn unroute(&mut self, org: OrgId, id: ModelId) {
        let Some(organization) = self.organizations.get(&org) else { return };
        organization.routes.write().remove(id);
        organization.changed.send_replace(());
        if organization.routes.read().is_empty() {
            self.organizations.remove(&org);
        }
    }
}
