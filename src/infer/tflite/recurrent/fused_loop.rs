//! Fused recurrent loop at run time: checks that the values fit the layer, then runs all time steps in one call.

use std::sync::Arc;

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::{Tensor, TensorData};
use crate::infer::tflite::workspace::Scratch;

use super::layer::{InputSteps, OutputSteps, RecurrentLayer};

/// Effect of each iteration on a loop value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoopVarRole {
    /// Unchanged.
    Constant,
    /// Incremented by one.
    Counter,
    /// The state of the layer, `[window, unit]`.
    State,
    /// The cell state of an LSTM.
    Memory,
    /// The state in these dimensions; only that of the last step is kept.
    Last(Vec<i64>),
    /// A sequence, whose slice at this step becomes the state.
    Sequence,
    /// A list, whose item at this step, or at a fixed place, becomes the state.
    List(Option<i64>),
}

impl LoopVarRole {
    /// Whether it collects the states of the steps.
    pub fn is_kept(&self) -> bool {
        matches!(self, LoopVarRole::Last(_) | LoopVarRole::Sequence | LoopVarRole::List(_))
    }
}

/// A loop that is a recurrent layer.
#[derive(Debug)]
pub struct FusedLoop {
    /// The layer that one iteration runs a step of.
    pub layer: RecurrentLayer,
    /// Role of each loop value.
    pub roles: Vec<LoopVarRole>,
    /// Index of the loop value that is the input sequence, `[step, window, feature]`.
    pub sequence: usize,
    /// Index of the loop value that counts the steps and indexes the sequence.
    pub time: usize,
    /// Loop values with their limits: the loop continues while all are below.
    pub bounds: Vec<(usize, i64)>,
    /// Whether the expressions are a layer only for a single window.
    pub is_single: bool,
}

/// Dimensions of the given loop values, if they fit.
struct LoopShape {
    first: usize,
    iterations: usize,
    windows: usize,
}

impl FusedLoop {
    /// Returns the loop values after all iterations. `None` if the values do not fit the layer: then the loop itself
    /// runs.
    pub fn run(
        &self,
        values: &[Arc<Tensor>],
        scratch: &mut Scratch,
    ) -> Result<Option<Vec<Arc<Tensor>>>, InterpreterError> {
        let Some(fit) = self.match_values(values) else { return Ok(None) };
        let (windows, units) = (fit.windows, self.layer.units());
        let sequence = values[self.sequence].require_floats()?;
        let width = self.layer.width();
        let steps = InputSteps {
            values: &sequence[fit.first * windows * width..],
            window: width,
            step: windows * width,
            windows,
            steps: fit.iterations,
        };
        let mut state = Vec::new();
        let mut memory = Vec::new();
        for (role, value) in self.roles.iter().zip(values) {
            match role {
                LoopVarRole::State => state = self.layer.pad_state(value.require_floats()?, scratch)?,
                LoopVarRole::Memory => memory = self.layer.pad_state(value.require_floats()?, scratch)?,
                _ => {}
            }
        }
        let has_steps =
            self.roles.iter().any(|role| matches!(role, LoopVarRole::Sequence | LoopVarRole::List(None)));
        let kept = if has_steps { fit.iterations } else { 1 };
        let mut all = scratch.zeros(Shape::from_dims(&[kept, windows, units])?.count()?)?;
        let step = if has_steps { windows * units } else { 0 };
        let output = OutputSteps { values: &mut all, window: units, step };
        self.layer.run(steps, (&mut state, &mut memory), output, scratch)?;
        let mut after = Vec::with_capacity(values.len());
        for (role, value) in self.roles.iter().zip(values) {
            after.push(match role {
                LoopVarRole::Constant => value.clone(),
                LoopVarRole::Counter => {
                    let counted = value.first_integer()?.wrapping_add(fit.iterations as i64);
                    Arc::new(Tensor::new_integers(Shape::default(), vec![counted])?)
                }
                LoopVarRole::State => {
                    Arc::new(Tensor::new_floats(*value.shape(), self.layer.unpad_state(&state, scratch)?)?)
                }
                LoopVarRole::Memory => {
                    Arc::new(Tensor::new_floats(*value.shape(), self.layer.unpad_state(&memory, scratch)?)?)
                }
                LoopVarRole::Last(dims) => Arc::new(Tensor::new_floats(
                    Shape::from_signed(dims)?,
                    self.layer.unpad_state(&state, scratch)?,
                )?),
                LoopVarRole::Sequence => self.sequence(value, &fit, &all, scratch)?,
                LoopVarRole::List(place) => self.list(value, (*place, &fit), &all, scratch)?,
            });
        }
        [state, memory, all].into_iter().for_each(|buffer| scratch.recycle_floats(buffer));
        Ok(Some(after))
    }

