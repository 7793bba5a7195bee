//! Conversion of stored messages to and from rows of their table.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use uuid::Uuid;

use super::table::Table;
use super::upsert_rows::{UpsertKey, UpsertRows};
use crate::domain::message::{MessageFormat, StoredMessage};
use crate::domain::{DeviceId, Error, Micros, Result};

/// Converts messages into rows to be written.
pub fn rows(messages: &[StoredMessage]) -> UpsertRows {
    let times = |get: fn(&StoredMessage) -> Micros| -> ArrayRef {
        let times: Vec<i64> = messages.iter().map(|message| get(message).0).collect();
        Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))
    };
    let texts = |get: fn(&StoredMessage) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(messages.iter().map(get)))
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from_iter_values(messages.iter().map(|message| message.device.0))),
        times(|message| message.ts),
        Arc::new(StringArray::from_iter_values(messages.iter().map(|message| message.uuid.to_string()))),
        times(|message| message.received_at),
        texts(|message| &message.status),
        texts(|message| &message.payload),
        texts(|message| message.format.name()),
        texts(|message| &message.principal),
        texts(|message| &message.client),
        Arc::new(Int32Array::from_iter_values(messages.iter().map(|message| message.sensor_count as i32))),
        Arc::new(Int64Array::from_value(0, messages.len())),
    ];
    let batch = RecordBatch::try_new(Table::Messages.schema(), columns);
    let batch = batch.expect("the columns are those of the table");
    UpsertRows::new(Table::Messages, batch).expect("the columns are those of the table")
}

/// Reads messages from rows with all columns.
///
/// # Errors
/// `Unavailable` when a row was not written by this server: its id or format is unknown.
pub fn read_rows(rows: &UpsertRows) -> Result<Vec<StoredMessage>> {
    let batch = rows.batch();
    let received = batch.column(3).as_primitive::<TimestampMicrosecondType>();
    let sensors = batch.column(9).as_primitive::<Int32Type>();
    let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row);
    let message = |row: usize| {
        let UpsertKey { id, ts, label } = rows.key(row);
        Ok(StoredMessage {
            uuid: Uuid::try_parse(label).map_err(|e| unknown_message_error().with_source(e))?,
            device: DeviceId(id),
            ts: Micros(ts),
            received_at: Micros(received.value(row)),
            status: text(4, row).to_owned(),
            payload: text(5, row).to_owned(),
            format: MessageFormat::parse(text(6, row)).ok_or_else(unknown_message_error)?,
            principal: text(7, row).to_owned(),
            client: text(8, row).to_owned(),
            sensor_count: sensors.value(row).unsigned_abs(),
        })
    };
    (0..rows.len()).map(message).collect()
}

fn unknown_message_error() -> Error {
    Error::unavailable("a stored message has an id or a format that this server does not know")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::message_id;

    #[test]
    fn rows_read_as_they_were_written() {
        let message = |device: i32, ts: i64, status: &str, format| StoredMessage {
            uuid: message_id::stored(DeviceId(device), Micros(ts), 0, 7),
            device: DeviceId(device),
            ts: Micros(ts),
            received_at: Micros(ts + 5),
            status: status.to_owned(),
            payload: format!("{{\"id\":{device}}}"),
            format,
            principal: "ab12".to_owned(),
            client: String::new(),
            sensor_count: 3,
        };
        let written = [
            message(1, 10, "ONLINE", MessageFormat::Fact),
            message(1, 20, "", MessageFormat::Document),
            message(2, 5, "WARN", MessageFormat::Fact),
        ];
        assert_eq!(read_rows(&rows(&written)).unwrap(), written);
        assert_eq!(read_rows(&rows(&[])).unwrap(), []);
    }
}
