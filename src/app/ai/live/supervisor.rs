//! Which models run: a task for each, kept in step with the catalog.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::book::Book;
use super::follow::{Routes, follow};
use super::ground::Ground;
use super::queue::Queue;
use super::runner::Runner;
use crate::app::ai::history::Scorer;
use crate::domain::model::Model;
use crate::domain::{Clock, ModelId, OrgId};

/// Between two savings of how far models are: what a killed server judges again.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// A model that runs.
struct Running {
    model: watch::Sender<Arc<Model>>,
    stop: CancellationToken,
    queue: Queue,
}

/// The models of an organization and the reader of their sources.
struct Organization {
    routes: Arc<RwLock<Routes>>,
    changed: watch::Sender<()>,
    _follower: AbortOnDropHandle<()>,
}

struct Supervisor {
    ground: Arc<Ground>,
    running: HashMap<ModelId, Running>,
    organizations: HashMap<OrgId, Organization>,
    tasks: JoinSet<()>,
}

/// Runs models until `stop`, then saves how far they are.
pub async fn run(scorer: Scorer, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let book = Arc::new(Book::new(scorer.ai.store.clone()));
    let mut changes = scorer.ai.store.catalog().changes();
    let ground = Arc::new(Ground { scorer, book, clock });
    let (running, organizations, tasks) = (HashMap::new(), HashMap::new(), JoinSet::new());
    let mut supervisor = Supervisor { ground, running, organizations, tasks };
    let mut save = tokio::time::interval(SAVE_EVERY);
    loop {
        supervisor.keep_in_step();
        tokio::select! {
            () = stop.cancelled() => break,
            // Without a catalog there is nothing to run; the process is ending then.
            told = changes.changed() => if told.is_err() { break },
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
        if let Err(error) = self.ground.book.save().await {
            tracing::warn!(error = error.in_full(), "how far models are cannot be saved; trying again");
        }
    }

    /// Starts, changes and stops models as the catalog has them now.
    fn keep_in_step(&mut self) {
        let models = self.ground.scorer.ai.store.catalog().all_models();
        let there: HashMap<ModelId, &Arc<Model>> = models.iter().map(|model| (model.id, model)).collect();
        let gone = self.running.keys().filter(|id| !there.contains_key(id)).copied().collect::<Vec<_>>();
        gone.into_iter().for_each(|id| self.stop(id));
        self.ground.scorer.ai.board.keep(|id| there.contains_key(&id));
        for model in models {
            match self.running.get(&model.id) {
                None => self.start(model),
                Some(_) => self.change(model),
            }
        }
    }

    fn start(&mut self, model: Arc<Model>) {
        let (id, queue) = (model.id, Queue::default());
        self.route(&model, &queue);
        let (sender, receiver) = watch::channel(model);
        let stop = CancellationToken::new();
        let runner =
            Runner { ground: self.ground.clone(), queue: queue.clone(), model: receiver, stop: stop.clone() };
        self.tasks.spawn(runner.run());
        self.running.insert(id, Running { model: sender, stop, queue });
    }

    fn stop(&mut self, id: ModelId) {
        if let Some(running) = self.running.remove(&id) {
            running.stop.cancel();
            let org = running.model.borrow().org;
            self.unroute(org, id);
        }
    }

    fn change(&mut self, model: Arc<Model>) {
        let Some(running) = self.running.get(&model.id) else { return };
        let before = running.model.borrow().clone();
        if before == model {
            return;
        }
        if before.version.settings.sources != model.version.settings.sources {
            let queue = running.queue.clone();
            queue.wait();
            self.unroute(model.org, model.id);
            self.route(&model, &queue);
        }
        if let Some(running) = self.running.get(&model.id) {
            running.model.send_replace(model);
        }
    }

    fn route(&mut self, model: &Model, queue: &Queue) {
        let store = self.ground.scorer.ai.store.clone();
        let org = self.organizations.entry(model.org).or_insert_with(|| {
            let (routes, changed) = (Arc::<RwLock<Routes>>::default(), watch::Sender::new(()));
            let follower = follow(store, model.org, routes.clone(), changed.subscribe());
            Organization { routes, changed, _follower: AbortOnDropHandle::new(tokio::spawn(follower)) }
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
