//! Enums of the schema. Their values are spelled as in REST and SQL, so that a value read through one interface can be
//! written through another.

use async_graphql::Enum;
use serde::Serialize;

use crate::app::direct_access::registers::RegisterWordOrder;
use crate::domain;

/// Communication protocol of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::device::Protocol", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// OPC UA over `opc.tcp`: the server subscribes to nodes or reads them.
    Opcua,
    /// MELSEC (MC protocol) of Mitsubishi PLCs, 3E and 4E frames.
    Melsec,
    /// FEnet (XGT) of LS Electric PLCs.
    Fenet,
    /// Modbus over TCP, RTU over TCP, or RTU at a serial port.
    Modbus,
    /// S7 communication of Siemens CPUs (S7-300, S7-400, S7-1200, S7-1500).
    S7,
    /// EtherNet/IP with the tags of Rockwell Logix controllers.
    Eip,
    /// HTTP: the server requests JSON from a URL; the path of a stream is a JSON pointer into the response.
    Http,
    /// Device that holds the scores of models; it is not polled.
    Ai,
    /// Device that is not polled: its values are written through the API, or generated.
    Virtual,
    /// Accepted for plants that list files as devices; it is not polled.
    File,
    /// MQTT: with a host, a subscription at that broker, where the path of a stream is a topic filter and a JSON pointer;
    /// without one, a gateway whose values are sent to this server.
    Mqtt,
    /// Accepted for plants that list remote screens as devices; it is not polled.
    Vnc,
    /// Accepted for plants that list cameras as devices; it is not polled.
    V4l2,
}

/// Last known connection state of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::device::DeviceState", rename_items = "lowercase")]
pub enum DeviceState {
    /// The device is disabled in its settings.
    Disabled,
    /// The collector is connecting or reconnecting.
    Connecting,
    /// The device responds, and all of its enabled streams are read; or its values arrive without polling.
    Online,
    /// The device responds, but some of its tags fail.
    Degraded,
    /// The device cannot be reached or does not respond, or this version does not collect its protocol.
    Offline,
}

/// Data type of a stream's values.
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
    /// UTF-8 text, in the `text` of a reading.
    Text,
    /// JSON value, as text in the `text` of a reading.
    Json,
    /// Geographic location, as JSON text in the `text` of a reading.
    Location,
    /// One of a set of states; `value` holds its number.
    Enum,
}

/// Word order of numbers longer than one word; it has no effect on types of one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::stream::ByteOrder", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum ByteOrder {
    /// Low word first: the word at the lower address holds the lower 16 bits.
    Little,
    /// High word first: the word at the lower address holds the higher 16 bits.
    Big,
}

/// Byte and word order of a number in a device: `little` (`cdab`), `big` (`abcd`), or an order of its four bytes by
/// name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(rename_items = "lowercase")]
pub enum RegisterOrder {
    /// Low word first, bytes within a word big-endian: same as `cdab`.
    Little,
    /// High word first, bytes within a word big-endian: same as `abcd`.
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

impl From<RegisterOrder> for RegisterWordOrder {
    fn from(order: RegisterOrder) -> Self {
        match order {
            RegisterOrder::Little | RegisterOrder::Cdab => RegisterWordOrder::CDAB,
            RegisterOrder::Big | RegisterOrder::Abcd => RegisterWordOrder::ABCD,
            RegisterOrder::Badc => RegisterWordOrder::BADC,
            RegisterOrder::Dcba => RegisterWordOrder::DCBA,
        }
    }
}

/// Access to a stream's register: read-only, or read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::stream::AccessMode")]
pub enum AccessMode {
    /// Read-only: the register is polled.
    #[graphql(name = "r")]
    #[serde(rename = "r")]
    Read,
    /// Read and write: the register is polled, and `writeRegister` and REST may write it.
    #[graphql(name = "rw")]
    #[serde(rename = "rw")]
    ReadWrite,
}

/// Quality of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::reading::Quality", rename_items = "lowercase")]
pub enum Quality {
    /// The value is what the source measured.
    Good,
    /// The source doubts the value, for example because it is a substitute or out of date.
    Uncertain,
    /// The source was lost: the reading has neither value nor text.
    Bad,
}

/// Severity of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::event::Level", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For information; no action is needed.
    Info,
    /// A fault may follow if nobody acts.
    Warning,
    /// A fault has occurred.
    Error,
    /// A fault has occurred that endangers people, plant or product.
    Critical,
}

/// Sort order of a list by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
pub enum Order {
    /// Oldest entries first.
    #[default]
    Asc,
    /// Newest entries first.
    Desc,
}

/// Sort key of a list of devices, streams or groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
pub enum ListOrder {
    /// By row number, which is the order of creation.
    #[default]
    Id,
    /// By name, compared by Unicode code point.
    Name,
}

/// Statistic of a bucket or a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(rename_items = "lowercase")]
pub enum StatisticField {
    /// Number of values.
    Count,
    /// The sum of the values, in the stream's unit.
    Sum,
    /// The arithmetic mean, in the stream's unit.
    Mean,
    /// Root mean square, in the stream's unit.
    Rms,
    /// The smallest value, in the stream's unit.
    Min,
    /// The largest value, in the stream's unit.
    Max,
    /// Median, in the stream's unit; it costs more to compute than the mean.
    Median,
    /// First quartile, in the stream's unit; it costs as much as the median.
    Q1,
    /// Third quartile, in the stream's unit; it costs as much as the median.
    Q3,
}

/// Origin of a statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
#[graphql(remote = "domain::statistic::Origin", rename_items = "lowercase")]
pub enum StatisticOrigin {
    /// Computed by the server from readings.
    #[default]
    Computed,
    /// Written by a client.
    Posted,
}

/// Table with a retention policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::policy::PolicyTable", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum RetentionTable {
    /// Readings of streams.
    Readings,
    /// Statistics of windows, both computed and written by clients.
    Statistics,
}

/// Architecture of a model; the server runs all of them the same way.
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

/// Error measure between a window and its reconstruction.
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

/// Run state of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::app::ai::ModelState", rename_items = "snake_case")]
pub enum ModelState {
    /// The model is disabled and scores nothing.
    Disabled,
    /// The files of the model are being loaded.
    Starting,
    /// The model scores readings that arrived while it was not running.
    CatchingUp,
    /// The model scores windows as they become complete.
    Running,
    /// The model cannot be run; the server retries.
    Failed,
}
