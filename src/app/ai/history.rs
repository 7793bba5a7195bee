//! Scoring a range of the past: read in pieces, judged in batches, written as live scores are.

use std::sync::Arc;

use futures::TryStreamExt;
use serde_json::json;

use super::AiParts;
use super::calibrate::range_problem;
use super::feed::{Feed, Piece, Point, Scores, plan};
use super::past::PastAnomalies;
use super::threads::Lane;
use crate::app::App;
use crate::app::job::{Job, Report, Subject};
use crate::domain::event::{EventFilter, EventSpec};
use crate::domain::model::{ANOMALY, Anomaly, Model};
use crate::domain::page::Page;
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::{Error, Micros, ModelId, Principal, Resource, Result, Scope};
use crate::infer::window::Plan;
use crate::query::Engine;
use crate::query::list::List;
use crate::query::values::ValuesQuery;

/// Readings in one piece: a query of its own, so that none is held open while models run.
const CHUNK: usize = 32_768;

/// Anomalies that one job tells the event log.
const MOST_EVENTS: usize = 10_000;

/// Runs models over what is stored. It acts for the server: who may ask is decided before.
#[derive(Clone)]
pub struct Scorer {
    pub ai: AiParts,
    pub engine: Arc<Engine>,
}

impl Scorer {
    /// The sources' readings from `from` on, in order of time; fewer than `CHUNK` are all there are up to `to`, inclusive.
    async fn chunk(&self, model: &Model, from: Micros, to: Micros) -> Result<Readings> {
        let list = List {
            streams: Some(model.version.settings.sources.clone()),
            from: Some(from),
            to: Some(to),
            newest_first: false,
            offset: 0,
            limit: Some(CHUNK),
        };
        let stopping = || Error::unavailable("the server is stopping");
        let _turn = self.ai.reads.acquire().await.map_err(|_| stopping())?;
        let found =
            self.engine.values(&Principal::system(model.org), ValuesQuery { list, bad: true }).await?;
        let found: Vec<Readings> = found.try_collect().await?;
        Ok(found.iter().flat_map(Readings::iter).collect())
    }

    /// What is stored, from what the window behind `position` needs up to `to`.
    pub fn replay(&self, model: &Arc<Model>, plan: Plan, position: Micros, to: Micros) -> Replay {
        let from = Some(plan.feed_from(position));
        Replay { scorer: self.clone(), model: model.clone(), from, to, newest: position }
    }

    /// The scores of all windows that end in the range, both ends included.
    pub async fn history(&self, model: &Arc<Model>, from: Micros, to: Micros) -> Result<History> {
        let window = self.ai.detectors.get(model).await?.window();
        let plan = plan(&model.version.settings, window)?;
        // The window before the first that is wanted.
        let before = Micros(plan.sample_at_or_after(from).0.saturating_sub(plan.interval_us()));
        let feed = Feed::after(plan, before);
        // Of the future nothing is known, not even what a source holds.
        let to = to.min(self.ai.store.clock().now());
        Ok(History { replay: self.replay(model, plan, before, to), feed, from })
    }
}

/// Readings of the past on their way into a feed.
pub struct Replay {
    scorer: Scorer,
    model: Arc<Model>,
    /// From when on is still to be read; `None` when everything is.
    from: Option<Micros>,
    to: Micros,
    /// The newest time read.
    newest: Micros,
}

impl Replay {
    /// The next piece of what is stored; `None` when everything is read. What then is undecided waits for what comes, or
    /// for time.
    pub async fn next(&mut self, feed: &mut Feed) -> Result<Option<Piece>> {
        loop {
            if let Some(piece) = feed.next() {
                return Ok(Some(piece));
            }
            let Some(from) = self.from else { return Ok(None) };
            let readings = self.scorer.chunk(&self.model, from, self.to).await?;
            push(feed, &self.model, &readings);
            self.newest = readings.ts.last().map_or(self.to, |ts| Micros(*ts));
            // A full chunk is never of one time alone: a model has fewer sources. What is read twice counts once.
            self.from = (readings.len() >= CHUNK).then_some(self.newest);
        }
    }

    /// The next piece of what is stored, nothing being waited for.
    pub async fn next_of_past(&mut self, feed: &mut Feed) -> Result<Option<Piece>> {
        if let Some(piece) = self.next(feed).await? {
            return Ok(Some(piece));
        }
        feed.advance(self.to);
        Ok(feed.next())
    }
}

/// Scores of a range of the past, in order.
pub struct History {
    replay: Replay,
    feed: Feed,
    from: Micros,
}

impl History {
    pub async fn next(&mut self) -> Result<Option<Scores>> {
        while let Some(piece) = self.replay.next_of_past(&mut self.feed).await? {
            if let Piece::Stretch(stretch) = piece {
                let Replay { scorer, model, .. } = &self.replay;
                return scorer.ai.judge(model, stretch, Lane::Background).await.map(Some);
            }
        }
        Ok(None)
    }

    /// How much of the range is read, 0 to 1.
    fn progress(&self) -> f64 {
        let (done, all) = (self.replay.newest.0 - self.from.0, self.replay.to.0 - self.from.0);
        if all <= 0 { 1.0 } else { done as f64 / all as f64 }
    }
}

