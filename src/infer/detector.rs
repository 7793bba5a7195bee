//! A model with its scaler: windows of readings in, how unusual they are out.
//!
//! Loading decides everything that can be wrong with the two files, alone and together, and says it of the field they came in.

use super::scaler::{self, Scaler};
use super::tflite::{self, Limits, Model, RunError, Tensor, Workspace};
use crate::domain::model::{ModelKind, ModelSettings, ScoreKind};
use crate::domain::{Error, FieldError, Kind, Result};

/// Windows that one run of a model with a free batch takes: enough to fill its products, few enough to stay in the cache.
const BATCH: usize = 64;

/// Work of what is done on a thread without looking up, in the unit of a model's limits: half a second of one core where a
/// run is as slow as it may be. What waits for the thread, or has asked for the scores, is looked at in between.
const PART_WORK: usize = 1 << 28;

/// Windows in such a part at most.
const MAX_PART: usize = 1 << 10;

/// Characters of a scaler's names of features that an error repeats.
const MAX_TOLD_NAMES: usize = 500;

/// Values of one window at most: the longest that a second's run of a small model takes.
const MAX_WINDOW_VALUES: usize = 1 << 16;

/// A model ready to judge. Immutable, to be shared; each thread has a `Workspace` of its own.
#[derive(Debug)]
pub struct Detector {
    model: Model,
    scaler: Scaler,
    window: usize,
    input: Vec<usize>,
    output: usize,
    score: ScoreKind,
    /// Windows that are judged without looking up.
    part: usize,
    bytes: usize,
}

/// What a model makes of one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    pub score: f64,
    /// As many as the window has, in the units of the readings.
    pub reconstruction: Vec<f64>,
}

impl Detector {
    /// Reads both files, and tries the model once.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge` naming `model`, `scaler`, `source` or `output`.
    pub fn load(model: &[u8], scaler: &[u8], settings: &ModelSettings) -> Result<Detector> {
        let model = Model::load(model, Limits::default()).map_err(model_refused);
        let scaler = Scaler::read(scaler).map_err(scaler_refused);
        let (model, scaler) = both(model, scaler)?;
        let (window, features) = shape(&model, settings.kind)?;
        check_features(&scaler, features, settings.sources.len())?;
        let mut input: Vec<usize> = model.inputs()[0].dims.iter().map(|dim| dim.unwrap_or(1)).collect();
        input[0] = 1;
        let bytes = size_of::<Detector>() + model.bytes() + scaler.bytes();
        let (output, score, part) = (0, settings.score, 1);
        let mut made = Detector { model, scaler, window, input, output, score, part, bytes };
        let mut workspace = Workspace::new();
        made.output = made.find_output(settings.output, &mut workspace)?;
        made.part = (PART_WORK / made.model.worked(&workspace).max(1)).clamp(1, MAX_PART);
        Ok(made)
    }

    /// Bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many windows to judge at once: as many as take no longer than others can wait.
    pub fn part(&self) -> usize {
        self.part
    }

    /// Samples in a window.
    pub fn window(&self) -> usize {
        self.window
    }

    /// Values in a sample, one for each source.
    pub fn features(&self) -> usize {
        self.scaler.features()
    }

    pub fn scaler(&self) -> &Scaler {
        &self.scaler
    }

    /// The score of every window in samples that follow each other: one for each sample from the `window`th on. `samples`
    /// has `features` values for each sample.
    ///
    /// # Errors
    /// `Invalid` when the model cannot run, or gives numbers that are not finite.
    pub fn scores(&self, workspace: &mut Workspace, samples: &[f64]) -> Result<Vec<f64>> {
        let mut scaled = vec![0.0; samples.len()];
        self.scaler.transform(samples, &mut scaled);
        let (step, len) = (self.features(), self.window * self.features());
        let count = (samples.len() / step + 1).saturating_sub(self.window);
        let at_once = if self.model.is_batched() { BATCH.min(self.part) } else { 1 };
        let mut scores = Vec::with_capacity(count);
        for first in (0..count).step_by(at_once) {
            let windows = first..count.min(first + at_once);
            let mut given = Vec::with_capacity(windows.len() * len);
            windows.for_each(|i| given.extend_from_slice(&scaled[i * step..i * step + len]));
            let made = self.run(workspace, given.clone())?;
            let pairs = given.chunks_exact(len).zip(made.chunks_exact(len));
            scores.extend(pairs.map(|(given, made)| compare(self.score, given, made)));
        }
        match scores.iter().find(|score| !score.is_finite()) {
            None => Ok(scores),
            Some(_) => Err(Error::invalid("the model's score of a window is not a finite number")),
        }
    }

