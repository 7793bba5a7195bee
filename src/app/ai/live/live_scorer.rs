//! Scores the windows of a running model, stores the scores, and updates anomaly events from them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::anomaly;
use super::context::LiveContext;
use super::inbox::ReceivedReadings;
use super::missed_readings::ScoredUntil;
use super::rescore::RescoreScheduler;
use super::waiting::WaitingReadings;
use crate::app::ai::inference_pool::InferencePriority;
use crate::app::ai::window_feed::{FeedItem, SourceReading, WindowFeed, WindowScores};
use crate::domain::job::JobKind;
use crate::domain::min_max::MinMax;
use crate::domain::model::{LateRange, Model, ModelProgress};
use crate::domain::{Micros, Principal, Result};
use crate::infer::window::WindowSpec;

/// How often the log position of a model whose sources are silent is saved.
const IDLE_SAVE_INTERVAL: Duration = Duration::from_secs(60);

/// Scores the windows of one model in time order: first from stored readings, then from readings as they arrive.
pub struct LiveScorer {
    context: Arc<LiveContext>,
    pub model: Arc<Model>,
    pub plan: WindowSpec,
    pub feed: WindowFeed,
    progress: ModelProgress,
    /// Scores up to this time are already stored.
    stored: Option<Micros>,
    rescore: RescoreScheduler,
    /// Readings that are ahead of the clock: the feed would wait for their time, and see nothing before it.
    waiting: WaitingReadings,
    /// When the progress was last put into the progress store.
    last_saved: Instant,
}

impl LiveScorer {
    /// Creates a scorer that continues after the window at `position`.
    pub fn new(
        context: Arc<LiveContext>,
        model: Arc<Model>,
        plan: WindowSpec,
        progress: ModelProgress,
        position: Micros,
    ) -> Self {
        let last = context.scorer.ai.store.latest(&Principal::system(model.org), model.stream);
        // Scores of the future were written by somebody else.
        let stored = last.map(|last| last.newest.ts).filter(|ts| *ts <= context.clock.now());
        let mut rescore = RescoreScheduler::default();
        if let Some(late) = progress.late {
            rescore.note(late);
        }
        let (feed, kept) = (WindowFeed::resume_after(plan, position), Instant::now());
        let waiting = WaitingReadings::default();
        Self { context, model, plan, feed, progress, stored, rescore, waiting, last_saved: kept }
    }

    /// Finds readings that were committed before log record `first`, where this session's delivery begins, and were
    /// not consumed.
    pub async fn recover(&mut self, first: u64) -> Result<()> {
        if let (Some(position), Some(seq)) = (self.progress.position, self.progress.consumed_seq) {
            let judged = ScoredUntil { position, scored: self.stored };
            let missed = self.context.missed(&self.model, seq..first, judged).await?;
            if missed.is_scored {
                // Windows after the position are scored again, now with these readings.
                self.stored = None;
            }
            if let Some(late) = missed.late {
                self.note_late(late);
            }
        }
        self.progress.consumed_seq = Some(first);
        self.save_progress().await;
        Ok(())
    }

    /// Takes over the model as it is stored now if this session can continue with it; returns whether it can.
    pub fn try_update_model(&mut self, model: &Arc<Model>) -> bool {
        let goes_on = model.enabled && model.version.number == self.model.version.number;
        if goes_on {
            self.model = model.clone();
        }
        goes_on
    }

    /// Takes readings that arrived while the lake was read. They are not counted as late: it is unknown whether the
    /// lake already had them when their time was scored.
    pub async fn join(&mut self, arrived: ReceivedReadings) {
        self.take_up(arrived).await;
    }

    /// Takes stored readings that are ahead of the clock: they wait for their time.
    pub fn wait_for(&mut self, points: Vec<SourceReading>) {
        points.into_iter().for_each(|point| self.waiting.add(point));
    }

    /// Takes readings as they arrive and counts the late ones in the status of the model.
    pub async fn receive(&mut self, arrived: ReceivedReadings) {
        let late = self.take_up(arrived).await;
        if late > 0 {
            self.context.scorer.ai.statuses.change(self.model.id, |status| status.late += late);
        }
    }

    /// Returns how many readings were late.
    async fn take_up(&mut self, arrived: ReceivedReadings) -> u64 {
        let latest = self.context.scorer.ai.store.ahead_bound().latest(self.context.clock.now());
        let mut late = 0;
        for point in arrived.points {
            if let Some(point) = self.waiting.arrive(point, latest) {
                late += self.push(point);
            }
        }
        self.progress.consumed_seq = Some(arrived.next_seq);
        self.save_progress().await;
        late
    }

    /// Returns whether the reading was late, as a number.
    fn push(&mut self, point: SourceReading) -> u64 {
        // Until the first sample after the position is decided, the feed does not know that earlier ones are.
        let is_judged = self.progress.position.is_some_and(|position| point.ts <= position.0);
        let is_late = self.feed.push(point) || is_judged && point.value.is_finite();
        if is_late {
            self.note_late(LateRange::at(Micros(point.ts)));
        }
        u64::from(is_late)
    }

