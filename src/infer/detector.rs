//! Anomaly detector: a model with its scaler, which turns windows of readings into scores.
//!
//! Loading finds every error of the two files, alone and together, and reports it for the field they came in.

use super::scaler::{self, Scaler};
use super::tflite::{self, Model, ModelLimits, RunError, Tensor, Workspace};
use crate::domain::model::{ModelKind, ModelSettings, ScoreKind};
use crate::domain::{Error, FieldError, Kind, Result};

/// Windows per run of a model with a free batch: enough to fill its matrix products, few enough to stay in the cache.
const MAX_BATCH_WINDOWS: usize = 64;

/// Work per chunk, in the unit of the model's limits: half a second of one core for the slowest model allowed. Between
/// chunks the thread checks for other waiting work and for cancellation.
const CHUNK_WORK_BUDGET: usize = 1 << 28;

/// Maximum number of windows per chunk.
const MAX_CHUNK_WINDOWS: usize = 1 << 10;

/// Characters of a scaler's feature names that an error repeats.
const MAX_QUOTED_NAME_CHARS: usize = 500;

/// Maximum number of values in one window: the longest window for which a small model takes a second.
const MAX_WINDOW_VALUES: usize = 1 << 16;

/// Score of a window that the model cannot reproduce in its numbers, such as one with a reading beyond their range: above
/// all other scores, and small enough that statistics of scores stay finite.
pub const MAX_SCORE: f64 = 1e100;

/// A loaded model with its scaler. Immutable and shareable; each thread has a `Workspace` of its own.
#[derive(Debug)]
pub struct Detector {
    model: Model,
    scaler: Scaler,
    window_len: usize,
    input: Vec<usize>,
    output: usize,
    score: ScoreKind,
    /// Windows scored between two checks.
    windows_per_chunk: usize,
    memory_bytes: usize,
}

/// Result of scoring one window.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredWindow {
    /// Error between the scaled window and its reconstruction, by the model's [`ScoreKind`]; not finite if the model's
    /// output is not.
    pub score: f64,
    /// Reconstructed values, as many as the window has, in the units of the readings.
    pub reconstruction: Vec<f64>,
    /// Sum of the squared errors of each feature over the samples of the window, in the scaled units of the score.
    pub squared_errors: Vec<f64>,
}

impl Detector {
    /// Loads both files and runs the model once.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge` naming `model`, `scaler`, `source` or `output`.
    pub fn load(model: &[u8], scaler: &[u8], settings: &ModelSettings) -> Result<Detector> {
        let model = Model::load(model, ModelLimits::default()).map_err(model_refused);
        let scaler = Scaler::read(scaler).map_err(scaler_refused);
        let (model, scaler) = both_or_errors(model, scaler)?;
        let (window, features) = window_shape(&model, settings.kind)?;
        check_features(&scaler, features, settings.sources.len())?;
        let mut input: Vec<usize> = model.inputs()[0].dims.iter().map(|dim| dim.unwrap_or(1)).collect();
        input[0] = 1;
        let bytes = size_of::<Detector>() + model.memory_bytes() + scaler.memory_bytes();
        let (output, score, part) = (0, settings.score, 1);
        let mut made = Detector {
            model,
            scaler,
            window_len: window,
            input,
            output,
            score,
            windows_per_chunk: part,
            memory_bytes: bytes,
        };
        let mut workspace = Workspace::new();
        made.output = made.find_reconstruction_output(settings.output, &mut workspace)?;
        made.windows_per_chunk =
            (CHUNK_WORK_BUDGET / made.model.last_run_work(&workspace).max(1)).clamp(1, MAX_CHUNK_WINDOWS);
        Ok(made)
    }

    /// Returns its memory size in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Returns how many windows to score at once without delaying other work for too long.
    pub fn windows_per_chunk(&self) -> usize {
        self.windows_per_chunk
    }

    /// Returns the number of samples per window.
    pub fn window_len(&self) -> usize {
        self.window_len
    }

    /// Returns the number of values per sample, one per source.
    pub fn features(&self) -> usize {
        self.scaler.features()
    }

    /// Returns the names of the operators that run for a window, each once, in alphabetical order.
    pub fn operators(&self) -> Vec<String> {
        self.model.operators()
    }

    /// Returns the scaler, whose features are the model's sources in order.
    pub fn scaler(&self) -> &Scaler {
        &self.scaler
    }

    /// Scores every window of consecutive samples: one score for each sample from the `window`th on. `samples` has
    /// `features` values per sample. A score that is not finite is [`MAX_SCORE`]: one such reading stops no model.
    ///
    /// # Errors
    /// `Invalid` when the model cannot run.
    pub fn score_windows(&self, workspace: &mut Workspace, samples: &[f64]) -> Result<Vec<f64>> {
        let mut scaled = vec![0.0; samples.len()];
        self.scaler.transform(samples, &mut scaled);
        let (step, len) = (self.features(), self.window_len * self.features());
        let count = (samples.len() / step + 1).saturating_sub(self.window_len);
        let at_once = if self.model.is_batched() { MAX_BATCH_WINDOWS.min(self.windows_per_chunk) } else { 1 };
        let mut scores = Vec::with_capacity(count);
        for first in (0..count).step_by(at_once) {
            let windows = first..count.min(first + at_once);
            let mut inputs = Vec::with_capacity(windows.len() * len);
            windows.for_each(|i| inputs.extend_from_slice(&scaled[i * step..i * step + len]));
            let made = self.reconstruct(workspace, inputs.clone())?;
            let pairs = inputs.chunks_exact(len).zip(made.chunks_exact(len));
            let found = pairs.map(|(inputs, made)| reconstruction_error(self.score, inputs, made));
            scores.extend(found.map(|score| if score.is_finite() { score } else { MAX_SCORE }));
        }
        Ok(scores)
    }

