//! Maps the columns of an import file by the names of /ingest.

use crate::app::inventory::{self, tag_list};
use crate::domain::{Error, Result, StreamId};

/// Destination of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportDestination {
    Stream(StreamId),
    /// Each row names its stream.
    ByRow,
}

/// How a row names its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamColumns {
    Fixed(StreamId),
    Id { column: usize },
    Names { device: usize, stream: usize },
}

/// Positions of the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportColumns {
    pub stream: StreamColumns,
    pub ts: usize,
    pub value: Option<usize>,
    pub text: Option<usize>,
    pub quality: Option<usize>,
}

/// Accepted names of the time column.
pub const TIME_COLUMN_NAMES: [&str; 3] = ["ts", "timestamp", "time"];
const KNOWN_COLUMNS: [&str; 6] = ["stream_id", "device", "stream", "value", "text", "quality"];
/// Columns of our own lake's files; a new write gets its own sequence number.
const IGNORED_COLUMNS: [&str; 1] = ["seq"];

impl ImportColumns {
    /// Finds every column.
    ///
    /// # Errors
    /// Says which column is missing, duplicate, unknown or in conflict with the destination.
    pub fn find<S: AsRef<str>>(names: &[S], destination: ImportDestination) -> Result<ImportColumns> {
        let names: Vec<_> = names.iter().map(|n| n.as_ref().trim()).collect();
        check_known(&names)?;
        let (id, device, stream) = (
            find_unique(&names, &["stream_id"])?,
            find_unique(&names, &["device"])?,
            find_unique(&names, &["stream"])?,
        );
        let address = match (destination, id, device, stream) {
            (ImportDestination::Stream(stream), None, None, None) => StreamColumns::Fixed(stream),
            (ImportDestination::Stream(_), ..) => {
                return Err(Error::invalid(
                    "the rows say themselves which stream they are of: leave --stream, --device and --name out",
                ));
            }
            (ImportDestination::ByRow, Some(column), None, None) => StreamColumns::Id { column },
            (ImportDestination::ByRow, None, Some(device), Some(stream)) => {
                StreamColumns::Names { device, stream }
            }
            (ImportDestination::ByRow, Some(_), ..) => {
                return Err(Error::invalid(
                    "there are both stream_id and device or stream: keep one of the two ways",
                ));
            }
            (ImportDestination::ByRow, None, ..) => {
                return Err(Error::invalid(
                    "nothing says which stream the rows are of: add a column stream_id, or device and stream, or use --stream or --device and --name",
                ));
            }
        };
        let ts = find_unique(&names, &TIME_COLUMN_NAMES)?;
        let ts = ts
            .ok_or_else(|| Error::invalid("there is no column ts (timestamp and time are understood too)"))?;
        let (value, text) = (find_unique(&names, &["value"])?, find_unique(&names, &["text"])?);
        if value.is_none() && text.is_none() {
            return Err(Error::invalid("there is neither a column value nor a column text"));
        }
        Ok(ImportColumns { stream: address, ts, value, text, quality: find_unique(&names, &["quality"])? })
    }
}

/// Checks that every column is one of readings. The error names the columns of all files that are imported.
pub fn check_known(names: &[&str]) -> Result<()> {
    let is_known = |name: &str| {
        TIME_COLUMN_NAMES.contains(&name) || KNOWN_COLUMNS.contains(&name) || IGNORED_COLUMNS.contains(&name)
    };
    match names.iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => Err(Error::invalid(format!(
            "`{name}` is no column of an import. Readings have ts (or timestamp, time), {}. Devices and streams have {}. \
             Tag lists have {}",
            KNOWN_COLUMNS.join(", "),
            inventory::column_names(),
            tag_list::describe_headers()
        ))),
    }
}

/// Returns the position of the only column that has one of these names.
fn find_unique(names: &[&str], wanted: &[&str]) -> Result<Option<usize>> {
    let mut found = names.iter().enumerate().filter(|(_, name)| wanted.contains(name));
    let first = found.next();
    match found.next() {
        Some((_, name)) => Err(Error::invalid(format!("there are several columns for `{name}`"))),
        None => Ok(first.map(|(place, _)| place)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let fixed = ImportDestination::Stream(StreamId(7));
        let rows = [
            ("of_a_named_stream", "timestamp,value", fixed, StreamColumns::Fixed(StreamId(7)), 0),
            ("by_id", "value,stream_id,ts", ImportDestination::ByRow, StreamColumns::Id { column: 1 }, 2),
            (
                "by_names",
                "device,stream,time,text",
                ImportDestination::ByRow,
                StreamColumns::Names { device: 0, stream: 1 },
                2,
            ),
            (
                "of_our_lake",
                "stream_id,ts,value,text,quality,seq",
                ImportDestination::ByRow,
                StreamColumns::Id { column: 0 },
                1,
            ),
        ];
        for (name, header, destination, address, ts) in rows {
            let names: Vec<_> = header.split(',').collect();
            let columns = ImportColumns::find(&names, destination).expect(name);
            assert_eq!((columns.stream, columns.ts), (address, ts), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_header_is_said() {
        let fixed = ImportDestination::Stream(StreamId(7));
        let rows = [
            ("no_time", "value", fixed, "no column ts"),
            ("two_times", "ts,time,value", fixed, "several columns"),
            ("nothing_measured", "ts,quality", fixed, "neither a column value"),
            ("a_stranger", "ts,value,colour", fixed, "`colour`"),
            ("no_stream", "ts,value", ImportDestination::ByRow, "--stream"),
            ("half_a_name", "ts,value,device", ImportDestination::ByRow, "device and stream"),
            ("two_ways", "ts,value,stream_id,device,stream", ImportDestination::ByRow, "both stream_id"),
            ("said_twice", "ts,value,stream_id", fixed, "leave --stream"),
            ("a_file_without_a_header", "2013-07-04 00:00:00,69.88", fixed, "`2013-07-04 00:00:00`"),
        ];
        for (name, header, destination, part) in rows {
            let names: Vec<_> = header.split(',').collect();
            let message = ImportColumns::find(&names, destination).expect_err(name).to_string();
            assert!(message.contains(part), "{name}: `{part}` is missing in: {message}");
        }
    }
}
