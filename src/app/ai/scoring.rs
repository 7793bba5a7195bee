//! Models as queries run them: over rows that somebody chose, on the query's own thread.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::AiParts;
use super::feed::{Feed, Piece, Point, plan};
use crate::domain::ports::{Models, Scoring};
use crate::domain::{Error, Kind, Micros, ModelId, Principal, Resource, Result, Scope};
use crate::infer::detector::Detector;
use crate::infer::tflite::Workspace;
use crate::infer::window::Plan;

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
}

impl Models for QueryModels {
    fn open(&self, who: &Principal, id: ModelId) -> Result<Arc<dyn Scoring>> {
        who.require(Scope::read(Resource::System))?;
        let catalog = self.ai.store.catalog();
        catalog.model(who, id)?;
        // All of its sources: what it is run over are rows that the query has.
        let model = catalog.model(&Principal::system(who.org), id)?;
        let (detectors, (done, loaded)) = (self.ai.detectors.clone(), std::sync::mpsc::sync_channel(1));
        let settings = model.version.settings.clone();
        self.home.spawn(async move { drop(done.send(detectors.get(&model).await)) });
        let detector =
            loaded.recv().map_err(|e| Error::unavailable("the server is stopping").because(e))??;
        let plan = plan(&settings, detector.window())?;
        Ok(Arc::new(OverRows { detector, plan }))
    }
}

struct OverRows {
    detector: Arc<Detector>,
    plan: Plan,
}

impl Scoring for OverRows {
    fn sources(&self) -> usize {
        self.plan.features()
    }

    fn scores(
        &self,
        times: &[i64],
        values: &[f64],
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<(Micros, f64)>> {
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(Vec::new()) };
        let before = Micros(self.plan.sample_at_or_after(Micros(*first)).0 - self.plan.interval_us());
        let mut feed = Feed::after(self.plan, before);
        for (ts, row) in times.iter().zip(values.chunks_exact(self.sources())) {
            for (source, value) in row.iter().enumerate() {
                feed.push(Point { source, ts: *ts, value: *value });
            }
        }
        feed.advance(Micros(*last));
        let (mut workspace, mut found) = (Workspace::new(), Vec::new());
        while let Some(piece) = feed.next() {
            if is_cancelled() {
                return Err(Error::new(Kind::Timeout, "the query ran longer than it may"));
            }
            if let Piece::Stretch(stretch) = piece {
                let scores = self.detector.scores(&mut workspace, &stretch.samples)?;
                found.extend(stretch.ends().zip(scores));
            }
        }
        Ok(found)
    }
}
