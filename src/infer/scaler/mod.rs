//! Scalers of scikit-learn: what turns readings into the numbers a model was trained on, and back.
//!
//! A scaler comes as a file of `joblib` or `pickle`, which in Python may run anything. `Scaler::read` runs nothing: it
//! takes numbers out of files of four classes and refuses all else. Whether a scaler has as many features as a model
//! is for who holds both.

mod array;
mod fields;
mod pickle;
mod refused;
mod unpack;

use std::fmt;

pub use refused::Refused;
pub use unpack::{MAX_FILE, MAX_UNPACKED};

/// A fitted scaler. Every factor and divisor is finite and not zero; there is at least one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaler {
    kind: Kind,
    rule: Rule,
    /// The range that scaled values are cut to.
    clip: Option<(f64, f64)>,
    names: Option<Vec<String>>,
}

/// The class of a scaler, as in `sklearn.preprocessing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    MinMax,
    Standard,
    Robust,
    MaxAbs,
}

/// The arithmetic, in the order of operations that scikit-learn has. One value a feature in each list.
#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// x · factor + offset.
    Multiply { factor: Vec<f64>, offset: Vec<f64> },
    /// (x − center) / divisor.
    Divide { center: Vec<f64>, divisor: Vec<f64> },
}

impl Scaler {
    /// From a whole file: joblib's, plain or compressed by zlib or gzip, or a pickle of protocol 2 to 5.
    ///
    /// Executes nothing, does no I/O, never panics. Costs at most `MAX_UNPACKED` bytes of memory a few times over.
    pub fn read(bytes: &[u8]) -> Result<Scaler, Refused> {
        let unpacked = unpack::unpack(bytes)?;
        fields::scaler(pickle::read(&unpacked)?)
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Columns of a row; never zero.
    pub fn features(&self) -> usize {
        self.rule.features()
    }

    /// Bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        let numbers = 2 * self.features() * size_of::<f64>();
        let names = self.names.iter().flatten().map(|name| size_of::<String>() + name.capacity());
        size_of::<Scaler>() + numbers + names.sum::<usize>()
    }

    /// The columns' names in order, if it was fitted on a table that had names; one a feature.
    pub fn feature_names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// Scales one row, or several one after the other, in `f64` as scikit-learn does, then as the model takes it.
    ///
    /// `rows` are whole rows of `features` values, `out` has the same length. A value beyond what `f32` holds becomes
    /// infinite, one that is not a number stays so.
    pub fn transform(&self, rows: &[f64], out: &mut [f32]) {
        self.assert_whole_rows(rows.len(), out.len());
        for (feature, (x, y)) in self.columns().zip(rows.iter().zip(out)) {
            *y = self.forward(feature, *x) as f32;
        }
    }

    /// What a model gave back in the units of the readings: the inverse of `transform`, with the same shapes.
    ///
    /// Of a scaler that cuts to its range, it is the inverse within the range only.
    pub fn inverse(&self, rows: &[f32], out: &mut [f64]) {
        self.assert_whole_rows(rows.len(), out.len());
        for (feature, (y, x)) in self.columns().zip(rows.iter().zip(out)) {
            *x = self.backward(feature, f64::from(*y));
        }
    }

    fn assert_whole_rows(&self, len: usize, out_len: usize) {
        debug_assert!(
            len == out_len && len.is_multiple_of(self.features()),
            "{len} values for {} features into {out_len}",
            self.features()
        );
    }

    /// The feature of each value of rows that follow each other.
    fn columns(&self) -> impl Iterator<Item = usize> {
        (0..self.features()).cycle()
    }

    fn forward(&self, feature: usize, x: f64) -> f64 {
        let y = match &self.rule {
            Rule::Multiply { factor, offset } => x * factor[feature] + offset[feature],
            Rule::Divide { center, divisor } => (x - center[feature]) / divisor[feature],
        };
        self.clip.map_or(y, |(low, high)| y.clamp(low, high))
    }

    fn backward(&self, feature: usize, y: f64) -> f64 {
        match &self.rule {
            Rule::Multiply { factor, offset } => (y - offset[feature]) / factor[feature],
            Rule::Divide { center, divisor } => y * divisor[feature] + center[feature],
        }
    }
}

impl Rule {
    fn features(&self) -> usize {
        match self {
            Rule::Multiply { factor, .. } => factor.len(),
            Rule::Divide { divisor, .. } => divisor.len(),
        }
    }
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::MinMax, Kind::Standard, Kind::Robust, Kind::MaxAbs];

    /// The name of its class in scikit-learn.
    pub fn class(self) -> &'static str {
        match self {
            Kind::MinMax => "MinMaxScaler",
            Kind::Standard => "StandardScaler",
            Kind::Robust => "RobustScaler",
            Kind::MaxAbs => "MaxAbsScaler",
        }
    }

    fn of_class(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.class() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class())
    }
}

#[cfg(test)]
mod array_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod scaler_tests;
#[cfg(test)]
mod shared_tests;
