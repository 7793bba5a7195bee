//! Builds a scaler from the attribute dict of a scikit-learn object, and checks every attribute.
//!
//! Values are borrowed until everything is checked, and counted before they are copied: a pickle of some kilobytes can
//! refer to the same megabytes a hundred thousand times.

use super::pickle::{Heap, PickleBudget, PickleValue, UnpickledValue, ValueId};
use super::{Scaler, ScalerError, ScalerKind, ScalingFormula};

/// Builds the scaler that a pickle's value describes.
pub fn scaler_from_pickle(pickled: UnpickledValue<'_>) -> Result<Scaler, ScalerError> {
    let UnpickledValue { heap, root, mut budget } = pickled;
    let PickleValue::Scaler(kind, state) = *heap.get(root) else { return Err(ScalerError::NotAScaler) };
    // An object that was saved before it was fitted: Python writes no attributes for it.
    let fields = ScalerAttributes { heap: &heap, kind, state: state.ok_or(ScalerError::NotFitted(kind))? };
    let rule = fields.rule(&mut budget)?;
    if fields.has("n_features_in_") && fields.number("n_features_in_")? != rule.features() as f64 {
        return Err(ScalerError::Length("n_features_in_"));
    }
    let names = fields.names(rule.features())?;
    let names = names.map(|names| copy_texts(&names, &mut budget)).transpose()?;
    Ok(Scaler { kind, formula: rule, clip: fields.clip()?, names })
}

struct ScalerAttributes<'h, 'a> {
    heap: &'h Heap<'a>,
    kind: ScalerKind,
    state: ValueId,
}

impl ScalerAttributes<'_, '_> {
    fn rule(&self, budget: &mut PickleBudget) -> Result<ScalingFormula, ScalerError> {
        match self.kind {
            ScalerKind::MinMax => {
                let factor = self.scale()?;
                let offset = same_length("min_", self.array("min_")?, factor.len())?;
                Ok(ScalingFormula::Multiply {
                    factor: copy_values(factor, budget)?,
                    offset: copy_values(offset, budget)?,
                })
            }
            ScalerKind::Standard => self.divide(("mean_", "with_mean"), "with_std", budget),
            ScalerKind::Robust => self.divide(("center_", "with_centering"), "with_scaling", budget),
            ScalerKind::MaxAbs => {
                let divisor = self.scale()?;
                Ok(ScalingFormula::Divide {
                    center: filled(0.0, divisor.len(), budget)?,
                    divisor: copy_values(divisor, budget)?,
                })
            }
        }
    }

    /// Each part counts only if its flag is set: the mean is saved even where it is not used.
    fn divide(
        &self,
        (center, with_center): (&'static str, &'static str),
        with_scale: &'static str,
        budget: &mut PickleBudget,
    ) -> Result<ScalingFormula, ScalerError> {
        let center = if self.flag(with_center)? { Some(self.array(center)?) } else { None };
        let divisor = if self.flag(with_scale)? { Some(self.scale()?) } else { None };
        let features = match (&center, &divisor) {
            (Some(values), _) | (None, Some(values)) => values.len(),
            (None, None) => self.count("n_features_in_")?,
        };
        let divisor = match divisor {
            Some(values) => copy_values(same_length("scale_", values, features)?, budget)?,
            None => filled(1.0, features, budget)?,
        };
        let center = match center {
            Some(values) => copy_values(values, budget)?,
            None => filled(0.0, features, budget)?,
        };
        Ok(ScalingFormula::Divide { center, divisor })
    }

    fn clip(&self) -> Result<Option<(f64, f64)>, ScalerError> {
        // Only two classes have it, and older versions (`MinMaxScaler` before 0.24) do not.
        if !self.has("clip") || !self.flag("clip")? {
            return Ok(None);
        }
        match self.kind {
            ScalerKind::MinMax => self.feature_range().map(Some),
            ScalerKind::MaxAbs => Ok(Some((-1.0, 1.0))),
            ScalerKind::Standard | ScalerKind::Robust => Err(ScalerError::Field("clip")),
        }
    }

    fn feature_range(&self) -> Result<(f64, f64), ScalerError> {
        let wrong = ScalerError::Field("feature_range");
        let (Some(PickleValue::Tuple(range)) | Some(PickleValue::List(range))) = self.get("feature_range")
        else {
            return Err(wrong);
        };
        let [low, high] = range.as_slice() else { return Err(wrong) };
        match (number(self.heap.get(*low)), number(self.heap.get(*high))) {
            (Some(low), Some(high)) if low < high && low.is_finite() && high.is_finite() => Ok((low, high)),
            _ => Err(wrong),
        }
    }

