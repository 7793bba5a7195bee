//! Scores a past range: readings are read in chunks, scored in batches, and scores are written as live ones are.

use std::sync::Arc;

use futures::TryStreamExt;
use serde_json::json;

use super::ModelRuntime;
use super::anomaly_collector::AnomalyCollector;
use super::calibrate::range_problem;
use super::inference_pool::InferencePriority;
use super::window_feed::{FeedItem, SourceReading, WindowFeed, WindowScores, window_plan};
use crate::app::ai::ModelService;
use crate::app::job::JobReporter;
use crate::domain::event::{EventFilter, EventSpec};
use crate::domain::job::{Job, JobKind, JobSubject};
use crate::domain::min_max::MinMax;
use crate::domain::model::{ANOMALY_EVENT_KIND, Anomaly, Model};
use crate::domain::pagination::Pagination;
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::{Error, Micros, ModelId, Principal, Resource, Result, Scope};
use crate::infer::window::WindowSpec;
use crate::query::Engine;
use crate::query::list_query::ListQuery;
use crate::query::readings_list::ValuesQuery;

/// Maximum readings in one chunk. Each chunk is a query of its own, so that no query stays open while models run.
const MAX_CHUNK_READINGS: usize = 32_768;

/// Maximum anomalies that one job writes to the event log.
const MAX_EVENTS_PER_JOB: usize = 10_000;

/// Runs models over stored readings. It acts for the server: callers are authorized before.
#[derive(Clone)]
pub struct ModelScorer {
    pub ai: ModelRuntime,
    pub engine: Arc<Engine>,
}

impl ModelScorer {
    /// Returns the sources' readings from `from` on in time order. Fewer than `MAX_CHUNK_READINGS` are all there are
    /// up to `to`, inclusive.
    async fn chunk(&self, model: &Model, from: Micros, to: Option<Micros>) -> Result<Readings> {
        let list = ListQuery {
            streams: Some(model.version.settings.sources.clone()),
            from: Some(from),
            to,
            newest_first: false,
            offset: 0,
            limit: Some(MAX_CHUNK_READINGS),
        };
        let stopping = || Error::unavailable("the server is stopping");
        let _turn = self.ai.reads.acquire().await.map_err(|_| stopping())?;
        let found = self
            .engine
            .values(&Principal::system(model.org), ValuesQuery { list, include_bad: true })
            .await?;
        let found: Vec<Readings> = found.try_collect().await?;
        Ok(found.iter().flat_map(Readings::iter).collect())
    }

    /// Returns the sources' readings after a time, in time order; of more than `MAX_CHUNK_READINGS` the first.
    pub async fn readings_after(&self, model: &Model, after: Micros) -> Result<Vec<SourceReading>> {
        let readings = self.chunk(model, Micros(after.0.saturating_add(1)), None).await?;
        Ok(source_readings(model, &readings).collect())
    }

    /// Returns a replay of stored readings, from the first that the window after `position` needs, up to `to`.
    pub fn replay(&self, model: &Arc<Model>, plan: WindowSpec, position: Micros, to: Micros) -> Replay {
        let from = Some(plan.replay_from(position));
        Replay { scorer: self.clone(), model: model.clone(), from, to, newest: position }
    }

    /// Returns the scores of all windows that end in the range, both ends inclusive.
    pub async fn history(&self, model: &Arc<Model>, from: Micros, to: Micros) -> Result<RangeScores> {
        let window = self.ai.detectors.get(model).await?.window_len();
        let plan = window_plan(&model.version.settings, window)?;
        // The end of the window before the first requested one.
        let before = Micros(plan.sample_at_or_after(from).0.saturating_sub(plan.interval_us()));
        let feed = WindowFeed::resume_after(plan, before);
        // Nothing is known of the future, not even which value a source still has.
        let to = to.min(self.ai.store.clock().now());
        Ok(RangeScores { replay: self.replay(model, plan, before, to), feed, from })
    }
}

