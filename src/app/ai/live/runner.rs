//! Task of one live model: catches up from its position through the stored readings, then scores each window as
//! readings arrive.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::anomaly;
use super::context::LiveContext;
use super::inbox::ReadingsInbox;
use super::live_scorer::LiveScorer;
use super::status::ModelState;
use crate::app::ai::inference_pool::InferencePriority;
use crate::app::ai::window_feed::window_plan;
use crate::domain::model::{Model, ModelProgress};
use crate::domain::{Error, Micros, Result};

/// How long to wait for a silent source beyond one interval, microseconds: readings take a while to arrive.
const SILENT_SOURCE_GRACE_US: i64 = 5 * 1_000_000;

/// Interval of the check whether time alone completes a sample.
const TICK: Duration = Duration::from_secs(1);

/// Delay before a failed model is started again.
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// The task of one model.
pub struct Runner {
    pub context: Arc<LiveContext>,
    pub inbox: ReadingsInbox,
    /// The model as stored in the catalog.
    pub model: watch::Receiver<Arc<Model>>,
    pub stop: CancellationToken,
}

/// Why a session ended.
enum ScoringEnd {
    /// The model was deleted (its watch channel closed).
    ModelDeleted,
    /// The session must restart: files or sources changed, or readings were lost.
    Again,
}