    /// Takes the readings that were ahead of the clock and whose time has come.
    pub fn take_due(&mut self) {
        let now = self.context.clock.now();
        while let Some(point) = self.waiting.take_due(now) {
            self.push(point);
        }
    }

    /// Whether samples are decided that are ahead of the clock, because it was set back: whatever arrives would be late.
    pub fn is_ahead(&self) -> bool {
        let bound = self.context.scorer.ai.store.ahead_bound();
        bound.is_ahead(self.feed.last_decided_sample(), self.context.clock.now())
    }

    /// Records that the log has nothing for this model's sources before record `seq`.
    pub async fn hear_nothing(&mut self, seq: u64) {
        self.progress.consumed_seq = Some(seq);
        if self.last_saved.elapsed() >= IDLE_SAVE_INTERVAL {
            self.save_progress().await;
        }
    }

    fn note_late(&mut self, late: LateRange) {
        self.progress.late = Some(late.merged_with(self.progress.late));
        self.rescore.note(late);
    }

    /// Puts the progress into the store, to be saved with that of the other models.
    async fn save_progress(&mut self) {
        self.last_saved = Instant::now();
        self.context.progress_store.put(self.model.id, self.progress).await;
    }

    /// Starts a rescoring job for the windows that late readings belong to, once no more late readings arrive.
    pub async fn schedule_rescore(&mut self) {
        self.poll_rescore().await;
        let (Some(late), Some(position)) = (self.progress.late, self.progress.position) else { return };
        if !self.rescore.is_due() {
            return;
        }
        let reach = position.0.saturating_sub(self.plan.window_start(position).0) + self.plan.max_gap_us();
        // Windows that are not decided yet will include the late readings anyway.
        let decided = self.feed.last_decided_sample().max(position);
        let to = Micros(late.newest.0.saturating_add(reach)).min(decided);
        let range = MinMax::new(late.oldest.min(to), to);
        let owner = Principal::system(self.model.org);
        let scorer = &self.context.scorer;
        match scorer.start_scoring((&owner, JobKind::Rescore), self.model.clone(), range, false).await {
            Ok(job) => self.rescore.begin(job.id),
            Err(error) => {
                let text = error.full_message();
                tracing::warn!(
                    model = self.model.id.0,
                    error = text,
                    "rescoring of late readings was postponed"
                );
                self.rescore.postpone();
            }
        }
    }

    /// Looks whether the rescoring job has ended.
    async fn poll_rescore(&mut self) {
        let Some(job) = self.rescore.job() else { return };
        match self.context.scorer.ai.jobs.state(job).await {
            Ok(state) if self.rescore.note_state(state, &mut self.progress.late) => {
                self.save_progress().await
            }
            Ok(_) => {}
            Err(error) => {
                let text = error.full_message();
                tracing::warn!(
                    job = job.0,
                    error = text,
                    "the state of a rescoring is not known; it is read again"
                );
            }
        }
    }

    /// Scores every complete item of the feed.
    pub async fn judge_ready(&mut self) -> Result<()> {
        while let Some(piece) = self.feed.next() {
            self.take(piece, InferencePriority::Live).await?;
        }
        Ok(())
    }

    /// Scores a run of samples, stores the scores and opens or closes anomalies; a gap ends the run of windows before it.
    /// `lane` is the priority of the inference: background while stored readings are read, live afterwards.
    pub async fn take(&mut self, piece: FeedItem, lane: InferencePriority) -> Result<()> {
        match piece {
            FeedItem::Gap => {
                self.progress = anomaly::apply_gap(&self.progress);
                self.save_progress().await;
                self.context.scorer.ai.statuses.change(self.model.id, |status| status.gaps += 1);
            }
            FeedItem::Samples(run) => {
                let scores = self.context.scorer.ai.score_run(&self.model, run, lane).await?;
                self.store(&scores).await?;
                self.update_anomalies(&scores).await?;
            }
        }
        Ok(())
    }

    /// Writes the scores that are not stored yet, before events and progress depend on them.
    async fn store(&mut self, scores: &WindowScores) -> Result<()> {
        let stored = self.stored;
        let new = scores.iter().filter(|(at, _)| stored.is_none_or(|stored| *at > stored));
        let new: Vec<_> = new.collect();
        if let Some((newest, _)) = new.last() {
            let newest = *newest;
            self.context.scorer.write(&self.model, new.into_iter()).await?;
            self.stored = Some(newest);
        }
        Ok(())
    }

    async fn update_anomalies(&mut self, scores: &WindowScores) -> Result<()> {
        let name = self.context.scorer.name(&self.model);
        let mut last = None;
        for (at, score) in scores.iter() {
            let made = anomaly::apply_score(&self.model, &name, &self.progress, at, score);
            self.progress = match made.event_change {
                Some(_) => self.context.record(&self.model, made).await?,
                None => made.progress,
            };
            last = Some(score);
        }
        self.save_progress().await;
        let (progress, windows) = (self.progress, scores.scores.len() as u64);
        self.context.scorer.ai.statuses.change(self.model.id, |status| {
            status.position = progress.position;
            status.windows += windows;
            status.last_score = last.or(status.last_score);
            status.is_anomalous = progress.open_anomaly.is_some();
        });
        Ok(())
    }
}
