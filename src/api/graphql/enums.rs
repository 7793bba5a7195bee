//! Closed sets of words. They are spelled as REST and SQL spell them, so that what is read in one place is written in
//! another.

use async_graphql::Enum;
use serde::Serialize;

use crate::domain;

/// How a device is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::device::Protocol", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// OPC UA over `opc.tcp`: nodes are subscribed to or read.
    Opcua,
    /// MELSEC (MC protocol) of Mitsubishi PLCs, frames 3E and 4E.
    Melsec,
    /// FEnet (XGT) of LS Electric PLCs.
    Fenet,
    /// Modbus over TCP, or RTU over TCP.
    Modbus,
    /// A URL that is asked for JSON; a stream is a pointer into the answer.
    Http,
    /// Holds the scores of models; nothing is polled.
    Ai,
    /// Nothing is polled: values are written over the API, or generated.
    Virtual,
    /// Kept for plants that list files as devices; nothing is polled.
    File,
    /// Kept for plants that list brokers as devices; this version does not subscribe.
    Mqtt,
    /// Kept for plants that list remote screens as devices; nothing is polled.
    Vnc,
    /// Kept for plants that list cameras as devices; nothing is polled.
    V4l2,
}

/// What the collector last knew of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::device::DeviceState", rename_items = "lowercase")]
pub enum DeviceState {
    /// It is switched off, or its protocol is not polled by this version.
    Disabled,
    /// A connection is being made, for the first time or again.
    Connecting,
    /// It answers, and all of its enabled streams are read.
    Online,
    /// Reachable, but some of its tags fail.
    Degraded,
    /// It cannot be reached, or does not answer.
    Offline,
}

/// What a stream's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::stream::StreamKind", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum StreamType {
    /// A single bit, stored as 0 or 1.
    Bit,
    /// An unsigned integer of 8 bits.
    Byte,
    /// A signed integer of 16 bits, one word.
    Int16,
    /// A signed integer of 32 bits, two words.
    Int32,
    /// A signed integer of 64 bits, four words; beyond 2^53 its exact decimal is in `text`.
    Int64,
    /// An unsigned integer of 16 bits, one word.
    Uint16,
    /// An unsigned integer of 32 bits, two words.
    Uint32,
    /// An unsigned integer of 64 bits, four words; beyond 2^53 its exact decimal is in `text`.
    Uint64,
    /// A floating-point number of 16 bits (IEEE 754 binary16).
    Fp16,
    /// A floating-point number of 32 bits (IEEE 754 binary32).
    Fp32,
    /// A floating-point number of 64 bits (IEEE 754 binary64).
    Fp64,
    /// Text in UTF-8, in `text` of a reading.
    Text,
    /// A JSON value, as text in `text` of a reading.
    Json,
    /// A place on the globe, as JSON text in `text` of a reading.
    Location,
    /// One of a set of states, by its label in `text`.
    Enum,
}

/// `little` is low word first, `big` is high word first; types of one word feel neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::stream::ByteOrder", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum ByteOrder {
    /// The word with the lower address holds the lower 16 bits.
    Little,
    /// The word with the lower address holds the higher 16 bits.
    Big,
}

/// How the words of a number lie in a device: `little` (`cdab`), `big` (`abcd`), or an order of its four bytes by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(rename_items = "lowercase")]
pub enum RegisterOrder {
    /// Low word first, bytes of a word big endian: `cdab`.
    Little,
    /// High word first, bytes of a word big endian: `abcd`.
    Big,
    /// The most significant byte first, as on the network.
    Abcd,
    /// Words swapped: the low word first.
    Cdab,
    /// Bytes swapped within each word, the high word first.
    Badc,
    /// The least significant byte first.
    Dcba,
}