    fn scale(&self) -> Result<&[f64], ScalerError> {
        let scale = self.array("scale_")?;
        if scale.contains(&0.0) { Err(ScalerError::ZeroScale("scale_")) } else { Ok(scale) }
    }

    /// Returns an attribute with one value per feature, at least one, all finite.
    fn array(&self, field: &'static str) -> Result<&[f64], ScalerError> {
        match self.get(field) {
            None | Some(PickleValue::None) => Err(ScalerError::NotFitted(self.kind)),
            Some(PickleValue::Array(Some(array))) if array.shape.len() == 1 && !array.values.is_empty() => {
                if array.values.iter().all(|value| value.is_finite()) {
                    Ok(&array.values)
                } else {
                    Err(ScalerError::NotFinite(field))
                }
            }
            Some(_) => Err(ScalerError::Field(field)),
        }
    }

    /// Returns the feature names, one per feature, if there are any.
    fn names(&self, features: usize) -> Result<Option<Vec<&str>>, ScalerError> {
        let wrong = ScalerError::Field("feature_names_in_");
        match self.get("feature_names_in_") {
            None | Some(PickleValue::None) => Ok(None),
            Some(PickleValue::Names(ids)) if ids.len() != features => {
                Err(ScalerError::Length("feature_names_in_"))
            }
            Some(PickleValue::Names(ids)) => {
                let text = |id: &ValueId| match self.heap.get(*id) {
                    PickleValue::Text(text) => Some(*text),
                    _ => None,
                };
                ids.iter().map(text).collect::<Option<Vec<_>>>().map(Some).ok_or(wrong)
            }
            Some(_) => Err(wrong),
        }
    }

    fn flag(&self, field: &'static str) -> Result<bool, ScalerError> {
        match self.get(field) {
            Some(PickleValue::Bool(flag)) => Ok(*flag),
            other => match other.and_then(number) {
                Some(flag) if flag == 0.0 || flag == 1.0 => Ok(flag == 1.0),
                _ => Err(ScalerError::Field(field)),
            },
        }
    }

    fn number(&self, field: &'static str) -> Result<f64, ScalerError> {
        self.get(field).and_then(number).ok_or(ScalerError::Field(field))
    }

    /// Returns the number of features where no array shows it.
    fn count(&self, field: &'static str) -> Result<usize, ScalerError> {
        if !self.has(field) {
            return Err(ScalerError::NotFitted(self.kind));
        }
        match self.number(field)? {
            count
                if count >= 1.0
                    && count <= f64::from(MAX_FEATURES_WITHOUT_ARRAYS)
                    && count.fract() == 0.0 =>
            {
                Ok(count as usize)
            }
            _ => Err(ScalerError::Field(field)),
        }
    }

    fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    fn get(&self, field: &str) -> Option<&PickleValue<'_>> {
        self.heap.entry(self.state, field)
    }
}

/// Maximum number of features of a scaler that neither centres nor scales: the file pays for an array with its bytes,
/// but not for a count.
const MAX_FEATURES_WITHOUT_ARRAYS: u16 = 10_000;

fn number(value: &PickleValue<'_>) -> Option<f64> {
    match value {
        PickleValue::Int(whole) => Some(*whole as f64),
        PickleValue::Float(number) => Some(*number),
        _ => None,
    }
}

fn same_length<'a>(
    field: &'static str,
    values: &'a [f64],
    features: usize,
) -> Result<&'a [f64], ScalerError> {
    if values.len() == features { Ok(values) } else { Err(ScalerError::Length(field)) }
}

fn copy_values(values: &[f64], budget: &mut PickleBudget) -> Result<Vec<f64>, ScalerError> {
    budget.charge_bytes(size_of_val(values))?;
    Ok(values.to_vec())
}

fn filled(value: f64, count: usize, budget: &mut PickleBudget) -> Result<Vec<f64>, ScalerError> {
    budget.charge_bytes(count.saturating_mul(size_of::<f64>()))?;
    Ok(vec![value; count])
}

fn copy_texts(texts: &[&str], budget: &mut PickleBudget) -> Result<Vec<String>, ScalerError> {
    for text in texts {
        let made = budget.charge_bytes(text.len().saturating_add(size_of::<String>()));
        made.map_err(|_| ScalerError::Excessive("the names of its features are too long"))?;
    }
    Ok(texts.iter().map(|text| (*text).to_owned()).collect())
}
