//! From the state of a scikit-learn object, a dict of its attributes, to the numbers of a scaler. Checks them all.
//!
//! Values are borrowed until everything is checked, and counted before they are copied: a pickle of some kilobytes can name
//! the same megabytes a hundred thousand times.

use super::pickle::{Budget, Heap, Id, Pickled, Value};
use super::{Kind, Refused, Rule, Scaler};

/// The scaler that a pickle's value is.
pub fn scaler(pickled: Pickled<'_>) -> Result<Scaler, Refused> {
    let Pickled { heap, root, mut budget } = pickled;
    let Value::Scaler(kind, state) = *heap.get(root) else { return Err(Refused::NotAScaler) };
    // An object whose class alone was saved: Python gives it no attribute at all.
    let fields = Fields { heap: &heap, kind, state: state.ok_or(Refused::NotFitted(kind))? };
    let rule = fields.rule(&mut budget)?;
    if fields.has("n_features_in_") && fields.number("n_features_in_")? != rule.features() as f64 {
        return Err(Refused::Length("n_features_in_"));
    }
    let names = fields.names(rule.features())?;
    let names = names.map(|names| owned_texts(&names, &mut budget)).transpose()?;
    Ok(Scaler { kind, rule, clip: fields.clip()?, names })
}

struct Fields<'h, 'a> {
    heap: &'h Heap<'a>,
    kind: Kind,
    state: Id,
}

impl Fields<'_, '_> {
    fn rule(&self, budget: &mut Budget) -> Result<Rule, Refused> {
        match self.kind {
            Kind::MinMax => {
                let factor = self.scale()?;
                let offset = same_length("min_", self.array("min_")?, factor.len())?;
                Ok(Rule::Multiply { factor: owned(factor, budget)?, offset: owned(offset, budget)? })
            }
            Kind::Standard => self.divide(("mean_", "with_mean"), "with_std", budget),
            Kind::Robust => self.divide(("center_", "with_centering"), "with_scaling", budget),
            Kind::MaxAbs => {
                let divisor = self.scale()?;
                Ok(Rule::Divide {
                    center: filled(0.0, divisor.len(), budget)?,
                    divisor: owned(divisor, budget)?,
                })
            }
        }
    }

    /// Each part counts only if its flag says so: the mean is saved also where it is not used.
    fn divide(
        &self,
        (center, with_center): (&'static str, &'static str),
        with_scale: &'static str,
        budget: &mut Budget,
    ) -> Result<Rule, Refused> {
        let center = if self.flag(with_center)? { Some(self.array(center)?) } else { None };
        let divisor = if self.flag(with_scale)? { Some(self.scale()?) } else { None };
        let features = match (&center, &divisor) {
            (Some(values), _) | (None, Some(values)) => values.len(),
            (None, None) => self.count("n_features_in_")?,
        };
        let divisor = match divisor {
            Some(values) => owned(same_length("scale_", values, features)?, budget)?,
            None => filled(1.0, features, budget)?,
        };
        let center = match center {
            Some(values) => owned(values, budget)?,
            None => filled(0.0, features, budget)?,
        };
        Ok(Rule::Divide { center, divisor })
    }

    fn clip(&self) -> Result<Option<(f64, f64)>, Refused> {
        // Only of two classes, and of older versions (`MinMaxScaler` before 0.24) not even of these.
        if !self.has("clip") || !self.flag("clip")? {
            return Ok(None);
        }
        match self.kind {
            Kind::MinMax => self.feature_range().map(Some),
            Kind::MaxAbs => Ok(Some((-1.0, 1.0))),
            Kind::Standard | Kind::Robust => Err(Refused::Field("clip")),
        }
    }

    fn feature_range(&self) -> Result<(f64, f64), Refused> {
        let wrong = Refused::Field("feature_range");
        let (Some(Value::Tuple(range)) | Some(Value::List(range))) = self.get("feature_range") else {
            return Err(wrong);
        };
        let [low, high] = range.as_slice() else { return Err(wrong) };
        match (number(self.heap.get(*low)), number(self.heap.get(*high))) {
            (Some(low), Some(high)) if low < high && low.is_finite() && high.is_finite() => Ok((low, high)),
            _ => Err(wrong),
        }
    }