    /// What the model makes of one window of readings.
    ///
    /// # Errors
    /// As `scores`.
    pub fn judge(&self, workspace: &mut Workspace, window: &[f64]) -> Result<Judged> {
        let mut scaled = vec![0.0; window.len()];
        self.scaler.transform(window, &mut scaled);
        let made = self.run(workspace, scaled.clone())?;
        let mut reconstruction = vec![0.0; window.len()];
        self.scaler.inverse(&made, &mut reconstruction);
        Ok(Judged { score: compare(self.score, &scaled, &made), reconstruction })
    }

    /// The reconstruction of scaled windows that follow each other.
    fn run(&self, workspace: &mut Workspace, windows: Vec<f32>) -> Result<Vec<f32>> {
        let (len, count) = (windows.len(), windows.len() / (self.window * self.features()));
        let mut outputs = self.outputs(workspace, count, windows).map_err(run_failed)?;
        let made = outputs.swap_remove(self.output).into_values().unwrap_or_default();
        if made.len() != len {
            return Err(Error::invalid("the model's reconstruction has another shape than its input"));
        }
        Ok(made)
    }

    fn outputs(
        &self,
        workspace: &mut Workspace,
        count: usize,
        windows: Vec<f32>,
    ) -> std::result::Result<Vec<Tensor>, RunError> {
        let mut dims = self.input.clone();
        dims[0] = count;
        self.model.run(workspace, vec![Tensor::floats(&dims, windows)?])
    }

    /// Which output is the reconstruction, found by trying a window of zeros.
    fn find_output(&self, asked: Option<usize>, workspace: &mut Workspace) -> Result<usize> {
        let len = self.window * self.features();
        let made = self.outputs(workspace, 1, vec![0.0; len]);
        let made = made.map_err(|e| Error::field("model", format!("The model does not run: {e}.")))?;
        let fits = |tensor: &Tensor| tensor.values().is_some_and(|values| values.len() == len);
        let fitting: Vec<usize> = (0..made.len()).filter(|i| fits(&made[*i])).collect();
        let found = match (asked, &fitting[..]) {
            (Some(asked), _) if fitting.contains(&asked) => asked,
            (Some(asked), _) => {
                let message =
                    format!("Output {asked} is not shaped as the input; those that are: {fitting:?}.");
                return Err(Error::field("output", message));
            }
            (None, [one]) => *one,
            (None, []) => {
                let dims: Vec<_> = made.iter().map(Tensor::dims).collect();
                let message = format!(
                    "No output is shaped as the input {:?}, as a reconstruction is; outputs: {dims:?}.",
                    self.input
                );
                return Err(Error::field("model", message));
            }
            (None, several) => {
                let message = format!("Outputs {several:?} are all shaped as the input; say which it is.");
                return Err(Error::field("output", message));
            }
        };
        let is_finite = made[found].values().is_some_and(|values| values.iter().all(|v| v.is_finite()));
        if !is_finite {
            return Err(Error::field("model", "The reconstruction of a window of zeros is not finite."));
        }
        Ok(found)
    }
}