    /// Scores one window of readings, `[sample, feature]` row by row, and returns its reconstruction.
    ///
    /// # Errors
    /// `Invalid` when the model cannot run. Numbers that are not finite are returned, not refused.
    pub fn score_window(&self, workspace: &mut Workspace, window: &[f64]) -> Result<ScoredWindow> {
        let mut scaled = vec![0.0; window.len()];
        self.scaler.transform(window, &mut scaled);
        let made = self.reconstruct(workspace, scaled.clone())?;
        let mut reconstruction = vec![0.0; window.len()];
        self.scaler.inverse_transform(&made, &mut reconstruction);
        let squared_errors = squared_errors(self.features(), &scaled, &made);
        Ok(ScoredWindow {
            score: reconstruction_error(self.score, &scaled, &made),
            reconstruction,
            squared_errors,
        })
    }

    /// Reconstructs consecutive scaled windows.
    fn reconstruct(&self, workspace: &mut Workspace, windows: Vec<f32>) -> Result<Vec<f32>> {
        let (len, count) = (windows.len(), windows.len() / (self.window_len * self.features()));
        let mut outputs = self.outputs(workspace, count, windows).map_err(run_failed)?;
        let made = outputs.swap_remove(self.output).into_floats().unwrap_or_default();
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
        self.model.run(workspace, vec![Tensor::from_floats(&dims, windows)?])
    }

    /// Finds the output that is the reconstruction, by running a window of zeros.
    fn find_reconstruction_output(
        &self,
        configured: Option<usize>,
        workspace: &mut Workspace,
    ) -> Result<usize> {
        let len = self.window_len * self.features();
        let made = self.outputs(workspace, 1, vec![0.0; len]);
        let made = made.map_err(|e| Error::field("model", format!("The model does not run: {e}.")))?;
        let fits = |tensor: &Tensor| tensor.as_floats().is_some_and(|values| values.len() == len);
        let fitting: Vec<usize> = (0..made.len()).filter(|i| fits(&made[*i])).collect();
        let found = match (configured, &fitting[..]) {
            (Some(configured), _) if fitting.contains(&configured) => configured,
            (Some(configured), _) => {
                let message =
                    format!("Output {configured} is not shaped as the input; those that are: {fitting:?}.");
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
        let is_finite = made[found].as_floats().is_some_and(|values| values.iter().all(|v| v.is_finite()));
        if !is_finite {
            return Err(Error::field("model", "The reconstruction of a window of zeros is not finite."));
        }
        Ok(found)
    }
}

/// Returns both results, or the errors of both.
fn both_or_errors(model: Result<Model>, scaler: Result<Scaler>) -> Result<(Model, Scaler)> {
    match (model, scaler) {
        (Ok(model), Ok(scaler)) => Ok((model, scaler)),
        (Err(model), Err(scaler)) if model.kind == Kind::Invalid && scaler.kind == Kind::Invalid => {
            Err(Error::fields(model.fields.into_iter().chain(scaler.fields).collect()))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// Returns samples and features of the only input: `[batch, window, features]`, or `[batch, window]` for one feature.
fn window_shape(model: &Model, kind: ModelKind) -> Result<(usize, usize)> {
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
        let names =
            scaler.feature_names().map_or_else(String::new, |names| format!(": {}", join_names(names)));
        let message = format!("The model takes {features} sources{names}; {sources} given.");
        problems.push(FieldError::new("source", message));
    }
    Error::check(problems)
}

/// Joins names up to a limit, because the author of the file chooses their length.
fn join_names(names: &[String]) -> String {
    let mut all = names.iter().flat_map(|name| [", ", name.as_str()]).skip(1).flat_map(str::chars);
    let mut quoted: String = all.by_ref().take(MAX_QUOTED_NAME_CHARS).collect();
    if all.next().is_some() {
        quoted.push('…');
    }
    quoted
}

fn reconstruction_error(score: ScoreKind, inputs: &[f32], made: &[f32]) -> f64 {
    let differences = inputs.iter().zip(made).map(|(a, b)| f64::from(*a) - f64::from(*b));
    let mean = |sum: f64| sum / inputs.len() as f64;
    match score {
        ScoreKind::Mse => mean(differences.map(|d| d * d).sum()),
        ScoreKind::Mae => mean(differences.map(f64::abs).sum()),
        ScoreKind::Rmse => mean(differences.map(|d| d * d).sum()).sqrt(),
    }
}

/// Sums the squared differences of each feature over the samples.
fn squared_errors(features: usize, inputs: &[f32], made: &[f32]) -> Vec<f64> {
    let mut sums = vec![0.0; features];
    for (inputs, made) in inputs.chunks_exact(features).zip(made.chunks_exact(features)) {
        for ((sum, input), made) in sums.iter_mut().zip(inputs).zip(made) {
            *sum += (f64::from(*input) - f64::from(*made)).powi(2);
        }
    }
    sums
}

fn model_refused(error: tflite::LoadError) -> Error {
    match error {
        tflite::LoadError::NotTflite => Error::field("model", "Not a TFLite model."),
        tflite::LoadError::Limit(_) => refused(Kind::TooLarge, "model", error),
        _ => refused(Kind::Invalid, "model", error),
    }
}

fn scaler_refused(error: scaler::ScalerError) -> Error {
    match error {
        scaler::ScalerError::TooLarge | scaler::ScalerError::Inflated => {
            refused(Kind::TooLarge, "scaler", error)
        }
        _ => refused(Kind::Invalid, "scaler", error),
    }
}

/// Builds an error for a field from its reason.
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
