//! A model while it runs: pieces of its sources become scores, scores are stored, and events follow from them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::anomaly;
use super::ground::Ground;
use super::late::Rescore;
use super::missed::Judged;
use super::queue::Arrived;
use crate::app::ai::feed::{Feed, Piece, Scores};
use crate::app::ai::threads::Lane;
use crate::domain::model::{Late, Model, ModelProgress};
use crate::domain::{Micros, Principal, Result};
use crate::infer::window::Plan;

/// How often a model whose sources say nothing has it saved that it has heard all the same.
const IDLE: Duration = Duration::from_secs(60);

pub struct Live {
    ground: Arc<Ground>,
    pub model: Arc<Model>,
    pub plan: Plan,
    pub feed: Feed,
    progress: ModelProgress,
    /// Scores up to here are stored already.
    stored: Option<Micros>,
    rescore: Rescore,
    /// When the progress was last given to be saved.
    kept: Instant,
}

impl Live {
    /// Behind the window at `position`.
    pub fn new(
        ground: Arc<Ground>,
        model: Arc<Model>,
        plan: Plan,
        progress: ModelProgress,
        position: Micros,
    ) -> Self {
        let last = ground.scorer.ai.store.last(&Principal::system(model.org), model.stream);
        // What is of the future somebody else has written there.
        let stored = last.map(|last| last.newest.ts).filter(|ts| *ts <= ground.clock.now());
        let mut rescore = Rescore::default();
        if let Some(late) = progress.late {
            rescore.note(late);
        }
        let (feed, kept) = (Feed::after(plan, position), Instant::now());
        Self { ground, model, plan, feed, progress, stored, rescore, kept }
    }

    /// Finds what came before record `first` of the log, from which on everything comes here, and was not heard.
    pub async fn recover(&mut self, first: u64) -> Result<()> {
        if let (Some(position), Some(heard)) = (self.progress.position, self.progress.heard) {
            let judged = Judged { position, scored: self.stored };
            let missed = self.ground.missed(&self.model, (heard, first), judged).await?;
            if missed.is_scored {
                // Windows behind the position are judged again, and this time with it.
                self.stored = None;
            }
            if let Some(late) = missed.late {
                self.note_late(late);
            }
        }
        self.progress.heard = Some(first);
        self.keep().await;
        Ok(())
    }

    /// Whether the model as it is stored now goes on where this one is; it is taken over then.
    pub fn goes_on_with(&mut self, model: &Arc<Model>) -> bool {
        let goes_on = model.enabled && model.version.number == self.model.version.number;
        if goes_on {
            self.model = model.clone();
        }
        goes_on
    }

    /// Readings that came while the lake was read. Of a time that was judged from the lake it is not known whether the lake had
    /// them by then: they are not counted as late.
    pub async fn join(&mut self, arrived: Arrived) {
        self.take_up(arrived).await;
    }

    pub async fn hear(&mut self, arrived: Arrived) {
        let late = self.take_up(arrived).await;
        if late > 0 {
            self.ground.scorer.ai.board.change(self.model.id, |status| status.late += late);
        }
    }

    /// How many came late.
    async fn take_up(&mut self, arrived: Arrived) -> u64 {
        let mut late = 0;
        for point in arrived.points {
            // Before the first sample behind the position is decided, the feed does not know that those before it are.
            let is_judged = self.progress.position.is_some_and(|position| point.ts <= position.0);
            if self.feed.push(point) || is_judged && point.value.is_finite() {
                self.note_late(Late::at(Micros(point.ts)));
                late += 1;
            }
        }
        self.progress.heard = Some(arrived.heard);
        self.keep().await;
        late
    }

    /// Nothing of the model's sources came up to this record of the log.
    pub async fn hear_nothing(&mut self, heard: u64) {
        self.progress.heard = Some(heard);
        if self.kept.elapsed() >= IDLE {
            self.keep().await;
        }
    }

    fn note_late(&mut self, late: Late) {
        self.progress.late = Some(late.and(self.progress.late));
        self.rescore.note(late);
    }

    /// Has the progress saved with the next that are.
    async fn keep(&mut self) {
        self.kept = Instant::now();
        self.ground.book.put(self.model.id, self.progress).await;
    }

    /// Has the windows that late readings are part of scored again, once no more come.
    pub async fn mend(&mut self) {
        if self.rescore.settle(&self.ground.scorer.ai.jobs, &mut self.progress.late) {
            self.keep().await;
        }
        let (Some(late), Some(position)) = (self.progress.late, self.progress.position) else { return };
        if !self.rescore.is_due() {
            return;
        }
        let reach = position.0.saturating_sub(self.plan.window_start(position).0) + self.plan.max_gap_us();
        // What is not decided yet is judged with it.
        let decided = self.feed.decided().max(position);
        let to = Micros(late.newest.0.saturating_add(reach)).min(decided);
        let range = (late.oldest.min(to), to);
        match self.ground.scorer.start_scoring("rescore", self.model.clone(), range, false) {
            Ok(job) => self.rescore.begin(job.id),
            Err(error) => {
                let text = error.in_full();
                tracing::warn!(
                    model = self.model.id.0,
                    error = text,
                    "late readings wait to be scored again"
                );
                self.rescore.put_off();
            }
        }
    }

    /// Judges every piece that is complete.
    pub async fn judge_ready(&mut self) -> Result<()> {
        while let Some(piece) = self.feed.next() {
            self.take(piece, Lane::Live).await?;
        }
        Ok(())
    }

    pub async fn take(&mut self, piece: Piece, lane: Lane) -> Result<()> {
        match piece {
            Piece::Gap => {
                self.progress = anomaly::gap(&self.progress);
                self.keep().await;
                self.ground.scorer.ai.board.change(self.model.id, |status| status.gaps += 1);
            }
            Piece::Stretch(stretch) => {
                let scores = self.ground.scorer.ai.judge(&self.model, stretch, lane).await?;
                self.store(&scores).await?;
                self.tell(&scores).await?;
            }
        }
        Ok(())
    }

    /// Writes the scores that are not there, before anything stands on them.
    async fn store(&mut self, scores: &Scores) -> Result<()> {
        let stored = self.stored;
        let new = scores.iter().filter(|(at, _)| stored.is_none_or(|stored| *at > stored));
        let new: Vec<_> = new.collect();
        if let Some((newest, _)) = new.last() {
            let newest = *newest;
            self.ground.scorer.write(&self.model, new.into_iter()).await?;
            self.stored = Some(newest);
        }
        Ok(())
    }

    async fn tell(&mut self, scores: &Scores) -> Result<()> {
        let name = self.ground.scorer.name(&self.model);
        let mut last = None;
        for (at, score) in scores.iter() {
            let made = anomaly::judge(&self.model, &name, &self.progress, at, score);
            self.progress = match made.told {
                Some(_) => self.ground.record(&self.model, made).await?,
                None => made.progress,
            };
            last = Some(score);
        }
        self.keep().await;
        let (progress, windows) = (self.progress, scores.scores.len() as u64);
        self.ground.scorer.ai.board.change(self.model.id, |status| {
            status.position = progress.position;
            status.windows += windows;
            status.last_score = last.or(status.last_score);
            status.is_anomalous = progress.open.is_some();
        });
        Ok(())
    }
}