/// Both, or everything that is wrong with either.
fn both(model: Result<Model>, scaler: Result<Scaler>) -> Result<(Model, Scaler)> {
    match (model, scaler) {
        (Ok(model), Ok(scaler)) => Ok((model, scaler)),
        (Err(model), Err(scaler)) if model.kind == Kind::Invalid && scaler.kind == Kind::Invalid => {
            Err(Error::fields(model.fields.into_iter().chain(scaler.fields).collect()))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// Samples and features of the one input: `[batch, window, features]`, or `[batch, window]` of one feature.
fn shape(model: &Model, kind: ModelKind) -> Result<(usize, usize)> {
    let wrong = |message: String| Err(Error::field("model", message));
    let [port] = model.inputs() else {
        return wrong(format!("The model has {} inputs; an autoencoder has one.", model.inputs().len()));
    };
    let known = |dims: &[Option<usize>]| dims.iter().copied().collect::<Option<Vec<usize>>>();
    let shown: Vec<_> = port.dims.iter().map(|d| d.map_or("any".to_owned(), |d| d.to_string())).collect();
    let shown = shown.join(", ");
    let wants = "[batch, window, features]";
    let Some(rest) = port.dims.get(1..).and_then(known) else {
        return wrong(format!(
            "The model's input is [{shown}]; it must be {wants}, all but the batch fixed."
        ));
    };
    let (window, features) = match (&rest[..], kind) {
        ([window, features], _) => (*window, *features),
        ([window], ModelKind::CnnAe) => (*window, 1),
        _ => return wrong(format!("The model's input is [{shown}]; {} takes {wants}.", kind.name())),
    };
    if port.dims[0].is_some_and(|batch| batch != 1) {
        return wrong(format!("The model's input is [{shown}]; the batch must be 1 or free."));
    }
    let values = window.checked_mul(features).filter(|n| (1..=MAX_WINDOW_VALUES).contains(n));
    if values.is_none() || window < 2 {
        let limits = format!("a window has 2 samples at least and {MAX_WINDOW_VALUES} values at most");
        return wrong(format!("The model's input is [{shown}]; {limits}."));
    }
    Ok((window, features))
}

fn check_features(scaler: &Scaler, features: usize, sources: usize) -> Result<()> {
    let mut problems = Vec::new();
    if scaler.features() != features {
        let has = scaler.features();
        let message = format!("The scaler has {has} features, the model takes {features}.");
        problems.push(FieldError::new("scaler", message));
    }
    if sources != features {
        let names = scaler.feature_names().map_or_else(String::new, |names| format!(": {}", told(names)));
        let message = format!("The model takes {features} sources{names}; {sources} given.");
        problems.push(FieldError::new("source", message));
    }
    Error::check(problems)
}

/// Names one after the other, cut: they are as long as whoever made the file wanted.
fn told(names: &[String]) -> String {
    let mut all = names.iter().flat_map(|name| [", ", name.as_str()]).skip(1).flat_map(str::chars);
    let mut told: String = all.by_ref().take(MAX_TOLD_NAMES).collect();
    if all.next().is_some() {
        told.push('…');
    }
    told
}

fn compare(score: ScoreKind, given: &[f32], made: &[f32]) -> f64 {
    let differences = given.iter().zip(made).map(|(a, b)| f64::from(*a) - f64::from(*b));
    let mean = |sum: f64| sum / given.len() as f64;
    match score {
        ScoreKind::Mse => mean(differences.map(|d| d * d).sum()),
        ScoreKind::Mae => mean(differences.map(f64::abs).sum()),
        ScoreKind::Rmse => mean(differences.map(|d| d * d).sum()).sqrt(),
    }
}

fn model_refused(error: tflite::Refused) -> Error {
    match error {
        tflite::Refused::NotTflite => Error::field("model", "Not a TFLite model."),
        tflite::Refused::Limit(_) => refused(Kind::TooLarge, "model", error),
        _ => refused(Kind::Invalid, "model", error),
    }
}

fn scaler_refused(error: scaler::Refused) -> Error {
    match error {
        scaler::Refused::TooLarge | scaler::Refused::Inflated => refused(Kind::TooLarge, "scaler", error),
        _ => refused(Kind::Invalid, "scaler", error),
    }
}

/// The reason as a sentence about a field.
fn refused(kind: Kind, field: &'static str, reason: impl std::fmt::Display) -> Error {
    let reason = reason.to_string();
    let mut letters = reason.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let sentence = format!("{first}{}.", letters.as_str());
    match kind {
        Kind::Invalid => Error::field(field, sentence),
        kind => Error::new(kind, format!("{field}: {reason}")),
    }
}

fn run_failed(error: RunError) -> Error {
    Error::invalid(format!("the model does not run: {error}"))
}

#[cfg(test)]
#[path = "detector_tests.rs"]
mod tests;