    fn match_values(&self, values: &[Arc<Tensor>]) -> Option<LoopShape> {
        let units = self.layer.units();
        let [length, windows, width] = *values.get(self.sequence)?.dims() else { return None };
        let counter = |at: usize| {
            let value = values.get(at)?;
            value.dims().is_empty().then(|| value.first_integer().ok()).flatten()
        };
        let first = usize::try_from(counter(self.time)?).ok()?;
        let iterations = self.bounds.iter().map(|(at, bound)| Some(bound.saturating_sub(counter(*at)?)));
        let iterations = iterations.collect::<Option<Vec<_>>>()?.into_iter().min()?;
        let iterations = usize::try_from(iterations).ok().filter(|iterations| *iterations > 0)?;
        let end = first.checked_add(iterations)?;
        let is_known =
            windows > 0 && width == self.layer.width() && end <= length && (windows == 1 || !self.is_single);
        let fits = |(role, value): (&LoopVarRole, &Arc<Tensor>)| match role {
            LoopVarRole::Constant => true,
            LoopVarRole::Counter => value.dims().is_empty() && value.first_integer().is_ok(),
            LoopVarRole::State | LoopVarRole::Memory => {
                value.dims() == [windows, units] && value.as_floats().is_some()
            }
            LoopVarRole::Last(dims) => {
                let count = Shape::from_signed(dims).and_then(|shape| shape.count());
                count.is_ok_and(|count| count == windows * units)
            }
            LoopVarRole::Sequence => {
                let is_shaped = matches!(*value.dims(), [steps, of, each] if steps >= end && of == windows && each == units);
                is_shaped && windows == 1 && value.as_floats().is_some()
            }
            LoopVarRole::List(place) => match value.data() {
                TensorData::List(items) => {
                    let needed = place.map_or(Some(end), |place| usize::try_from(place).ok()?.checked_add(1));
                    needed.is_some_and(|needed| needed <= items.len())
                }
                _ => false,
            },
        };
        let is_fit = is_known && values.len() == self.roles.len() && self.roles.iter().zip(values).all(fits);
        (is_fit && values[self.sequence].as_floats().is_some()).then_some(LoopShape {
            first,
            iterations,
            windows,
        })
    }

    /// Returns the sequence with the states of all iterations written into it.
    fn sequence(
        &self,
        was: &Tensor,
        fit: &LoopShape,
        all: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Arc<Tensor>, InterpreterError> {
        let values = was.require_floats()?;
        let step = fit.windows * self.layer.units();
        let mut next = scratch.floats(values.len())?;
        next.extend_from_slice(&values[..fit.first * step]);
        next.extend_from_slice(all);
        next.extend_from_slice(&values[(fit.first + fit.iterations) * step..]);
        Ok(Arc::new(Tensor::new_floats(*was.shape(), next)?))
    }

    /// Returns the list with the states written into it, or with the last state in `place`.
    fn list(
        &self,
        was: &Tensor,
        (place, fit): (Option<i64>, &LoopShape),
        all: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Arc<Tensor>, InterpreterError> {
        let TensorData::List(items) = was.data() else { return Err("a list of tensors is needed".into()) };
        scratch.budget.charge_work(&[was.element_count()])?;
        let mut items = items.clone();
        let step = fit.windows * self.layer.units();
        let shape = Shape::from_dims(&[fit.windows, self.layer.units()])?;
        let first = match place {
            Some(place) => usize::try_from(place).map_err(|_| "a list has no such place")?,
            None => fit.first,
        };
        for (item, values) in items[first..].iter_mut().zip(all.chunks_exact(step)) {
            let mut own = scratch.floats(step)?;
            own.extend_from_slice(values);
            *item = Some(Arc::new(Tensor::new_floats(shape, own)?));
        }
        Ok(Arc::new(Tensor::new_list(items)))
    }
}
