//! One live model: from its position to the present through what is stored, then window by window as readings come.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::anomaly;
use super::board::ModelState;
use super::ground::Ground;
use super::judging::Live;
use super::queue::Queue;
use crate::app::ai::feed::plan;
use crate::app::ai::threads::Lane;
use crate::domain::model::{Model, ModelProgress};
use crate::domain::{Error, Micros, Result};

/// How long a source that says nothing is waited for beyond an interval, microseconds: readings take a while.
const GRACE_US: i64 = 5 * 1_000_000;

/// Between two looks whether time alone completes a sample.
const TICK: Duration = Duration::from_secs(1);

/// Before a model that failed is tried again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The task of one model.
pub struct Runner {
    pub ground: Arc<Ground>,
    pub queue: Queue,
    /// The model as it is stored now.
    pub model: watch::Receiver<Arc<Model>>,
    pub stop: CancellationToken,
}

/// Why a stretch of running ended.
enum End {
    /// Nobody tells of the model any more.
    Gone,
    /// It is to begin again: other files or sources, or readings were lost.
    Again,
}

impl Runner {
    /// Runs until it is stopped, at any point: what is half done is done again, and nothing twice. Whatever fails is told on
    /// the board and tried again.
    pub async fn run(mut self) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(self.run_sessions()).await;
    }

    async fn run_sessions(&mut self) {
        loop {
            let id = self.model.borrow().id;
            let ended = AssertUnwindSafe(self.session()).catch_unwind().await;
            match ended.unwrap_or_else(|_| Err(Error::internal("running the model failed"))) {
                Ok(End::Gone) => return,
                Ok(End::Again) => {}
                Err(error) => {
                    let text = error.in_full();
                    tracing::warn!(model = id.0, error = text, "a model cannot be run; trying again");
                    self.ground.scorer.ai.board.change(id, |status| {
                        status.state = ModelState::Failed;
                        status.last_error = Some(error.message);
                    });
                    tokio::select! {
                        () = tokio::time::sleep(PATIENCE) => {}
                        _ = self.model.changed() => {}
                    }
                }
            }
        }
    }

    /// From the model's position on, until something of it changes.
    async fn session(&mut self) -> Result<End> {
        let model = self.model.borrow_and_update().clone();
        let board = self.ground.scorer.ai.board.clone();
        if !model.enabled {
            self.disable(&model).await?;
            return self.wait_until_enabled().await;
        }
        board.change(model.id, |status| status.state = ModelState::CatchingUp);
        let window = self.ground.scorer.ai.detectors.get(&model).await?.window();
        let plan = plan(&model.version.settings, window)?;
        self.queue.followed().await;
        // What comes from here on is told twice, by the queue and by the lake; a sample is decided once all the same.
        let first = self.queue.clear();
        let progress = self.place(&model, first).await?;
        board.change(model.id, |status| {
            status.position = progress.position;
            status.is_anomalous = progress.open.is_some();
        });
        let now = self.ground.clock.now();
        let position = progress.position.unwrap_or(now);
        let ground = self.ground.clone();
        let mut replay = ground.scorer.replay(&model, plan, position, now);
        let mut live = Live::new(ground, model, plan, progress, position);
        live.recover(first).await?;
        while let Some(piece) = replay.next(&mut live.feed).await? {
            live.take(piece, Lane::Background).await?;
        }
        let Some(arrived) = self.queue.drain() else {
            board.change(live.model.id, |status| status.behind += 1);
            return Ok(End::Again);
        };
        live.join(arrived).await;
        board.change(live.model.id, |status| {
            status.state = ModelState::Running;
            status.last_error = None;
        });
        self.follow(live).await
    }

    /// Judges what comes.
    async fn follow(&mut self, mut live: Live) -> Result<End> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                told = self.model.changed() => {
                    if told.is_err() || !live.goes_on_with(&self.model.borrow_and_update().clone()) {
                        return Ok(End::Again);
                    }
                }
                arrived = self.queue.take() => {
                    let Some(arrived) = arrived else {
                        self.ground.scorer.ai.board.change(live.model.id, |status| status.behind += 1);
                        return Ok(End::Again);
                    };
                    live.hear(arrived).await;
                    live.judge_ready().await?;
                }
                _ = tick.tick() => {
                    let grace = GRACE_US.saturating_add(live.plan.interval_us());
                    let heard = Micros(self.ground.clock.now().0.saturating_sub(grace));
                    live.feed.advance(heard);
                    live.judge_ready().await?;
                    if let Some(heard) = self.queue.heard() {
                        live.hear_nothing(heard).await;
                    }
                    live.mend().await;
                }
            }
        }
    }

    /// How far the model is. A new one begins with the present and with record `first` of the log, which is saved at once:
    /// what comes from here on is judged, whenever the server ends.
    async fn place(&self, model: &Model, first: u64) -> Result<ModelProgress> {
        let mut progress = self.ground.book.read(model.id).await?;
        if progress.position.is_none() {
            (progress.position, progress.heard) = (Some(self.ground.clock.now()), Some(first));
            self.ground.book.put(model.id, progress).await;
            self.ground.book.save().await?;
        }
        Ok(progress)
    }

    /// Ends what is going on; when it is enabled again it begins with the present.
    async fn disable(&self, model: &Arc<Model>) -> Result<()> {
        let progress = self.ground.book.read(model.id).await?;
        let at = progress.position.unwrap_or_else(|| self.ground.clock.now());
        let progress = ModelProgress { position: None, run: None, heard: None, ..progress };
        let ended = anomaly::end(model, &self.ground.scorer.name(model), progress, at);
        self.ground.record(model, ended).await?;
        self.ground.scorer.ai.board.change(model.id, |status| {
            status.state = ModelState::Starting;
            status.position = None;
            status.is_anomalous = false;
        });
        Ok(())
    }

    async fn wait_until_enabled(&mut self) -> Result<End> {
        let told = self.model.changed().await;
        Ok(if told.is_ok() { End::Again } else { End::Gone })
    }
}
