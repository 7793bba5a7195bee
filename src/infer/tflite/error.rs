//! Why a model is refused, and why a run ends without a result.

/// Why a file cannot be used as a model. Decided from the file alone, before anything is run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this is not a TensorFlow Lite file: the mark `TFL3` is missing")]
    NotTflite,
    #[error("the model file is truncated or inconsistent: {0}")]
    Inconsistent(String),
    /// By name, sorted, each once; of very many only some.
    #[error("the model needs operators that are not supported: {}", .0.join(", "))]
    Unsupported(Vec<String>),
    #[error("the model reads variables whose values are not in the file; export it with frozen weights")]
    Variables,
    #[error("the model is beyond the limit of {0}")]
    Limit(&'static str),
}

/// Why a run gave no result. The model may still run with other inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    #[error("the model takes {expected} inputs, not `{given}`")]
    Inputs { expected: usize, given: usize },
    #[error("the model takes {expected} as input `{name}`, not `{given:?}`")]
    Dims { name: String, expected: String, given: Vec<usize> },
    #[error("{len} values do not fill the dimensions `{dims:?}`")]
    Values { dims: Vec<usize>, len: usize },
    #[error("the run is beyond the limit of {0}")]
    Limit(&'static str),
    #[error("the model is inconsistent: {0}")]
    Inconsistent(String),
}

/// What operators and readers say inside this folder, before it is known whether a load or a run ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Limit(&'static str),
    Wrong(String),
    /// An operator, or an option of one, that is not implemented; its name.
    Unsupported(String),
}

impl Fault {
    /// The same, naming the operator it happened in.
    pub(super) fn within(self, operator: &str) -> Fault {
        match self {
            Fault::Wrong(what) => Fault::Wrong(format!("{operator}: {what}")),
            other => other,
        }
    }
}

impl From<&str> for Fault {
    fn from(what: &str) -> Fault {
        Fault::Wrong(what.to_owned())
    }
}

impl From<String> for Fault {
    fn from(what: String) -> Fault {
        Fault::Wrong(what)
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        match fault {
            Fault::Limit(what) => Refused::Limit(what),
            Fault::Wrong(what) => Refused::Inconsistent(what),
            Fault::Unsupported(name) => Refused::Unsupported(vec![name]),
        }
    }
}

impl From<Fault> for RunError {
    fn from(fault: Fault) -> RunError {
        match fault {
            Fault::Limit(what) => RunError::Limit(what),
            Fault::Wrong(what) => RunError::Inconsistent(what),
            Fault::Unsupported(name) => RunError::Inconsistent(format!("`{name}` is not supported")),
        }
    }
}
