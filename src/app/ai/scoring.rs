//! Models as queries run them: over rows that somebody chose, in the background of live models.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::AiParts;
use super::feed::{Feed, Piece, Point, plan};
use super::threads::Lane;
use crate::domain::model::Model;
use crate::domain::ports::{ModelRows, Models};
use crate::domain::{Error, Kind, Micros, ModelId, Principal, Resource, Result, Scope};

/// Between two looks whether whoever asked is still there.
const LOOK: Duration = Duration::from_millis(50);

/// Rows between two looks for whole windows: so many are in memory a second time.
const CHUNK: usize = 4096;

/// The models of a server, for its queries.
pub struct QueryModels {
    ai: AiParts,
    /// Where the catalog is asked.
    home: Handle,
}

impl QueryModels {
    /// Within the runtime of the rest of the server.
    pub fn new(ai: AiParts) -> Self {
        Self { ai, home: Handle::current() }
    }

    /// The model with all of its sources, for somebody who sees it: what it is run over are rows that the query has.
    fn model(&self, who: &Principal, id: ModelId) -> Result<Arc<Model>> {
        who.require(Scope::read(Resource::System))?;
        let catalog = self.ai.store.catalog();
        catalog.model(who, id)?;
        catalog.model(&Principal::system(who.org), id)
    }

    /// Waits for `work`, done where the rest of the server runs; no longer than `is_over` says.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
        is_over: &dyn Fn() -> bool,
    ) -> Result<T> {
        let (done, result) = sync_channel(1);
        let _task = AbortOnDropHandle::new(self.home.spawn(async move {
            // Nobody waits any more when this fails.
            let _ = done.send(work.await);
        }));
        loop {
            match result.recv_timeout(LOOK) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => check_goes_on(is_over)?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::unavailable("running a model was interrupted"));
                }
            }
        }
    }
}

impl Models for QueryModels {
    fn score(
        &self,
        who: &Principal,
        rows: ModelRows<'_>,
        is_over: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Micros, f64),
    ) -> Result<()> {
        let model = self.model(who, rows.model)?;
        let (sources, given) = (model.version.settings.sources.len(), rows.sources);
        if given != sources {
            let message = format!("the model has {sources} sources; anomaly_score is given {given}");
            return Err(Error::invalid(message));
        }
        let (Some(first), Some(last)) = (rows.times.first(), rows.times.last()) else { return Ok(()) };
        let (ai, wanted) = (self.ai.clone(), model.clone());
        let window = async move { Ok(ai.detectors.get(&wanted).await?.window()) };
        let plan = plan(&model.version.settings, self.wait(window, is_over)?)?;
        let before = Micros(plan.sample_at_or_after(Micros(*first)).0 - plan.interval_us());
        let mut feed = Feed::after(plan, before);
        let mut judge = |feed: &mut Feed| -> Result<()> {
            check_goes_on(is_over)?;
            while let Some(piece) = feed.next() {
                let Piece::Stretch(stretch) = piece else { continue };
                let (ai, model) = (self.ai.clone(), model.clone());
                let judge = async move { ai.judge(&model, stretch, Lane::Background).await };
                self.wait(judge, is_over)?.iter().for_each(|(at, score)| tell(at, score));
            }
            Ok(())
        };
        let mut waiting = 0;
        for (row, (ts, values)) in rows.times.iter().zip(rows.values.chunks_exact(sources)).enumerate() {
            // Of several rows of one time the last counts: they are looked at together.
            if waiting >= CHUNK && rows.times[row - 1] < *ts {
                judge(&mut feed)?;
                waiting = 0;
            }
            for (source, value) in values.iter().enumerate() {
                feed.push(Point { source, ts: *ts, value: *value });
            }
            waiting += 1;
        }
        feed.advance(Micros(*last));
        judge(&mut feed)
    }
}

fn check_goes_on(is_over: &dyn Fn() -> bool) -> Result<()> {
    if is_over() {
        return Err(Error::new(Kind::Timeout, "the query ran longer than it may"));
    }
    Ok(())
}
