//! A model while it runs: pieces of its sources become scores, scores are stored, and events follow from them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::anomaly;
use super::ground::Ground;
use crate::app::ai::feed::{Feed, Piece, Point, Scores};
use crate::app::ai::threads::Lane;
use crate::domain::model::{Model, ModelProgress};
use crate::domain::{Micros, Principal, Result};
use crate::infer::detector::Detector;
use crate::infer::window::Plan;

/// Late readings are taken up when none came for so long: they mostly come together.
const CALM: Duration = Duration::from_secs(5);

pub struct Live {
    ground: Arc<Ground>,
    pub model: Arc<Model>,
    detector: Arc<Detector>,
    pub plan: Plan,
    pub feed: Feed,
    progress: ModelProgress,
    /// Scores up to here are stored already.
    stored: Option<Micros>,
    late: Option<Late>,
}

/// Readings that came when their time had been judged.
struct Late {
    oldest: i64,
    newest: i64,
    last: Instant,
}

impl Live {
    /// Behind the window at `position`.
    pub fn new(
        ground: Arc<Ground>,
        (model, detector): (Arc<Model>, Arc<Detector>),
        plan: Plan,
        progress: ModelProgress,
        position: Micros,
    ) -> Self {
        let last = ground.scorer.ai.store.last(&Principal::system(model.org), model.stream);
        // What is of the future somebody else has written there.
        let stored = last.map(|last| last.newest.ts).filter(|ts| *ts <= ground.clock.now());
        Self {
            ground,
            model,
            detector,
            plan,
            feed: Feed::after(plan, position),
            progress,
            stored,
            late: None,
        }
    }

    /// Whether the model as it is stored now goes on where this one is; it is taken over then.
    pub fn goes_on_with(&mut self, model: &Arc<Model>) -> bool {
        let goes_on = model.enabled && model.version.number == self.model.version.number;
        if goes_on {
            self.model = model.clone();
        }
        goes_on
    }

    /// Readings that came while the lake was read. What it had is known.
    pub fn join(&mut self, points: VecDeque<Point>) {
        for point in points {
            if !self.feed.has_heard(&point) {
                self.feed.push(point);
            }
        }
    }

    pub fn hear(&mut self, points: VecDeque<Point>) {
        for point in points {
            if self.feed.push(point) {
                self.note_late(point.ts);
            }
        }
    }

    fn note_late(&mut self, ts: i64) {
        self.ground.scorer.ai.board.change(self.model.id, |status| status.late += 1);
        let last = Instant::now();
        let late = self.late.get_or_insert(Late { oldest: ts, newest: ts, last });
        *late = Late { oldest: late.oldest.min(ts), newest: late.newest.max(ts), last };
    }

    /// Has the windows that late readings are part of scored again, once no more come.
    pub fn mend(&mut self) {
        let Some(late) = self.late.take_if(|late| late.last.elapsed() >= CALM) else { return };
        let Some(position) = self.progress.position else { return };
        let reach = position.0.saturating_sub(self.plan.window_start(position).0) + self.plan.max_gap_us();
        let to = Micros(late.newest.saturating_add(reach)).min(position);
        let job =
            self.ground.scorer.start_scoring("rescore", self.model.clone(), (Micros(late.oldest), to), false);
        if let Err(error) = job {
            let text = error.in_full();
            tracing::warn!(model = self.model.id.0, error = text, "late readings wait to be scored again");
            self.late = Some(Late { last: Instant::now(), ..late });
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
                self.ground.book.put(self.model.id, self.progress).await;
                self.ground.scorer.ai.board.change(self.model.id, |status| status.gaps += 1);
            }
            Piece::Stretch(stretch) => {
                let scores = self.ground.scorer.judge(&self.detector, stretch, lane).await?;
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
        self.ground.book.put(self.model.id, self.progress).await;
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
