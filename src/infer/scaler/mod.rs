//! scikit-learn scalers: convert readings to the numbers a model was trained on, and back.
//!
//! A scaler is a `joblib` or `pickle` file, which in Python may run anything. `Scaler::read` runs nothing: it extracts
//! numbers from files of four classes and refuses everything else. The caller checks that the scaler's features match
//! the model.

mod attributes;
mod error;
mod numpy_array;
mod pickle;
mod unpack;

pub use error::ScalerError;

use crate::domain::named_enum::named_enum;

/// Maximum file size in bytes. A scaler takes some hundred bytes plus some ten per feature.
pub const MAX_FILE: usize = 4 << 20;
/// Maximum size in bytes of an unpacked file.
pub const MAX_UNPACKED: usize = 16 << 20;

/// A fitted scaler. Every factor and divisor is finite and not zero; there is at least one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaler {
    kind: ScalerKind,
    formula: ScalingFormula,
    /// Range to which scaled values are clipped.
    clip: Option<(f64, f64)>,
    names: Option<Vec<String>>,
}

named_enum! {
    /// Scaler class of `sklearn.preprocessing`: one of the four that a file may hold.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ScalerKind {
        /// `x · scale_ + min_`, optionally clipped to `feature_range`.
        MinMax = "MinMaxScaler",
        /// `(x − mean_) / scale_`; `with_mean` and `with_std` switch off a part.
        Standard = "StandardScaler",
        /// `(x − center_) / scale_`; `with_centering` and `with_scaling` switch off a part.
        Robust = "RobustScaler",
        /// `x / scale_`, optionally clipped to -1..1.
        MaxAbs = "MaxAbsScaler",
    }
    display;
}

/// Arithmetic, in scikit-learn's order of operations. Each list has one value per feature.
#[derive(Debug, Clone, PartialEq)]
enum ScalingFormula {
    /// x · factor + offset.
    Multiply { factor: Vec<f64>, offset: Vec<f64> },
    /// (x − center) / divisor.
    Divide { center: Vec<f64>, divisor: Vec<f64> },
}

impl Scaler {
    /// Reads a whole file: joblib, plain or compressed by zlib or gzip, or a pickle of protocol 2 to 5.
    ///
    /// It executes nothing, does no I/O and never panics. It uses at most a few times `MAX_UNPACKED` bytes of memory.
    pub fn read(bytes: &[u8]) -> Result<Scaler, ScalerError> {
        let unpacked = unpack::unpack(bytes)?;
        attributes::scaler_from_pickle(pickle::unpickle(&unpacked)?)
    }

    /// Returns the scikit-learn class that wrote the file.
    pub fn kind(&self) -> ScalerKind {
        self.kind
    }

    /// Returns the number of features (columns of a row); never zero.
    pub fn features(&self) -> usize {
        self.formula.features()
    }

    /// Returns its memory size in bytes.
    pub fn memory_bytes(&self) -> usize {
        let numbers = 2 * self.features() * size_of::<f64>();
        let names = self.names.iter().flatten().map(|name| size_of::<String>() + name.capacity());
        size_of::<Scaler>() + numbers + names.sum::<usize>()
    }

    /// Returns the feature names in order, if the scaler was fitted on a table with column names.
    pub fn feature_names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// Scales consecutive rows, in `f64` as scikit-learn does, and converts the result to the model's `f32`.
    ///
    /// `rows` are whole rows of `features` values, and `out` has the same length. A value beyond the range of `f32`
    /// becomes infinite; NaN stays NaN.
    pub fn transform(&self, rows: &[f64], out: &mut [f32]) {
        self.assert_whole_rows(rows.len(), out.len());
        for (feature, (x, y)) in self.columns().zip(rows.iter().zip(out)) {
            *y = self.scale_value(feature, *x) as f32;
        }
    }

    /// Converts a model's output to the units of the readings: the inverse of `transform`, with the same shapes.
    ///
    /// If the scaler clips, this is the inverse within its range only.
    pub fn inverse_transform(&self, rows: &[f32], out: &mut [f64]) {
        self.assert_whole_rows(rows.len(), out.len());
        for (feature, (y, x)) in self.columns().zip(rows.iter().zip(out)) {
            *x = self.unscale_value(feature, f64::from(*y));
        }
    }

    fn assert_whole_rows(&self, len: usize, out_len: usize) {
        debug_assert!(
            len == out_len && len.is_multiple_of(self.features()),
            "{len} values for {} features into {out_len}",
            self.features()
        );
    }

    /// Iterates over the feature index of each value of consecutive rows.
    fn columns(&self) -> impl Iterator<Item = usize> {
        (0..self.features()).cycle()
    }

    fn scale_value(&self, feature: usize, x: f64) -> f64 {
        let y = match &self.formula {
            ScalingFormula::Multiply { factor, offset } => x * factor[feature] + offset[feature],
            ScalingFormula::Divide { center, divisor } => (x - center[feature]) / divisor[feature],
        };
        self.clip.map_or(y, |(low, high)| y.clamp(low, high))
    }

    fn unscale_value(&self, feature: usize, y: f64) -> f64 {
        match &self.formula {
            ScalingFormula::Multiply { factor, offset } => (y - offset[feature]) / factor[feature],
            ScalingFormula::Divide { center, divisor } => y * divisor[feature] + center[feature],
        }
    }
}

impl ScalingFormula {
    fn features(&self) -> usize {
        match self {
            ScalingFormula::Multiply { factor, .. } => factor.len(),
            ScalingFormula::Divide { divisor, .. } => divisor.len(),
        }
    }
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod numpy_array_tests;
#[cfg(test)]
mod scaler_tests;
#[cfg(test)]
mod shared_tests;
