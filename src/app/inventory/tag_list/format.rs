//! Formats of tag lists, which are told apart by their header. Pure.

use serde::{Deserialize, Serialize};

use crate::domain::named_enum::named_enum;

named_enum! {
    /// A list of tags as another program exports it. A header is compared with the formats in this order.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum TagListFormat {
        /// The tags of a device of KEPServerEX.
        Kepserver = "kepserver",
        /// A tag table of TIA Portal, saved as text.
        TiaPortal = "tia_portal",
        /// The tags of a Logix controller, of Studio 5000 or RSLogix 5000.
        Studio5000 = "studio5000",
        /// A table made by hand, with Basalt's own names.
        Plain = "plain",
    }
}

/// Columns of files of readings or of devices, which are no tag lists.
const COLUMNS_OF_OTHERS: [&str; 8] =
    ["ts", "timestamp", "time", "value", "text", "stream_id", "device", "stream"];

impl TagListFormat {
    /// Finds the format of a header, whose names are in lower case.
    pub fn of_header(columns: &[String]) -> Option<TagListFormat> {
        let has_one = |names: &[&str]| columns.iter().any(|column| names.contains(&column.as_str()));
        TagListFormat::ALL.into_iter().find(|format| {
            let is_of_others = *format == TagListFormat::Plain && has_one(&COLUMNS_OF_OTHERS);
            format.key_columns().iter().all(|names| has_one(names)) && !is_of_others
        })
    }

    /// Name of the format in messages.
    pub fn title(self) -> &'static str {
        match self {
            TagListFormat::Kepserver => "KEPServerEX",
            TagListFormat::TiaPortal => "TIA Portal",
            TagListFormat::Studio5000 => "Studio 5000",
            TagListFormat::Plain => "the plain form",
        }
    }

    /// Columns by which the format is recognised, in lower case, each with its other names.
    fn key_columns(self) -> &'static [&'static [&'static str]] {
        match self {
            TagListFormat::Kepserver => &[&["tag name"], &["address"], &["data type"]],
            TagListFormat::TiaPortal => {
                &[&["name"], &["data type", "datentyp"], &["logical address", "logische adresse"]]
            }
            TagListFormat::Studio5000 => &[&["type"], &["scope"], &["name"], &["datatype"], &["specifier"]],
            TagListFormat::Plain => &[&["name"], &["address"], &["type"]],
        }
    }

    /// Columns as the program writes them, for messages.
    fn header(self) -> &'static str {
        match self {
            TagListFormat::Kepserver => "Tag Name, Address, Data Type, …",
            TagListFormat::TiaPortal => "Name, Path, Data Type, Logical Address, …",
            TagListFormat::Studio5000 => "TYPE, SCOPE, NAME, DESCRIPTION, DATATYPE, SPECIFIER, ATTRIBUTES",
            TagListFormat::Plain => "name, address, type, unit, scale, offset, description",
        }
    }
}

/// Names the columns of every format, for messages.
pub fn describe_headers() -> String {
    let headers = TagListFormat::ALL.map(|format| format!("{} ({})", format.header(), format.title()));
    headers.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_recognised_by_its_columns() {
        let rows = [
            ("tag name,address,data type,respect data type", Some(TagListFormat::Kepserver)),
            ("name,path,data type,logical address,comment", Some(TagListFormat::TiaPortal)),
            ("name,pfad,datentyp,logische adresse", Some(TagListFormat::TiaPortal)),
            ("type,scope,name,description,datatype,specifier,attributes", Some(TagListFormat::Studio5000)),
            ("address,type,name", Some(TagListFormat::Plain)),
            ("name,address", None),
            ("name,address,type,value", None),
            ("device,stream,name,address,type", None),
            ("ts,value", None),
        ];
        for (header, expected) in rows {
            let columns: Vec<String> = header.split(',').map(str::to_owned).collect();
            assert_eq!(TagListFormat::of_header(&columns), expected, "{header}");
        }
    }
}