/// Feeds stored readings into a window feed.
pub struct Replay {
    scorer: ModelScorer,
    model: Arc<Model>,
    /// Time to read from next; `None` when everything is read.
    from: Option<Micros>,
    to: Micros,
    /// Newest time read so far.
    newest: Micros,
}

impl Replay {
    /// Returns the next feed item from stored readings; `None` when everything is read. What is undecided then is
    /// decided by later readings or by time.
    pub async fn next(&mut self, feed: &mut WindowFeed) -> Result<Option<FeedItem>> {
        loop {
            if let Some(piece) = feed.next() {
                return Ok(Some(piece));
            }
            let Some(from) = self.from else { return Ok(None) };
            let readings = self.scorer.chunk(&self.model, from, Some(self.to)).await?;
            for point in source_readings(&self.model, &readings) {
                feed.push(point);
            }
            self.newest = readings.ts.last().map_or(self.to, |ts| Micros(*ts));
            // A full chunk never has only one time, because a model has fewer sources. Readings that are read twice
            // count once.
            self.from = (readings.len() >= MAX_CHUNK_READINGS).then_some(self.newest);
        }
    }

    /// Like `next`, but decides everything up to the end of the range instead of leaving it open.
    pub async fn next_without_waiting(&mut self, feed: &mut WindowFeed) -> Result<Option<FeedItem>> {
        if let Some(piece) = self.next(feed).await? {
            return Ok(Some(piece));
        }
        feed.advance(self.to);
        Ok(feed.next())
    }
}

/// Scores of a past range, in order.
pub struct RangeScores {
    replay: Replay,
    feed: WindowFeed,
    from: Micros,
}

impl RangeScores {
    /// Returns the scores of the next run of samples; `None` at the end of the range.
    pub async fn next(&mut self) -> Result<Option<WindowScores>> {
        while let Some(piece) = self.replay.next_without_waiting(&mut self.feed).await? {
            if let FeedItem::Samples(run) = piece {
                let Replay { scorer, model, .. } = &self.replay;
                return scorer.ai.score_run(model, run, InferencePriority::Background).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Returns how much of the range is read, 0 to 1.
    fn progress(&self) -> f64 {
        let (done, all) = (self.replay.newest.0 - self.from.0, self.replay.to.0 - self.from.0);
        if all <= 0 { 1.0 } else { done as f64 / all as f64 }
    }
}

/// Fails for more anomalies than anybody would read: the threshold is too low then. The scores stay.
fn check_anomaly_count(anomalies: usize) -> Result<()> {
    if anomalies <= MAX_EVENTS_PER_JOB {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the scores are written, but make {anomalies} anomalies; one job writes at most {MAX_EVENTS_PER_JOB} events: \
         raise the threshold, or leave events out"
    )))
}

/// Returns the readings of a model's sources, by the index of their stream among them.
fn source_readings(model: &Model, readings: &Readings) -> impl Iterator<Item = SourceReading> {
    let sources = &model.version.settings.sources;
    (0..readings.len()).filter_map(move |row| {
        let source = sources.iter().position(|id| id.0 == readings.stream[row])?;
        let is_bad = readings.quality[row] == Quality::Bad as u8;
        let value = if is_bad { f64::NAN } else { readings.value[row] };
        Some(SourceReading { source, ts: readings.ts[row], value })
    })
}

impl ModelService {
    /// Starts a job that scores every window that ends in a range. Existing scores are replaced.
    /// With `events`, so are the events of anomalies that begin at the same windows; the other anomalies get new
    /// events.
    ///
    /// # Errors
    /// `Forbidden` when the principal may not see every source; `Throttled` when too many jobs wait.
    pub async fn score_history(
        &self,
        principal: &Principal,
        id: ModelId,
        range: MinMax<Micros>,
        events: bool,
    ) -> Result<Job> {
        principal.require(Scope::write(Resource::System))?;
        Error::check(range_problem(range.min, range.max).into_iter().collect())?;
        let model = self.model_with_sources_to_change(principal, id)?;
        self.scorer().start_scoring((principal, JobKind::Score), model, range, events).await
    }

