//! Which column of a file is what, by the names of /ingest.

use crate::domain::{Error, Result, StreamId};

/// Where rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    Stream(StreamId),
    /// Each row says it itself.
    ByRow,
}

/// How a row says which stream it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    Fixed(StreamId),
    Id { column: usize },
    Names { device: usize, stream: usize },
}

/// The places of the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    pub address: Address,
    pub ts: usize,
    pub value: Option<usize>,
    pub text: Option<usize>,
    pub quality: Option<usize>,
}

/// What the column of the time may be called.
pub const TS: [&str; 3] = ["ts", "timestamp", "time"];
const KNOWN: [&str; 6] = ["stream_id", "device", "stream", "value", "text", "quality"];
/// In files of our own lake; a new write gets a number of its own.
const IGNORED: [&str; 1] = ["seq"];

impl Columns {
    /// Finds every column, or says which is missing, double, unknown or in contradiction to the destination.
    pub fn find<S: AsRef<str>>(names: &[S], destination: Destination) -> Result<Columns> {
        let names: Vec<_> = names.iter().map(|n| n.as_ref().trim()).collect();
        check_known(&names)?;
        let (id, device, stream) =
            (one(&names, &["stream_id"])?, one(&names, &["device"])?, one(&names, &["stream"])?);
        let address = match (destination, id, device, stream) {
            (Destination::Stream(stream), None, None, None) => Address::Fixed(stream),
            (Destination::Stream(_), ..) => {
                return Err(Error::invalid(
                    "the rows say themselves which stream they are of: leave --stream, --device and --name out",
                ));
            }
            (Destination::ByRow, Some(column), None, None) => Address::Id { column },
            (Destination::ByRow, None, Some(device), Some(stream)) => Address::Names { device, stream },
            (Destination::ByRow, Some(_), ..) => {
                return Err(Error::invalid(
                    "there are both stream_id and device or stream: keep one of the two ways",
                ));
            }
            (Destination::ByRow, None, ..) => {
                return Err(Error::invalid(
                    "nothing says which stream the rows are of: add a column stream_id, or device and stream, or use --stream or --device and --name",
                ));
            }
        };
        let ts = one(&names, &TS)?;
        let ts = ts
            .ok_or_else(|| Error::invalid("there is no column ts (timestamp and time are understood too)"))?;
        let (value, text) = (one(&names, &["value"])?, one(&names, &["text"])?);
        if value.is_none() && text.is_none() {
            return Err(Error::invalid("there is neither a column value nor a column text"));
        }
        Ok(Columns { address, ts, value, text, quality: one(&names, &["quality"])? })
    }
}

fn check_known(names: &[&str]) -> Result<()> {
    let is_known = |name: &str| TS.contains(&name) || KNOWN.contains(&name) || IGNORED.contains(&name);
    match names.iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => Err(Error::invalid(format!(
            "`{name}` is no column of an import: there are ts (or timestamp, time), {}",
            KNOWN.join(", ")
        ))),
    }
}

/// The place of the one column that has one of these names.
fn one(names: &[&str], wanted: &[&str]) -> Result<Option<usize>> {
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
        let fixed = Destination::Stream(StreamId(7));
        let rows = [
            ("of_a_named_stream", "timestamp,value", fixed, Address::Fixed(StreamId(7)), 0),
            ("by_id", "value,stream_id,ts", Destination::ByRow, Address::Id { column: 1 }, 2),
            (
                "by_names",
                "device,stream,time,text",
                Destination::ByRow,
                Address::Names { device: 0, stream: 1 },
                2,
            ),
            (
                "of_our_lake",
                "stream_id,ts,value,text,quality,seq",
                Destination::ByRow,
                Address::Id { column: 0 },
                1,
            ),
        ];
        for (name, header, destination, address, ts) in rows {
            let names: Vec<_> = header.split(',').collect();
            let columns = Columns::find(&names, destination).expect(name);
            assert_eq!((columns.address, columns.ts), (address, ts), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_header_is_said() {
        let fixed = Destination::Stream(StreamId(7));
        let rows = [
            ("no_time", "value", fixed, "no column ts"),
            ("two_times", "ts,time,value", fixed, "several columns"),
            ("nothing_measured", "ts,quality", fixed, "neither a column value"),
            ("a_stranger", "ts,value,colour", fixed, "`colour`"),
            ("no_stream", "ts,value", Destination::ByRow, "--stream"),
            ("half_a_name", "ts,value,device", Destination::ByRow, "device and stream"),
            ("two_ways", "ts,value,stream_id,device,stream", Destination::ByRow, "both stream_id"),
            ("said_twice", "ts,value,stream_id", fixed, "leave --stream"),
            ("a_file_without_a_header", "2013-07-04 00:00:00,69.88", fixed, "`2013-07-04 00:00:00`"),
        ];
        for (name, header, destination, part) in rows {
            let names: Vec<_> = header.split(',').collect();
            let message = Columns::find(&names, destination).expect_err(name).to_string();
            assert!(message.contains(part), "{name}: `{part}` is missing in: {message}");
        }
    }
}
