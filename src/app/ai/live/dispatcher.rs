//! Dispatches committed readings to the models that use them as sources. One log reader serves all models of an
//! organization.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::inbox::ReadingsInbox;
use crate::app::ai::window_feed::SourceReading;
use crate::domain::reading::{Quality, Readings};
use crate::domain::subscription::SubscriptionFilter;
use crate::domain::{Error, ModelId, OrgId, Principal, Result, StreamId};
use crate::store::Store;
use crate::store::live::filtered_tail::FilteredItem;
use crate::store::live::position::FeedPosition;

/// Maximum readings in one step.
const MAX_STEP_READINGS: usize = 16_384;

/// Delay between attempts when the log cannot be followed.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Maps each stream to the models that use it and to its index among their sources.
#[derive(Default)]
pub struct Routes {
    by_stream: HashMap<i32, Vec<(ModelId, usize)>>,
    queues: HashMap<ModelId, ReadingsInbox>,
}

impl Routes {
    /// Sends readings of `sources` to the inbox of a model from now on; their order there is that of their indices.
    pub fn add(&mut self, model: ModelId, sources: &[StreamId], queue: ReadingsInbox) {
        for (place, source) in sources.iter().enumerate() {
            self.by_stream.entry(source.0).or_default().push((model, place));
        }
        self.queues.insert(model, queue);
    }

    /// Stops the delivery to a model whose session ends; streams that no other model uses are forgotten.
    pub fn remove(&mut self, model: ModelId) {
        self.queues.remove(&model);
        self.by_stream.retain(|_, models| {
            models.retain(|(id, _)| *id != model);
            !models.is_empty()
        });
    }

    /// Whether no model is left, so that the organization needs no dispatcher.
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Delivers readings to the subscribed models. After this, everything before record `seq` has been delivered.
    fn deliver(&self, readings: &Readings, seq: u64) {
        let mut points: HashMap<ModelId, Vec<SourceReading>> = HashMap::new();
        for row in 0..readings.len() {
            let is_bad = readings.quality[row] == Quality::Bad as u8;
            let value = if is_bad { f64::NAN } else { readings.value[row] };
            for (model, source) in self.by_stream.get(&readings.stream[row]).into_iter().flatten() {
                let point = SourceReading { source: *source, ts: readings.ts[row], value };
                points.entry(*model).or_default().push(point);
            }
        }
        for (model, points) in points {
            if let Some(queue) = self.queues.get(&model) {
                queue.push(&points);
            }
        }
        self.queues.values().for_each(|queue| queue.set_next_seq(seq));
    }

    /// Notifies the models whose sources are all followed that everything from record `first` on is delivered.
    fn begin_with(&self, sources: &[StreamId], first: u64) {
        let mut waiting: HashMap<ModelId, &ReadingsInbox> =
            self.queues.iter().map(|(id, q)| (*id, q)).collect();
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

    /// Tells every model that some readings up to record `seq` were not delivered.
    fn mark_lost(&self, seq: u64) {
        for queue in self.queues.values() {
            queue.mark_lost();
            queue.set_next_seq(seq);
        }
    }
}

/// Follows the log until the future is dropped. `changed` signals that `routes` have changed.
pub async fn follow(
    store: Arc<Store>,
    org: OrgId,
    routes: Arc<RwLock<Routes>>,
    mut changed: watch::Receiver<()>,
) {
    let who = Arc::new(Principal::system(org));
    let mut position = store.current_position();
    loop {
        changed.borrow_and_update();
        if let Err(error) = follow_some(&store, &who, &routes, &mut position, &mut changed).await {
            tracing::warn!(
                error = error.full_message(),
                "the sources of models cannot be followed; trying again"
            );
            tokio::time::sleep(RETRY_DELAY).await;
            position = store.current_position();
            routes.read().mark_lost(position.seq);
        }
    }
}

/// Follows the current sources until the routes change.
async fn follow_some(
    store: &Arc<Store>,
    who: &Arc<Principal>,
    routes: &RwLock<Routes>,
    position: &mut FeedPosition,
    changed: &mut watch::Receiver<()>,
) -> Result<()> {
    let sources: Vec<StreamId> = routes.read().by_stream.keys().map(|id| StreamId(*id)).collect();
    let seen = store.catalog().streams.streams_by_id(who, &sources);
    let wanted = SubscriptionFilter {
        streams: Some(seen.iter().map(|stream| stream.id).collect()),
        ..SubscriptionFilter::default()
    };
    let mut following = store.subscribe(who.clone(), wanted, position.clone())?;
    // Routes added meanwhile are signalled by `changed` and begin with the next call.
    routes.read().begin_with(&sources, position.seq);
    loop {
        let step = tokio::select! {
            outcome = changed.changed() => {
                return outcome.map_err(|e| Error::internal("nobody runs models any more").with_source(e));
            }
            step = following.next(MAX_STEP_READINGS) => step?,
        };
        *position = following.position().clone();
        match step {
            FilteredItem::Readings(readings) => routes.read().deliver(&readings, position.seq),
            FilteredItem::Gap(_) => routes.read().mark_lost(position.seq),
        }
    }
}
