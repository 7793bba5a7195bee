//! Errors of scaler files, worded for the user who uploaded the file.

use super::ScalerKind;

/// Why a file is refused as a whole. Quoted text of the file is cut and escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScalerError {
    /// The file is longer than `MAX_FILE` bytes; nothing of it was read.
    #[error("the scaler file has more than {} bytes", super::MAX_FILE)]
    TooLarge,
    /// Decompression yields more than `MAX_UNPACKED` bytes.
    #[error("the scaler file unpacks to more than {} bytes", super::MAX_UNPACKED)]
    Inflated,
    /// The file is compressed by a format of joblib other than zlib and gzip; holds the format's name.
    #[error("`{0}` compression is not supported: save the scaler uncompressed, or with `zlib` or `gzip`")]
    Compression(&'static str),
    /// The zlib or gzip stream is invalid, or its checksum is wrong.
    #[error("the compressed data of the scaler file is damaged")]
    Damaged,
    /// The compressed stream, the pickle or an array ends before its announced length.
    #[error("the scaler file is cut short")]
    Truncated,
    /// The unpacked bytes do not begin with a `PROTO` opcode of version 2 to 5.
    #[error("the file is neither a joblib file nor a pickle of protocol 2 to 5")]
    NotAPickle,
    /// Python would import this name and perhaps call it.
    #[error("the file refers to `{0}`, which is no part of a scaler")]
    Global(String),
    /// The file holds another class of scikit-learn; holds its module and name.
    #[error(
        "`{0}` is not supported: the scaler must be a `MinMaxScaler`, `StandardScaler`, `RobustScaler` or `MaxAbsScaler`"
    )]
    Class(String),
    /// The pickle has an opcode outside the allowed set; holds its byte.
    #[error("the file uses the pickle instruction `0x{0:02x}`, which no scaler needs")]
    Instruction(u8),
    /// A call, object or state that no scaler has; it involves no name from the file.
    #[error("the file is not how scikit-learn saves a scaler: {0}")]
    Malformed(&'static str),
    /// A budget of opcodes, derived bytes or dict entries is used up; holds which.
    #[error("the file holds more than a scaler can need: {0}")]
    Excessive(&'static str),
    /// An array has an element type other than plain numbers of up to eight bytes; holds numpy's name of it.
    #[error("arrays of type `{0}` are not supported in a scaler")]
    ArrayType(String),
    /// The pickle is valid, but its top value is no scaler.
    #[error("the file holds no scaler")]
    NotAScaler,
    /// The scaler lacks the attributes that `fit` sets; holds its class.
    #[error("the `{0}` is not fitted: call `fit` before saving it")]
    NotFitted(ScalerKind),
    /// An attribute is missing or has another type or range than scikit-learn gives it; holds its name.
    #[error("`{0}` of the scaler is missing or not of the expected type")]
    Field(&'static str),
    /// An attribute holds an infinite value or NaN; holds its name.
    #[error("`{0}` of the scaler holds a value that is not finite")]
    NotFinite(&'static str),
    /// A divisor or factor is zero, so that scaling has no inverse; holds the attribute's name.
    #[error("`{0}` of the scaler holds a zero")]
    ZeroScale(&'static str),
    /// An attribute has another length than the scaler has features; holds its name.
    #[error("`{0}` of the scaler does not have one value for each feature")]
    Length(&'static str),
}

/// Maximum length of file text in a message.
const MAX_QUOTED_CHARS: usize = 120;

/// Quotes a name from the file safely: cut, and without control characters.
pub fn quote(module: &str, name: &str) -> String {
    let mut whole = module.chars().chain(['.']).chain(name.chars());
    let mut shown: String = whole.by_ref().take(MAX_QUOTED_CHARS).flat_map(char::escape_default).collect();
    if whole.next().is_some() {
        shown.push('…');
    }
    shown
}
