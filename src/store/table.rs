//! The tables of the lake: their names, columns and keys.
//!
//! In every table the first columns are the id of a row's stream or device and its time, and the last one is `seq`.
//! Readings are written and merged as `Run`s; the other tables have far fewer rows and use `UpsertRows`.

use std::ops::{Index, IndexMut};
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::schema::{self, timestamp};
use crate::domain::named_enum::named_enum;

named_enum! {
    /// A table of the lake.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Table {
        Readings = "readings",
        /// One row per (stream, window, origin).
        Statistics = "statistics",
        /// One row per packet or document received from a device.
        Messages = "messages",
        /// One row per stream and hour, combined from the computed rows of `Statistics`; the columns are the same.
        HourlyStatistics = "statistics_hourly",
    }
}

impl Table {
    /// The tables with rows of type `UpsertRows` that are written through the log.
    pub const UPSERT: [Table; 2] = [Table::Statistics, Table::Messages];

    /// Returns the columns: id, ts, the third part of the key (keyed tables only), the rest, seq.
    pub fn schema(self) -> SchemaRef {
        match self {
            Table::Readings => schema::readings(),
            Table::Statistics | Table::HourlyStatistics => statistics(),
            Table::Messages => messages(),
        }
    }
}

/// `origin` of rows computed by the server.
pub const ORIGIN_COMPUTED: &str = "computed";
/// `origin` of manually posted rows.
pub const ORIGIN_POSTED: &str = "posted";

fn statistics() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let number = |name: &str| Field::new(name, DataType::Float64, true);
        Arc::new(Schema::new(vec![
            Field::new("stream_id", DataType::Int32, false),
            // Start of the window.
            Field::new("ts", timestamp(), false),
            Field::new("origin", DataType::Utf8, false),
            Field::new("window_s", DataType::Int32, false),
            // Number of values in the window: readings that are not bad and carry a number.
            Field::new("count", DataType::Int64, false),
            number("mean"),
            number("rms"),
            // Hours have no quantiles: those of their windows cannot be combined.
            number("median"),
            number("min"),
            number("max"),
            number("q1"),
            number("q3"),
            // Number of readings of any quality and kind in the window; 0 for manually posted rows.
            Field::new("rows", DataType::Int64, false),
            Field::new("seq", DataType::Int64, false),
        ]))
    });
    SCHEMA.clone()
}

fn messages() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(vec![
            Field::new("device_id", DataType::Int32, false),
            Field::new("ts", timestamp(), false),
            Field::new("uuid", DataType::Utf8, false),
            Field::new("received_at", timestamp(), false),
            Field::new("status", DataType::Utf8, false),
            // JSON.
            Field::new("payload", DataType::Utf8, false),
            // `MessageFormat::name`.
            Field::new("format", DataType::Utf8, false),
            // Id of the sender's certificate; empty for none.
            Field::new("principal", DataType::Utf8, false),
            // Key of the gateway that delivered it; empty for none.
            Field::new("client", DataType::Utf8, false),
            // Number of its sensors.
            Field::new("sensors", DataType::Int32, false),
            Field::new("seq", DataType::Int64, false),
        ]))
    });
    SCHEMA.clone()
}

/// One `T` for each table.
#[derive(Debug, Clone, Default)]
pub struct PerTable<T>([T; Table::ALL.len()]);

impl<T> PerTable<T> {
    /// Builds each value by `of`, called in the order of [`Table::ALL`].
    pub fn new(of: impl FnMut(Table) -> T) -> Self {
        Self(Table::ALL.map(of))
    }

    /// Takes the values in the order of [`Table::ALL`].
    pub fn from_array(all: [T; Table::ALL.len()]) -> Self {
        Self(all)
    }

    /// Converts each value; it stays that of its table.
    pub fn map<U>(self, to: impl FnMut(T) -> U) -> PerTable<U> {
        PerTable(self.0.map(to))
    }

    /// Returns each value with its table, in the order of [`Table::ALL`].
    pub fn into_pairs(self) -> impl Iterator<Item = (Table, T)> {
        Table::ALL.into_iter().zip(self.0)
    }
}

impl<T> Index<Table> for PerTable<T> {
    type Output = T;

    fn index(&self, table: Table) -> &T {
        &self.0[table as usize]
    }
}

impl<T> IndexMut<Table> for PerTable<T> {
    fn index_mut(&mut self, table: Table) -> &mut T {
        &mut self.0[table as usize]
    }
}
