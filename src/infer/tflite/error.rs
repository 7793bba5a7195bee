//! Errors of loading and running a model.

/// Why a file cannot be used as a model, decided from the file alone before anything runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("this is not a TensorFlow Lite file: the mark `TFL3` is missing")]
    NotTflite,
    #[error("the model file is truncated or inconsistent: {0}")]
    Inconsistent(String),
    /// Unsupported operators by name, sorted, without duplicates; cut if there are very many.
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

/// Error of operators and readers inside this folder, before it becomes a load or a run error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum InterpreterError {
    Limit(&'static str),
    Inconsistent(String),
    /// Name of an operator, or of an operator's option, that is not implemented.
    Unsupported(String),
}

impl InterpreterError {
    /// Adds the name of the operator in which the error occurred.
    pub(super) fn in_operator(self, operator: &str) -> InterpreterError {
        match self {
            InterpreterError::Inconsistent(what) => {
                InterpreterError::Inconsistent(format!("{operator}: {what}"))
            }
            other => other,
        }
    }
}

impl From<&str> for InterpreterError {
    fn from(what: &str) -> InterpreterError {
        InterpreterError::Inconsistent(what.to_owned())
    }
}

impl From<String> for InterpreterError {
    fn from(what: String) -> InterpreterError {
        InterpreterError::Inconsistent(what)
    }
}

impl From<InterpreterError> for LoadError {
    fn from(fault: InterpreterError) -> LoadError {
        match fault {
            InterpreterError::Limit(what) => LoadError::Limit(what),
            InterpreterError::Inconsistent(what) => LoadError::Inconsistent(what),
            InterpreterError::Unsupported(name) => LoadError::Unsupported(vec![name]),
        }
    }
}

impl From<InterpreterError> for RunError {
    fn from(fault: InterpreterError) -> RunError {
        match fault {
            InterpreterError::Limit(what) => RunError::Limit(what),
            InterpreterError::Inconsistent(what) => RunError::Inconsistent(what),
            InterpreterError::Unsupported(name) => {
                RunError::Inconsistent(format!("`{name}` is not supported"))
            }
        }
    }
}
