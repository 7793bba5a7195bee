//! Hands what is committed of the models' sources to them: one reader of the log an organization, however many models it has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::queue::Queue;
use crate::app::ai::feed::Point;
use crate::domain::live::Wanted;
use crate::domain::reading::{Quality, Readings};
use crate::domain::{Error, ModelId, OrgId, Principal, Result, StreamId};
use crate::store::Store;
use crate::store::live::follow::Step;
use crate::store::live::position::Position;

/// Readings in one step.
const STEP: usize = 16_384;

/// Between two attempts when the log cannot be followed.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which models want a stream, and as which of their sources.
#[derive(Default)]
pub struct Routes {
    by_stream: HashMap<i32, Vec<(ModelId, usize)>>,
    queues: HashMap<ModelId, Queue>,
}

impl Routes {
    pub fn add(&mut self, model: ModelId, sources: &[StreamId], queue: Queue) {
        for (place, source) in sources.iter().enumerate() {
            self.by_stream.entry(source.0).or_default().push((model, place));
        }
        self.queues.insert(model, queue);
    }

    pub fn remove(&mut self, model: ModelId) {
        self.queues.remove(&model);
        self.by_stream.retain(|_, models| {
            models.retain(|(id, _)| *id != model);
            !models.is_empty()
        });
    }

    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Hands readings to who wants them; with them everything before record `heard` has been handed out.
    fn deliver(&self, readings: &Readings, heard: u64) {
        let mut points: HashMap<ModelId, Vec<Point>> = HashMap::new();
        for row in 0..readings.len() {
            let is_bad = readings.quality[row] == Quality::Bad as u8;
            let value = if is_bad { f64::NAN } else { readings.value[row] };
            for (model, source) in self.by_stream.get(&readings.stream[row]).into_iter().flatten() {
                let point = Point { source: *source, ts: readings.ts[row], value };
                points.entry(*model).or_default().push(point);
            }
        }
        for (model, points) in points {
            if let Some(queue) = self.queues.get(&model) {
                queue.push(&points);
            }
        }
        self.queues.values().for_each(|queue| queue.hear(heard));
    }

    /// Tells the models whose sources are all followed, from record `first` on, that they are.
    fn begin_with(&self, sources: &[StreamId], first: u64) {
        let mut waiting: HashMap<ModelId, &Queue> = self.queues.iter().map(|(id, q)| (*id, q)).collect();
        let followed: HashSet<i32> = sources.iter().map(|id| id.0).collect();
        for (stream, models) in &self.by_stream {
            if !followed.contains(stream) {
                for (id, _) in models {
                    waiting.remove(id);
                }
            }
        }
        waiting.values().for_each(|queue| queue.begin(first));
    }

    /// Something up to record `heard` was not handed out.
    fn lose(&self, heard: u64) {
        for queue in self.queues.values() {
            queue.lose();
            queue.hear(heard);
        }
    }
}

/// Follows until it is dropped. `changed` tells that `routes` are others.
pub async fn follow(
    store: Arc<Store>,
    org: OrgId,
    routes: Arc<RwLock<Routes>>,
    mut changed: watch::Receiver<()>,
) {
    let who = Arc::new(Principal::system(org));
    let mut position = store.present();
    loop {
        changed.borrow_and_update();
        if let Err(error) = follow_some(&store, &who, &routes, &mut position, &mut changed).await {
            tracing::warn!(error = error.in_full(), "the sources of models cannot be followed; trying again");
            tokio::time::sleep(PATIENCE).await;
            position = store.present();
            routes.read().lose(position.seq);
        }
    }
}

/// Follows the sources that are wanted now, until others are.
async fn follow_some(
    store: &Arc<Store>,
    who: &Arc<Principal>,
    routes: &RwLock<Routes>,
    position: &mut Position,
    changed: &mut watch::Receiver<()>,
) -> Result<()> {
    let sources: Vec<StreamId> = routes.read().by_stream.keys().map(|id| StreamId(*id)).collect();
    let seen = store.catalog().streams_by_id(who, &sources);
    let wanted = Wanted { streams: Some(seen.iter().map(|stream| stream.id).collect()), ..Wanted::default() };
    let mut following = store.follow(who.clone(), wanted, position.clone())?;
    // Routes that were added meanwhile are told as a change, and begin in the next turn.
    routes.read().begin_with(&sources, position.seq);
    loop {
        let step = tokio::select! {
            told = changed.changed() => {
                return told.map_err(|e| Error::internal("nobody runs models any more").because(e));
            }
            step = following.next(STEP) => step?,
        };
        *position = following.position().clone();
        match step {
            Step::Readings(readings) => routes.read().deliver(&readings, position.seq),
            Step::Gap(_) => routes.read().lose(position.seq),
        }
    }
}
