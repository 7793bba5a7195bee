//! A recognised loop at run time: whether the values at hand fit it, and all its turns at once.

use std::sync::Arc;

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::{Data, Tensor};
use crate::infer::tflite::workspace::Scratch;

use super::layer::{Layer, Output, Steps};

/// What becomes of a loop value in each turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It stays what it is.
    Constant,
    /// One more.
    Counter,
    State,
    /// The cell's state of an LSTM.
    Memory,
    /// The state in these dimensions; only that of the last step remains.
    Last(Vec<i64>),
    /// Its part of this step becomes the state.
    Sequence,
    /// The item of this step, or one place, becomes the state.
    List(Option<i64>),
}

impl Role {
    /// Whether the states of steps are kept in it.
    pub fn is_kept(&self) -> bool {
        matches!(self, Role::Last(_) | Role::Sequence | Role::List(_))
    }
}

/// A loop that is a recurrent layer.
#[derive(Debug)]
pub struct Turns {
    pub layer: Layer,
    /// By loop value.
    pub roles: Vec<Role>,
    /// Which loop value is the sequence, `[step, window, value]`, and which the number of the step.
    pub sequence: usize,
    pub time: usize,
    /// The loop goes on as long as these loop values are less than these numbers.
    pub bounds: Vec<(usize, i64)>,
    /// Whether the expressions only have this meaning for a single window.
    pub is_single: bool,
}

/// How the values at hand fit.
struct Fit {
    first: usize,
    turns: usize,
    windows: usize,
}

impl Turns {
    /// The loop values after all turns. `None` where the values do not fit the layer: then the loop says what happens.
    pub fn run(
        &self,
        values: &[Arc<Tensor>],
        scratch: &mut Scratch,
    ) -> Result<Option<Vec<Arc<Tensor>>>, Fault> {
        let Some(fit) = self.fit(values) else { return Ok(None) };
        let (windows, units) = (fit.windows, self.layer.units());
        let sequence = values[self.sequence].reals()?;
        let width = self.layer.width();
        let steps = Steps {
            values: &sequence[fit.first * windows * width..],
            window: width,
            step: windows * width,
            windows,
            steps: fit.turns,
        };
        let mut state = Vec::new();
        let mut memory = Vec::new();
        for (role, value) in self.roles.iter().zip(values) {
            match role {
                Role::State => state = self.layer.remembered(value.reals()?, scratch)?,
                Role::Memory => memory = self.layer.remembered(value.reals()?, scratch)?,
                _ => {}
            }
        }
        let has_steps = self.roles.iter().any(|role| matches!(role, Role::Sequence | Role::List(None)));
        let kept = if has_steps { fit.turns } else { 1 };
        let mut all = scratch.zeros(Shape::of(&[kept, windows, units])?.count()?)?;
        let step = if has_steps { windows * units } else { 0 };
        let output = Output { values: &mut all, window: units, step };
        self.layer.run(steps, (&mut state, &mut memory), output, scratch)?;
        let mut after = Vec::with_capacity(values.len());
        for (role, value) in self.roles.iter().zip(values) {
            after.push(match role {
                Role::Constant => value.clone(),
                Role::Counter => {
                    let counted = value.integer()?.wrapping_add(fit.turns as i64);
                    Arc::new(Tensor::of_integers(Shape::default(), vec![counted])?)
                }
                Role::State => {
                    Arc::new(Tensor::of_floats(*value.shape(), self.layer.told(&state, scratch)?)?)
                }
                Role::Memory => {
                    Arc::new(Tensor::of_floats(*value.shape(), self.layer.told(&memory, scratch)?)?)
                }
                Role::Last(dims) => {
                    Arc::new(Tensor::of_floats(Shape::of_signed(dims)?, self.layer.told(&state, scratch)?)?)
                }
                Role::Sequence => self.sequence(value, &fit, &all, scratch)?,
                Role::List(place) => self.list(value, (*place, &fit), &all, scratch)?,
            });
        }
        [state, memory, all].into_iter().for_each(|buffer| scratch.give(buffer));
        Ok(Some(after))
    }

    fn fit(&self, values: &[Arc<Tensor>]) -> Option<Fit> {
        let units = self.layer.units();
        let [length, windows, width] = *values.get(self.sequence)?.dims() else { return None };
        let counter = |at: usize| {
            let value = values.get(at)?;
            value.dims().is_empty().then(|| value.integer().ok()).flatten()
        };
        let first = usize::try_from(counter(self.time)?).ok()?;
        let turns = self.bounds.iter().map(|(at, bound)| Some(bound.saturating_sub(counter(*at)?)));
        let turns = turns.collect::<Option<Vec<_>>>()?.into_iter().min()?;
        let turns = usize::try_from(turns).ok().filter(|turns| *turns > 0)?;
        let end = first.checked_add(turns)?;
        let is_known =
            windows > 0 && width == self.layer.width() && end <= length && (windows == 1 || !self.is_single);
        let fits = |(role, value): (&Role, &Arc<Tensor>)| match role {
            Role::Constant => true,
            Role::Counter => value.dims().is_empty() && value.integer().is_ok(),
            Role::State | Role::Memory => value.dims() == [windows, units] && value.values().is_some(),
            Role::Last(dims) => {
                let count = Shape::of_signed(dims).and_then(|shape| shape.count());
                count.is_ok_and(|count| count == windows * units)
            }
            Role::Sequence => {
                let is_shaped = matches!(*value.dims(), [steps, of, each] if steps >= end && of == windows && each == units);
                is_shaped && windows == 1 && value.values().is_some()
            }
            Role::List(place) => match value.data() {
                Data::List(items) => {
                    let needed = place.map_or(Some(end), |place| usize::try_from(place).ok()?.checked_add(1));
                    needed.is_some_and(|needed| needed <= items.len())
                }
                _ => false,
            },
        };
        let is_fit = is_known && values.len() == self.roles.len() && self.roles.iter().zip(values).all(fits);
        (is_fit && values[self.sequence].values().is_some()).then_some(Fit { first, turns, windows })
    }

    /// The sequence with the states of all turns in their places.
    fn sequence(
        &self,
        was: &Tensor,
        fit: &Fit,
        all: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Arc<Tensor>, Fault> {
        let values = was.reals()?;
        let step = fit.windows * self.layer.units();
        let mut next = scratch.floats(values.len())?;
        next.extend_from_slice(&values[..fit.first * step]);
        next.extend_from_slice(all);
        next.extend_from_slice(&values[(fit.first + fit.turns) * step..]);
        Ok(Arc::new(Tensor::of_floats(*was.shape(), next)?))
    }

    /// The list with the states in their places, or with the last one in `place`.
    fn list(
        &self,
        was: &Tensor,
        (place, fit): (Option<i64>, &Fit),
        all: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Arc<Tensor>, Fault> {
        let Data::List(items) = was.data() else { return Err("a list of tensors is needed".into()) };
        scratch.budget.work(&[was.weight()])?;
        let mut items = items.clone();
        let step = fit.windows * self.layer.units();
        let shape = Shape::of(&[fit.windows, self.layer.units()])?;
        let first = match place {
            Some(place) => usize::try_from(place).map_err(|_| "a list has no such place")?,
            None => fit.first,
        };
        for (item, values) in items[first..].iter_mut().zip(all.chunks_exact(step)) {
            let mut own = scratch.floats(step)?;
            own.extend_from_slice(values);
            *item = Some(Arc::new(Tensor::of_floats(shape, own)?));
        }
        Ok(Arc::new(Tensor::of_list(items)))
    }
}
