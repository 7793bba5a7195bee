//! Window inspection: the input of one window and the model's reconstruction of it, for a chart of expected against
//! actual values.

use super::inference_pool::InferencePriority;
use super::window_feed::{FeedItem, WindowFeed, window_plan};
use crate::app::ai::ModelService;
use crate::domain::{Error, Micros, ModelId, Principal, Resource, Result, Scope, StreamId};

/// How far back to search for the newest window, in window lengths.
const LOOK_BACK: i64 = 4;

/// A window and its reconstruction.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowInspection {
    pub sources: Vec<StreamId>,
    /// Time of each sample.
    pub times: Vec<Micros>,
    pub score: f64,
    /// One value for each source, sample by sample, in the units of the readings.
    pub input: Vec<f64>,
    pub reconstruction: Vec<f64>,
}

impl ModelService {
    /// Returns the newest complete window that ends at or before `at`, or before now without one.
    ///
    /// # Errors
    /// `Invalid` naming `at` when there is none within four window lengths; `Forbidden` when the principal may not see
    /// every source.
    pub async fn inspect_window(
        &self,
        principal: &Principal,
        id: ModelId,
        at: Option<Micros>,
    ) -> Result<WindowInspection> {
        principal.require(Scope::read(Resource::Value))?;
        let model = self.model_with_sources(principal, id)?;
        let detector = self.ai.detectors.get(&model).await?;
        let plan = window_plan(&model.version.settings, detector.window_len())?;
        let at = at.unwrap_or_else(|| self.clock.now());
        let length = at.0.saturating_sub(plan.window_start(at).0);
        let position = Micros(at.0.saturating_sub(length.saturating_mul(LOOK_BACK)));
        let mut replay = self.scorer().replay(&model, plan, position, at);
        let (mut feed, mut newest) = (WindowFeed::resume_after(plan, position), None);
        while let Some(piece) = replay.next_without_waiting(&mut feed).await? {
            if let FeedItem::Samples(run) = piece {
                newest = Some(run);
            }
        }
        let no_window = || Error::field("at", "The sources have no whole window there.");
        let run = newest.ok_or_else(no_window)?;
        let end = run.ends().last().ok_or_else(no_window)?;
        let values = detector.window_len() * detector.features();
        let input = run.samples[run.samples.len() - values..].to_vec();
        let window = input.clone();
        let judge = move |workspace: &mut _| detector.score_window(workspace, &window);
        let judged = self.ai.inference_pool.run(InferencePriority::Live, judge).await?;
        let start = plan.window_start(end).0;
        let times = (0..plan.samples() as i64).map(|i| Micros(start + i * plan.interval_us())).collect();
        let sources = model.version.settings.sources.clone();
        Ok(WindowInspection {
            sources,
            times,
            score: judged.score,
            input,
            reconstruction: judged.reconstruction,
        })
    }
}