    fn scale(&self) -> Result<&[f64], Refused> {
        let scale = self.array("scale_")?;
        if scale.contains(&0.0) { Err(Refused::ZeroScale("scale_")) } else { Ok(scale) }
    }

    /// One value a feature, at least one, all finite.
    fn array(&self, field: &'static str) -> Result<&[f64], Refused> {
        match self.get(field) {
            None | Some(Value::None) => Err(Refused::NotFitted(self.kind)),
            Some(Value::Array(Some(array))) if array.shape.len() == 1 && !array.values.is_empty() => {
                if array.values.iter().all(|value| value.is_finite()) {
                    Ok(&array.values)
                } else {
                    Err(Refused::NotFinite(field))
                }
            }
            Some(_) => Err(Refused::Field(field)),
        }
    }

    /// One for each feature, if there are any.
    fn names(&self, features: usize) -> Result<Option<Vec<&str>>, Refused> {
        let wrong = Refused::Field("feature_names_in_");
        match self.get("feature_names_in_") {
            None | Some(Value::None) => Ok(None),
            Some(Value::Names(ids)) if ids.len() != features => Err(Refused::Length("feature_names_in_")),
            Some(Value::Names(ids)) => {
                let text = |id: &Id| match self.heap.get(*id) {
                    Value::Text(text) => Some(*text),
                    _ => None,
                };
                ids.iter().map(text).collect::<Option<Vec<_>>>().map(Some).ok_or(wrong)
            }
            Some(_) => Err(wrong),
        }
    }

    fn flag(&self, field: &'static str) -> Result<bool, Refused> {
        match self.get(field) {
            Some(Value::Bool(flag)) => Ok(*flag),
            other => match other.and_then(number) {
                Some(flag) if flag == 0.0 || flag == 1.0 => Ok(flag == 1.0),
                _ => Err(Refused::Field(field)),
            },
        }
    }

    fn number(&self, field: &'static str) -> Result<f64, Refused> {
        self.get(field).and_then(number).ok_or(Refused::Field(field))
    }

    /// How many features, where no array says it.
    fn count(&self, field: &'static str) -> Result<usize, Refused> {
        if !self.has(field) {
            return Err(Refused::NotFitted(self.kind));
        }
        match self.number(field)? {
            count if count >= 1.0 && count <= f64::from(MAX_COUNTED) && count.fract() == 0.0 => {
                Ok(count as usize)
            }
            _ => Err(Refused::Field(field)),
        }
    }

    fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    fn get(&self, field: &str) -> Option<&Value<'_>> {
        self.heap.entry(self.state, field)
    }
}

/// Most features of a scaler that neither centres nor scales: arrays pay for theirs with bytes of the file, a count
/// does not.
const MAX_COUNTED: u16 = 10_000;

fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(whole) => Some(*whole as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn same_length<'a>(field: &'static str, values: &'a [f64], features: usize) -> Result<&'a [f64], Refused> {
    if values.len() == features { Ok(values) } else { Err(Refused::Length(field)) }
}

fn owned(values: &[f64], budget: &mut Budget) -> Result<Vec<f64>, Refused> {
    budget.make(size_of_val(values))?;
    Ok(values.to_vec())
}

fn filled(value: f64, count: usize, budget: &mut Budget) -> Result<Vec<f64>, Refused> {
    budget.make(count.saturating_mul(size_of::<f64>()))?;
    Ok(vec![value; count])
}

fn owned_texts(texts: &[&str], budget: &mut Budget) -> Result<Vec<String>, Refused> {
    for text in texts {
        let made = budget.make(text.len().saturating_add(size_of::<String>()));
        made.map_err(|_| Refused::Excessive("the names of its features are too long"))?;
    }
    Ok(texts.iter().map(|text| (*text).to_owned()).collect())
}