    /// Returns the model with all of its sources, for a principal that may change it and sees every source.
    pub(super) fn model_with_sources_to_change(
        &self,
        principal: &Principal,
        id: ModelId,
    ) -> Result<Arc<Model>> {
        self.store.catalog().models.model_for_update(principal, id)?;
        self.model_with_sources(principal, id)
    }

    /// Returns the model with all of its sources, for a principal that sees the model and every source.
    pub(super) fn model_with_sources(&self, principal: &Principal, id: ModelId) -> Result<Arc<Model>> {
        let catalog = self.store.catalog();
        let seen = catalog.models.model(principal, id)?;
        let whole = catalog.models.model(&Principal::system(principal.org), id)?;
        if seen.version.settings.sources != whole.version.settings.sources {
            return Err(Error::forbidden("this key does not see all sources of the model"));
        }
        Ok(whole)
    }
}

impl ModelScorer {
    /// Starts a job that writes the scores of a range and, with `events`, the events of its anomalies.
    pub async fn start_scoring(
        &self,
        (who, kind): (&Principal, JobKind),
        model: Arc<Model>,
        range: MinMax<Micros>,
        events: bool,
    ) -> Result<Job> {
        let (scorer, subject) = (self.clone(), JobSubject::Model { model: model.id, device: model.device });
        let work = move |report: JobReporter| async move {
            let mut history = scorer.history(&model, range.min, range.max).await?;
            let (mut windows, mut past) = (0, AnomalyCollector::new(&model));
            while let Some(scores) = history.next().await? {
                windows += scores.scores.len();
                scorer.write(&model, scores.iter()).await?;
                past.add_scores(&scores);
                report.set_progress(history.progress());
            }
            let found = past.finish();
            if events {
                check_anomaly_count(found.len())?;
                scorer.write_events(&model, &found).await?;
            }
            let (version, events) = (model.version.number, if events { found.len() } else { 0 });
            Ok(json!({"model": model.id.0, "version": version, "windows": windows, "events": events}))
        };
        self.ai.jobs.start(who, kind, subject, work).await
    }

    /// Writes events of past anomalies: replaces those with the same beginning, creates the others.
    async fn write_events(&self, model: &Model, found: &[Anomaly]) -> Result<()> {
        let (catalog, owner) = (self.ai.store.catalog(), Principal::system(model.org));
        let name = self.name(model);
        for anomaly in found {
            let spec = anomaly.event(model, &name);
            let filter = EventFilter {
                stream: Some(model.stream),
                kinds: Some(vec![ANOMALY_EVENT_KIND.to_owned()]),
                from: Some(anomaly.since),
                to: Some(anomaly.since),
                page: Pagination { offset: 0, limit: 1 },
                ..EventFilter::default()
            };
            match catalog.events.events(&owner, &filter).await?.first() {
                None => drop(catalog.events.create_event(&owner, spec).await?),
                Some(known) => {
                    let change = |event: &mut EventSpec| {
                        event.message = spec.message;
                        event.payload.extend(spec.payload);
                    };
                    catalog.events.update_event(&owner, known.id, change).await?;
                }
            }
        }
        Ok(())
    }

    /// Returns the model's name in events: that of its device.
    pub fn name(&self, model: &Model) -> String {
        let device = self.ai.store.catalog().devices.device(&Principal::system(model.org), model.device);
        device.map_or_else(|_| format!("model {}", model.id), |device| device.spec.name.clone())
    }

    /// Writes scores to the model's stream, durably. Scores that retention would remove at once are skipped, because
    /// the store refuses them: a model that was stopped for long must not fail on them.
    pub async fn write(&self, model: &Model, scores: impl Iterator<Item = (Micros, f64)>) -> Result<()> {
        let store = &self.ai.store;
        let kept_from = store
            .catalog()
            .retention
            .retention_bounds(store.clock().now())
            .visible_from
            .start_of(model.stream.0);
        let kept = scores.filter(|(ts, _)| ts.0 >= kept_from);
        let rows: Readings = kept.map(|(ts, score)| Reading::good(model.stream, ts, score)).collect();
        store.write(&Principal::system(model.org), rows).await.map(drop)
    }
}