impl Runner {
    /// Runs until it is stopped, which may happen at any point: unfinished work is done again, and nothing takes
    /// effect twice. Failures are reported in the model's status and retried.
    pub async fn run(mut self) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(self.run_sessions()).await;
    }

    async fn run_sessions(&mut self) {
        loop {
            let id = self.model.borrow().id;
            let ended = AssertUnwindSafe(self.session()).catch_unwind().await;
            match ended.unwrap_or_else(|_| Err(Error::internal("running the model failed"))) {
                Ok(ScoringEnd::ModelDeleted) => return,
                Ok(ScoringEnd::Again) => {}
                Err(error) => {
                    let text = error.full_message();
                    tracing::warn!(model = id.0, error = text, "a model cannot be run; trying again");
                    self.context.scorer.ai.statuses.change(id, |status| {
                        status.state = ModelState::Failed;
                        status.last_error = Some(error.message);
                    });
                    tokio::select! {
                        () = tokio::time::sleep(RETRY_DELAY) => {}
                        _ = self.model.changed() => {}
                    }
                }
            }
        }
    }

    /// Runs from the model's position until the model changes or readings are lost.
    async fn session(&mut self) -> Result<ScoringEnd> {
        let model = self.model.borrow_and_update().clone();
        let statuses = self.context.scorer.ai.statuses.clone();
        if !model.enabled {
            self.disable(&model).await?;
            return self.wait_until_enabled().await;
        }
        self.check_sources(&model)?;
        statuses.change(model.id, |status| status.state = ModelState::CatchingUp);
        let window = self.context.scorer.ai.detectors.get(&model).await?.window_len();
        let plan = window_plan(&model.version.settings, window)?;
        self.inbox.wait_until_followed().await;
        // From here on readings arrive twice, by the inbox and from the lake; a sample is still decided only once.
        let first = self.inbox.clear();
        let (progress, is_resumed) = self.place(&model, first).await?;
        statuses.change(model.id, |status| {
            status.position = progress.position;
            status.is_anomalous = progress.open_anomaly.is_some();
        });
        let now = self.context.clock.now();
        let position = progress.position.unwrap_or(now);
        let context = self.context.clone();
        // What the present allows to be ahead was taken up at once; the rest waited for its time.
        let until = if is_resumed { context.scorer.ai.store.ahead_bound().latest(now) } else { now };
        let mut replay = context.scorer.replay(&model, plan, position, until);
        let mut live = LiveScorer::new(context, model, plan, progress, position);
        live.recover(first).await?;
        while let Some(piece) = replay.next(&mut live.feed).await? {
            live.take(piece, InferencePriority::Background).await?;
        }
        if is_resumed {
            live.wait_for(self.context.scorer.readings_after(&live.model, until).await?);
        }
        let Some(arrived) = self.inbox.drain() else {
            statuses.change(live.model.id, |status| status.behind += 1);
            return Ok(ScoringEnd::Again);
        };
        live.join(arrived).await;
        statuses.change(live.model.id, |status| {
            status.state = ModelState::Running;
            status.last_error = None;
        });
        self.follow(live).await
    }

    /// Scores windows as readings arrive.
    async fn follow(&mut self, mut live: LiveScorer) -> Result<ScoringEnd> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if live.is_ahead() {
                // The position that was saved is left as well, when the session begins.
                return Ok(ScoringEnd::Again);
            }
            tokio::select! {
                outcome = self.model.changed() => {
                    if outcome.is_err() || !live.try_update_model(&self.model.borrow_and_update().clone()) {
                        return Ok(ScoringEnd::Again);
                    }
                }
                arrived = self.inbox.recv() => {
                    let Some(arrived) = arrived else {
                        self.context.scorer.ai.statuses.change(live.model.id, |status| status.behind += 1);
                        return Ok(ScoringEnd::Again);
                    };
                    live.receive(arrived).await;
                    live.judge_ready().await?;
                }
                _ = tick.tick() => {
                    self.check_sources(&live.model)?;
                    let grace = SILENT_SOURCE_GRACE_US.saturating_add(live.plan.interval_us());
                    let until = Micros(self.context.clock.now().0.saturating_sub(grace));
                    live.take_due();
                    live.feed.advance(until);
                    live.judge_ready().await?;
                    if let Some(until) = self.inbox.next_seq_if_empty() {
                        live.hear_nothing(until).await;
                    }
                    live.schedule_rescore().await;
                }
            }
        }
    }

    /// Fails when a source was deleted: no window is complete any more, which would look like a source that is silent.
    fn check_sources(&self, model: &Model) -> Result<()> {
        let catalog = self.context.scorer.ai.store.catalog();
        let mut sources = model.version.settings.sources.iter();
        match sources.find(|id| catalog.streams.stream_write_info(**id).is_none()) {
            None => Ok(()),
            Some(id) => Err(Error::invalid(format!(
                "its source {id} was deleted: upload a version with other sources, or delete the model"
            ))),
        }
    }

    /// Returns the model's progress, and whether it goes on from an earlier session. A new model starts with the present and
    /// with log record `first`, and so does one whose position is ahead of a clock that was set back: it would see nothing until
    /// then. That is saved at once, so that what comes from here on is scored, whenever the server ends.
    async fn place(&self, model: &Model, first: u64) -> Result<(ModelProgress, bool)> {
        let mut progress = self.context.progress_store.read(model.id).await?;
        let (now, bound) = (self.context.clock.now(), self.context.scorer.ai.store.ahead_bound());
        if progress.position.is_some_and(|position| bound.is_ahead(position, now)) {
            tracing::warn!(model = model.id.0, "the clock was set back; the model goes on with the present");
            progress = anomaly::apply_gap(&progress);
            progress.position = None;
            progress.late = progress.late.filter(|late| !bound.is_ahead(late.newest, now));
        }
        let is_resumed = progress.position.is_some();
        if !is_resumed {
            (progress.position, progress.consumed_seq) = (Some(now), Some(first));
            self.context.progress_store.put(model.id, progress).await;
            self.context.progress_store.save().await?;
        }
        Ok((progress, is_resumed))
    }

    /// Closes the open anomaly and forgets the position, so that the model starts with the present when it is enabled
    /// again.
    async fn disable(&self, model: &Arc<Model>) -> Result<()> {
        let progress = self.context.progress_store.read(model.id).await?;
        let at = progress.position.unwrap_or_else(|| self.context.clock.now());
        let progress = ModelProgress { position: None, run: None, consumed_seq: None, ..progress };
        let ended = anomaly::close_anomaly(model, &self.context.scorer.name(model), progress, at);
        self.context.record(model, ended).await?;
        self.context.scorer.ai.statuses.change(model.id, |status| {
            status.state = ModelState::Starting;
            status.position = None;
            status.is_anomalous = false;
        });
        Ok(())
    }

    async fn wait_until_enabled(&mut self) -> Result<ScoringEnd> {
        let outcome = self.model.changed().await;
        Ok(if outcome.is_ok() { ScoringEnd::Again } else { ScoringEnd::ModelDeleted })
    }
}
