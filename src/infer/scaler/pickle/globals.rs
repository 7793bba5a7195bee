//! Allow-list of the globals that a scaler's pickle may name. Everything else is refused at the opcode that names it.
//!
//! No global is looked up or called: each stands for an action of the reader (`objects.rs`).

use crate::infer::scaler::error::quote;
use crate::infer::scaler::{ScalerError, ScalerKind};

/// A global that a pickle may name, as the action that the reader takes for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Global {
    /// A scaler class.
    Scaler(ScalerKind),
    /// `joblib.numpy_pickle.NumpyArrayWrapper`: the array itself follows.
    Wrapper,
    /// `numpy.ndarray`, only as an argument.
    Ndarray,
    /// `numpy.dtype`.
    Dtype,
    /// Makes an empty array, whose state follows.
    Reconstruct,
    /// Makes a scalar of a dtype.
    Scalar,
    /// Makes an array from bytes (protocol 5).
    FromBuffer,
    /// Encodes bytes as latin-1 text, as protocol 2 writes them.
    Encode,
}

/// Resolves a name in its old and new modules: numpy 2 moved `numpy.core`, scikit-learn 0.22 its modules.
pub fn resolve(module: &str, name: &str) -> Result<Global, ScalerError> {
    let known = match module {
        "sklearn.preprocessing._data" | "sklearn.preprocessing.data" => {
            ScalerKind::from_name(name).map(Global::Scaler)
        }
        "joblib.numpy_pickle" => (name == "NumpyArrayWrapper").then_some(Global::Wrapper),
        "numpy" => match name {
            "ndarray" => Some(Global::Ndarray),
            "dtype" => Some(Global::Dtype),
            _ => None,
        },
        "numpy.core.multiarray" | "numpy._core.multiarray" => match name {
            "_reconstruct" => Some(Global::Reconstruct),
            "scalar" => Some(Global::Scalar),
            _ => None,
        },
        "numpy.core.numeric" | "numpy._core.numeric" => (name == "_frombuffer").then_some(Global::FromBuffer),
        "_codecs" => (name == "encode").then_some(Global::Encode),
        _ => None,
    };
    known.ok_or_else(|| {
        let quoted = quote(module, name);
        // Another class of scikit-learn is a wrong choice, not an attack.
        if module.starts_with("sklearn.") { ScalerError::Class(quoted) } else { ScalerError::Global(quoted) }
    })
}