/// Fails for more anomalies than anybody reads: the threshold is not one. Their scores stay.
fn check_few(anomalies: usize) -> Result<()> {
    if anomalies <= MOST_EVENTS {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the scores are written, but make {anomalies} anomalies, and at most {MOST_EVENTS} are told: raise the threshold, or \
         leave events out"
    )))
}

/// Hands readings to a feed as what its model's sources said.
fn push(feed: &mut Feed, model: &Model, readings: &Readings) {
    let sources = &model.version.settings.sources;
    for row in 0..readings.len() {
        let Some(source) = sources.iter().position(|id| id.0 == readings.stream[row]) else { continue };
        let is_bad = readings.quality[row] == Quality::Bad as u8;
        let value = if is_bad { f64::NAN } else { readings.value[row] };
        feed.push(Point { source, ts: readings.ts[row], value });
    }
}

impl App {
    /// Scores every window that ends in a range, as a job; both ends included. Scores that are there are replaced, and with
    /// `events` so are events of anomalies that begin at the same windows; new ones are made for the others.
    ///
    /// # Errors
    /// `Forbidden` when a source is not the principal's to see; `Throttled` when too many jobs wait.
    pub fn score_history(
        &self,
        principal: &Principal,
        id: ModelId,
        (from, to): (Micros, Micros),
        events: bool,
    ) -> Result<Job> {
        principal.require(Scope::write(Resource::System))?;
        Error::check(range_problem(from, to).into_iter().collect())?;
        let model = self.whole_model(principal, id)?;
        self.scorer().start_scoring("score", model, (from, to), events)
    }

    /// The model with all of its sources, for a principal that owns it and sees these.
    pub(super) fn whole_model(&self, principal: &Principal, id: ModelId) -> Result<Arc<Model>> {
        self.store.catalog().model_to_change(principal, id)?;
        self.model_with_sources(principal, id)
    }

    /// The same for a principal that sees the model.
    pub(super) fn model_with_sources(&self, principal: &Principal, id: ModelId) -> Result<Arc<Model>> {
        let catalog = self.store.catalog();
        let seen = catalog.model(principal, id)?;
        let whole = catalog.model(&Principal::system(principal.org), id)?;
        if seen.version.settings.sources != whole.version.settings.sources {
            return Err(Error::forbidden("this key does not see all sources of the model"));
        }
        Ok(whole)
    }
}

impl Scorer {
    /// A job that writes the scores of a range, and the events that follow from them if they are wanted.
    pub fn start_scoring(
        &self,
        kind: &'static str,
        model: Arc<Model>,
        (from, to): (Micros, Micros),
        events: bool,
    ) -> Result<Job> {
        let (scorer, subject) =
            (self.clone(), Subject { org: model.org, device: model.device, model: model.id });
        let work = |report: Report| async move {
            let mut history = scorer.history(&model, from, to).await?;
            let (mut windows, mut past) = (0, PastAnomalies::new(&model));
            while let Some(scores) = history.next().await? {
                windows += scores.scores.len();
                scorer.write(&model, scores.iter()).await?;
                past.judge(&scores);
                report.progress(history.progress());
            }
            let found = past.finish();
            if events {
                check_few(found.len())?;
                scorer.tell(&model, &found).await?;
            }
            let (version, events) = (model.version.number, if events { found.len() } else { 0 });
            Ok(json!({"model": model.id.0, "version": version, "windows": windows, "events": events}))
        };
        self.ai.jobs.start(kind, subject, work)
    }

    /// Writes events of the past: over those of the same beginning, or new ones.
    async fn tell(&self, model: &Model, found: &[Anomaly]) -> Result<()> {
        let (catalog, owner) = (self.ai.store.catalog(), Principal::system(model.org));
        let name = self.name(model);
        for anomaly in found {
            let spec = anomaly.event(model, &name);
            let filter = EventFilter {
                stream: Some(model.stream),
                kinds: Some(vec![ANOMALY.to_owned()]),
                from: Some(anomaly.since),
                to: Some(anomaly.since),
                page: Page { offset: 0, limit: 1 },
                ..EventFilter::default()
            };
            match catalog.events(&owner, &filter).await?.first() {
                None => drop(catalog.create_event(&owner, spec).await?),
                Some(known) => {
                    let change = |event: &mut EventSpec| {
                        event.message = spec.message;
                        event.payload.extend(spec.payload);
                    };
                    catalog.update_event(&owner, known.id, change).await?;
                }
            }
        }
        Ok(())
    }

    /// What events call a model.
    pub fn name(&self, model: &Model) -> String {
        let device = self.ai.store.catalog().device(&Principal::system(model.org), model.device);
        device.map_or_else(|_| format!("model {}", model.id), |device| device.spec.name.clone())
    }

    /// Writes scores to the model's stream, durably; but for those that its retention would remove at once, which the store
    /// refuses: a model that was long away must not stop at them.
    pub async fn write(&self, model: &Model, scores: impl Iterator<Item = (Micros, f64)>) -> Result<()> {
        let store = &self.ai.store;
        let kept_from = store.catalog().kept(store.clock().now()).shown.of(model.stream.0);
        let kept = scores.filter(|(ts, _)| ts.0 >= kept_from);
        let rows: Readings = kept.map(|(ts, score)| Reading::good(model.stream, ts, score)).collect();
        store.write(&Principal::system(model.org), rows).await.map(drop)
    }
}
