//! The names that a scaler's pickle may refer to. Everything else is refused at the instruction that names it.
//!
//! No name is ever looked up or called: each stands for what the reader does in its place (`build.rs`).

use crate::infer::scaler::refused::quote;
use crate::infer::scaler::{Kind, Refused};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Global {
    /// A class of scalers.
    Scaler(Kind),
    /// `joblib.numpy_pickle.NumpyArrayWrapper`: what follows it is the array itself.
    Wrapper,
    /// `numpy.ndarray`, always an argument.
    Ndarray,
    /// `numpy.dtype`.
    Dtype,
    /// An empty array, whose state follows.
    Reconstruct,
    /// One number of a type.
    Scalar,
    /// An array of bytes, protocol 5.
    FromBuffer,
    /// Bytes as latin-1 text, which is how protocol 2 writes them.
    Encode,
}

/// Old and new homes of a name: numpy 2 moved `numpy.core`, scikit-learn 0.22 its modules.
pub fn find(module: &str, name: &str) -> Result<Global, Refused> {
    let known = match module {
        "sklearn.preprocessing._data" | "sklearn.preprocessing.data" => {
            Kind::of_class(name).map(Global::Scaler)
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
        // scikit-learn's other classes are a mistake of choice, not an attack.
        if module.starts_with("sklearn.") { Refused::Class(quoted) } else { Refused::Global(quoted) }
    })
}
