//! Errors of loading and running a model.

/// Why a file cannot be used as a model, decided from the file alone before anything runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Bytes 4 to 8, the file identifier, are not `TFL3`.
    #[error("this is not a TensorFlow Lite file: the mark `TFL3` is missing")]
    NotTflite,
    /// An offset, index, length or dimension contradicts the rest of the file; says which.
    #[error("the model file is truncated or inconsistent: {0}")]
    Inconsistent(String),
    /// Unsupported operators by name, sorted, without duplicates; cut if there are very many.
    #[error("the model needs operators that are not supported: {}", .0.join(", "))]
    Unsupported(Vec<String>),
    /// The model has variables that an initialiser outside the file would have set.
    #[error("the model reads variables whose values are not in the file; export it with frozen weights")]
    Variables,
    /// A limit of `ModelLimits` is exceeded; holds its field name.
    #[error("the model is beyond the limit of {0}")]
    Limit(&'static str),
}

/// Why a run gave no result. The model may still run with other inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The number of inputs is wrong.
    #[error("the model takes {expected} inputs, not `{given}`")]
    Inputs {
        /// Number of inputs that the model has.
        expected: usize,
        /// Number of inputs that the caller passed.
        given: usize,
    },
    /// An input has other dimensions than the model takes.
    #[error("the model takes {expected} as input `{name}`, not `{given:?}`")]
    Dims {
        /// Name of the input in the file.
        name: String,
        /// The model's dimensions, as `[any, 32, 4]`.
        expected: String,
        /// Dimensions of the tensor that the caller passed.
        given: Vec<usize>,
    },
    /// The number of values is not the product of the dimensions, or these are beyond the interpreter's range.
    #[error("{len} values do not fill the dimensions `{dims:?}`")]
    Values {
        /// The dimensions asked for.
        dims: Vec<usize>,
        /// Number of values given.
        len: usize,
    },
    /// A limit of `ModelLimits` is reached; holds its field name, or `nested loops`.
    #[error("the run is beyond the limit of {0}")]
    Limit(&'static str),
    /// An operator refuses its operands; says which and why.
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
