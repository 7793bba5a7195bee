//! One window as a model sees it, and what it makes of it: so that a chart shows expected against actual.

use super::feed::{Feed, Piece, plan};
use super::threads::Lane;
use crate::app::App;
use crate::domain::{Error, Micros, ModelId, Principal, Resource, Result, Scope, StreamId};

/// How far back the newest window is looked for, in windows.
const LOOK_BACK: i64 = 4;

/// A window and its reconstruction.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedWindow {
    pub sources: Vec<StreamId>,
    /// Of each sample.
    pub times: Vec<Micros>,
    pub score: f64,
    /// One value for each source, sample by sample, in the units of the readings.
    pub input: Vec<f64>,
    pub reconstruction: Vec<f64>,
}

impl App {
    /// The newest whole window that ends at a time or before, or now.
    ///
    /// # Errors
    /// `Invalid` naming `at` when there is none within four windows' time; `Forbidden` when a source is not the principal's to see.
    pub async fn judged_window(
        &self,
        principal: &Principal,
        id: ModelId,
        at: Option<Micros>,
    ) -> Result<JudgedWindow> {
        principal.require(Scope::read(Resource::Value))?;
        let model = self.model_with_sources(principal, id)?;
        let detector = self.ai.detectors.get(&model).await?;
        let plan = plan(&model.version.settings, detector.window())?;
        let at = at.unwrap_or_else(|| self.clock.now());
        let length = at.0.saturating_sub(plan.window_start(at).0);
        let position = Micros(at.0.saturating_sub(length.saturating_mul(LOOK_BACK)));
        let mut replay = self.scorer().replay(&model, plan, position, at);
        let (mut feed, mut newest) = (Feed::after(plan, position), None);
        while let Some(piece) = replay.next_of_past(&mut feed).await? {
            if let Piece::Stretch(stretch) = piece {
                newest = Some(stretch);
            }
        }
        let no_window = || Error::field("at", "The sources have no whole window there.");
        let stretch = newest.ok_or_else(no_window)?;
        let end = stretch.ends().last().ok_or_else(no_window)?;
        let values = detector.window() * detector.features();
        let input = stretch.samples[stretch.samples.len() - values..].to_vec();
        let window = input.clone();
        let judge = move |workspace: &mut _| detector.judge(workspace, &window);
        let judged = self.ai.threads.run(Lane::Live, judge).await?;
        let start = plan.window_start(end).0;
        let times = (0..plan.samples() as i64).map(|i| Micros(start + i * plan.interval_us())).collect();
        let sources = model.version.settings.sources.clone();
        Ok(JudgedWindow { sources, times, score: judged.score, input, reconstruction: judged.reconstruction })
    }
}