impl RegisterOrder {
    /// As REST spells it.
    pub fn name(self) -> &'static str {
        match self {
            RegisterOrder::Little => "little",
            RegisterOrder::Big => "big",
            RegisterOrder::Abcd => "abcd",
            RegisterOrder::Cdab => "cdab",
            RegisterOrder::Badc => "badc",
            RegisterOrder::Dcba => "dcba",
        }
    }
}

/// Whether a stream's register is only read, or also written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::stream::AccessMode")]
pub enum AccessMode {
    /// The register is only polled.
    #[graphql(name = "r")]
    #[serde(rename = "r")]
    Read,
    /// The register is polled, and `writeRegister` and REST may write it.
    #[graphql(name = "rw")]
    #[serde(rename = "rw")]
    ReadWrite,
}

/// How far a reading can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::reading::Quality", rename_items = "lowercase")]
pub enum Quality {
    /// The value is what the source measured.
    Good,
    /// The source doubts the value, for example because it is a substitute or out of date.
    Uncertain,
    /// The source was lost: there is neither value nor text.
    Bad,
}

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::event::Level", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the record; nobody has to do anything.
    Info,
    /// Something may go wrong if nobody looks at it.
    Warning,
    /// Something has gone wrong.
    Error,
    /// Something has gone wrong that endangers people, plant or product.
    Critical,
}

/// The direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
pub enum Order {
    /// The oldest first.
    #[default]
    Asc,
    /// The newest first.
    Desc,
}

/// What a list of devices, streams or groups is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
pub enum ListOrder {
    /// By row number: in the order in which they were made.
    #[default]
    Id,
    /// By name, characters compared by their code points.
    Name,
}

/// What of a bucket or a window is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(rename_items = "lowercase")]
pub enum StatisticField {
    /// How many values there are.
    Count,
    /// The sum of the values, in the stream's unit.
    Sum,
    /// The arithmetic mean, in the stream's unit.
    Mean,
    /// The square root of the mean of squares, in the stream's unit.
    Rms,
    /// The smallest value, in the stream's unit.
    Min,
    /// The largest value, in the stream's unit.
    Max,
    /// The value in the middle, in the stream's unit; costs more to compute than a mean.
    Median,
    /// The value below which a quarter lies, in the stream's unit; costs as much as the median.
    Q1,
    /// The value below which three quarters lie, in the stream's unit; costs as much as the median.
    Q3,
}

/// Who made a statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
#[graphql(remote = "domain::statistic::Origin", rename_items = "lowercase")]
pub enum StatisticOrigin {
    /// The server, from readings.
    #[default]
    Computed,
    /// Somebody, by hand.
    Posted,
}

/// A table that rows expire from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::policy::PolicyTable", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum RetentionTable {
    /// The values of streams as they were measured.
    Readings,
    /// The rows of statistics windows, computed and written by hand.
    Statistics,
}

/// What a model is; all are run alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::model::ModelKind")]
pub enum ModelType {
    /// A convolutional autoencoder.
    #[graphql(name = "cnn_ae")]
    CnnAe,
    /// A recurrent autoencoder of LSTM cells.
    #[graphql(name = "lstm_ae")]
    LstmAe,
    /// A smoothness-inducing sequential variational autoencoder.
    #[graphql(name = "sisvae")]
    SisVae,
}

/// How a reconstruction is compared with its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::model::ScoreKind", rename_items = "lowercase")]
pub enum ScoreType {
    /// The mean of squared differences, in scaled units.
    Mse,
    /// The mean of absolute differences, in scaled units.
    Mae,
    /// The square root of the mean of squared differences, in scaled units.
    Rmse,
}

/// What a model is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::app::ai::ModelState", rename_items = "snake_case")]
pub enum ModelState {
    /// It is switched off and judges nothing.
    Disabled,
    /// Its files are being loaded.
    Starting,
    /// It judges what came while it was not running.
    CatchingUp,
    /// It judges windows as they become complete.
    Running,
    /// It cannot be run, and is tried again.
    Failed,
}
