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
    Opcua,
    Melsec,
    Fenet,
    Modbus,
    Http,
    Ai,
    Virtual,
    File,
    Mqtt,
    Vnc,
    V4l2,
}

/// What the collector last knew of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::device::DeviceState", rename_items = "lowercase")]
pub enum DeviceState {
    Disabled,
    Connecting,
    Online,
    /// Reachable, but some of its tags fail.
    Degraded,
    Offline,
}

/// What a stream's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::stream::StreamKind", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum StreamType {
    Bit,
    Byte,
    Int16,
    Int32,
    Int64,
    Uint16,
    Uint32,
    Uint64,
    Fp16,
    Fp32,
    Fp64,
    Text,
    Json,
    Location,
    Enum,
}

/// `little` is low word first, `big` is high word first; types of one word feel neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::stream::ByteOrder", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum ByteOrder {
    Little,
    Big,
}

/// How the words of a number lie in a device: `little` (`cdab`), `big` (`abcd`), or an order of its four bytes by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(rename_items = "lowercase")]
pub enum RegisterOrder {
    Little,
    Big,
    Abcd,
    Cdab,
    Badc,
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
    #[graphql(name = "r")]
    #[serde(rename = "r")]
    Read,
    #[graphql(name = "rw")]
    #[serde(rename = "rw")]
    ReadWrite,
}

/// How far a reading can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::reading::Quality", rename_items = "lowercase")]
pub enum Quality {
    Good,
    Uncertain,
    /// The source was lost: there is neither value nor text.
    Bad,
}

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::event::Level", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Info,
    Warning,
    Error,
    Critical,
}

/// The direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
pub enum Order {
    #[default]
    Asc,
    Desc,
}

/// What a list of devices, streams or groups is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
pub enum ListOrder {
    /// As they were made.
    #[default]
    Id,
    Name,
}

/// What of a bucket or a window is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(rename_items = "lowercase")]
pub enum StatisticField {
    Count,
    Sum,
    Mean,
    Rms,
    Min,
    Max,
    Median,
    Q1,
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
    Readings,
    Statistics,
}

/// What a model is; all are run alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::model::ModelKind")]
pub enum ModelType {
    #[graphql(name = "cnn_ae")]
    CnnAe,
    #[graphql(name = "lstm_ae")]
    LstmAe,
    #[graphql(name = "sisvae")]
    SisVae,
}

/// How a reconstruction is compared with its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::model::ScoreKind", rename_items = "lowercase")]
pub enum ScoreType {
    Mse,
    Mae,
    Rmse,
}

/// What a model is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::app::ai::ModelState", rename_items = "snake_case")]
pub enum ModelState {
    Disabled,
    Starting,
    /// It judges what came while it was not running.
    CatchingUp,
    Running,
    /// It cannot be run, and is tried again.
    Failed,
}
