//! Model scoring for SQL: runs a model over the rows of a query, at background priority.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::ModelRuntime;
use super::inference_pool::InferencePriority;
use super::window_feed::{FeedItem, SourceReading, WindowFeed, window_plan};
use crate::domain::model::Model;
use crate::domain::ports::{ModelRows, ModelScorer};
use crate::domain::{Error, Kind, Micros, ModelId, Principal, Resource, Result, Scope};

/// Interval of the check whether the query was cancelled.
const CANCEL_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Rows fed between two passes of scoring; this many are in memory a second time.
const CHUNK_ROWS: usize = 4096;

/// Gives queries access to the models of the server.
pub struct QueryModels {
    ai: ModelRuntime,
    /// The server's runtime, on which catalog calls run.
    home: Handle,
}

impl QueryModels {
    /// Must be called within the server's runtime.
    pub fn new(ai: ModelRuntime) -> Self {
        Self { ai, home: Handle::current() }
    }

    /// Returns the model with all of its sources, if the principal may see the model: it is run over rows that the
    /// query already has.
    fn model(&self, who: &Principal, id: ModelId) -> Result<Arc<Model>> {
        who.require(Scope::read(Resource::System))?;
        let catalog = self.ai.store.catalog();
        catalog.models.model(who, id)?;
        catalog.models.model(&Principal::system(who.org), id)
    }

    /// Runs `work` on the server's runtime and waits for it, or until `is_over` says that the query has ended.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
        is_over: &dyn Fn() -> bool,
    ) -> Result<T> {
        let (done, result) = sync_channel(1);
        let _task = AbortOnDropHandle::new(self.home.spawn(async move {
            // Sending fails only when the query has ended.
            let _ = done.send(work.await);
        }));
        loop {
            match result.recv_timeout(CANCEL_POLL_INTERVAL) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => check_not_cancelled(is_over)?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::unavailable("running a model was interrupted"));
                }
            }
        }
    }
}

impl ModelScorer for QueryModels {
    fn score(
        &self,
        who: &Principal,
        rows: ModelRows<'_>,
        is_over: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Micros, f64),
    ) -> Result<()> {
        let model = self.model(who, rows.model)?;
        let (sources, columns) = (model.version.settings.sources.len(), rows.sources);
        if columns != sources {
            let message = format!("the model has {sources} sources; anomaly_score is given {columns}");
            return Err(Error::invalid(message));
        }
        let (Some(first), Some(last)) = (rows.times.first(), rows.times.last()) else { return Ok(()) };
        let (ai, wanted) = (self.ai.clone(), model.clone());
        let window = async move { Ok(ai.detectors.get(&wanted).await?.window_len()) };
        let plan = window_plan(&model.version.settings, self.wait(window, is_over)?)?;
        let before = Micros(plan.sample_at_or_after(Micros(*first)).0 - plan.interval_us());
        let mut feed = WindowFeed::resume_after(plan, before);
        let mut judge = |feed: &mut WindowFeed| -> Result<()> {
            check_not_cancelled(is_over)?;
            while let Some(piece) = feed.next() {
                let FeedItem::Samples(run) = piece else { continue };
                let (ai, model) = (self.ai.clone(), model.clone());
                let judge = async move { ai.score_run(&model, run, InferencePriority::Background).await };
                self.wait(judge, is_over)?.iter().for_each(|(at, score)| tell(at, score));
            }
            Ok(())
        };
        let mut waiting = 0;
        for (row, (ts, values)) in rows.times.iter().zip(rows.values.chunks_exact(sources)).enumerate() {
            // Of several rows with the same time the last counts, so they go into the same pass.
            if waiting >= CHUNK_ROWS && rows.times[row - 1] < *ts {
                judge(&mut feed)?;
                waiting = 0;
            }
            for (source, value) in values.iter().enumerate() {
                feed.push(SourceReading { source, ts: *ts, value: *value });
            }
            waiting += 1;
        }
        feed.advance(Micros(*last));
        judge(&mut feed)
    }
}

fn check_not_cancelled(is_over: &dyn Fn() -> bool) -> Result<()> {
    if is_over() {
        return Err(Error::new(Kind::Timeout, "the query ran longer than it may"));
    }
    Ok(())
}
