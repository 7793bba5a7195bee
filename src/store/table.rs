//! The tables of the lake: their names, columns and keys.
//!
//! Every table leads with the id of whose rows they are and their time, and ends with `seq`. Readings are written and
//! merged as `Run`s; the other two, of far fewer rows, as `KeyedRows`.

use std::ops::{Index, IndexMut};
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::schema::{self, timestamp};

/// A table of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    Readings,
    /// One row a (stream, window, origin).
    Statistics,
    /// One row a packet or document as it came from a device.
    Messages,
}

impl Table {
    pub const ALL: [Table; 3] = [Table::Readings, Table::Statistics, Table::Messages];
    /// The tables whose rows are `KeyedRows`.
    pub const KEYED: [Table; 2] = [Table::Statistics, Table::Messages];

    /// Its folder in the lake.
    pub fn name(self) -> &'static str {
        match self {
            Table::Readings => "readings",
            Table::Statistics => "statistics",
            Table::Messages => "messages",
        }
    }

    /// Its columns: id, ts, (of keyed tables) the third part of the key, the rest, seq.
    pub fn schema(self) -> SchemaRef {
        match self {
            Table::Readings => schema::readings(),
            Table::Statistics => statistics(),
            Table::Messages => messages(),
        }
    }
}

/// `origin` of rows the server computes.
pub const COMPUTED: &str = "computed";
/// `origin` of rows written by hand.
pub const POSTED: &str = "posted";

fn statistics() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let number = |name: &str| Field::new(name, DataType::Float64, true);
        Arc::new(Schema::new(vec![
            Field::new("stream_id", DataType::Int32, false),
            // Start of the window.
            Field::new("ts", timestamp(), false),
            Field::new("origin", DataType::Utf8, false),
            Field::new("window_s", DataType::Int32, false),
            // Values in the window: readings that are not bad and carry a number.
            Field::new("count", DataType::Int64, false),
            number("mean"),
            number("rms"),
            number("median"),
            number("min"),
            number("max"),
            number("q1"),
            number("q3"),
            // Readings of any quality and kind in the window; 0 for a row written by hand.
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
            Field::new("seq", DataType::Int64, false),
        ]))
    });
    SCHEMA.clone()
}

/// One `T` for each table.
#[derive(Debug, Clone, Default)]
pub struct PerTable<T>([T; 3]);

impl<T> PerTable<T> {
    pub fn new(of: impl FnMut(Table) -> T) -> Self {
        Self(Table::ALL.map(of))
    }

    pub fn from_array(all: [T; 3]) -> Self {
        Self(all)
    }

    pub fn map<U>(self, to: impl FnMut(T) -> U) -> PerTable<U> {
        PerTable(self.0.map(to))
    }

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
