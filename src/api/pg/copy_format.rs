//! Rows of COPY TO STDOUT in the formats text, csv and binary, as PostgreSQL writes them (the page of COPY in its manual).

use bytes::{BufMut, BytesMut};

/// The beginning of the binary format: its signature, no flags, and a header extension of no bytes.
pub const BINARY_HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The end of the binary format, in place of the number of values.
pub const BINARY_TRAILER: i16 = -1;

/// Format of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyFormat {
    Lines(LineFormat),
    /// The values in the binary format of the protocol, with their number before each row.
    Binary,
}

/// Format of rows that are lines of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFormat {
    /// `None` for the text format.
    pub csv: Option<CsvQuotes>,
    /// Whether the names of the columns come first.
    pub has_header: bool,
    pub delimiter: u8,
    /// The text of a NULL.
    pub null: String,
}

/// Quotes of the format csv.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvQuotes {
    pub quote: u8,
    /// The character before a quote within quotes.
    pub escape: u8,
}

impl LineFormat {
    /// Writes one row and the end of its line. The values are UTF-8, as sent in the text format.
    pub fn write_row<'a>(&self, values: impl Iterator<Item = Option<&'a [u8]>>, out: &mut BytesMut) {
        let mut values = values.peekable();
        let mut is_first = true;
        while let Some(value) = values.next() {
            if !is_first {
                out.put_u8(self.delimiter);
            }
            let is_alone = is_first && values.peek().is_none();
            is_first = false;
            match (value, self.csv) {
                (None, _) => out.put_slice(self.null.as_bytes()),
                (Some(value), None) => self.write_text(value, out),
                (Some(value), Some(quotes)) => self.write_csv(value, quotes, is_alone, out),
            }
        }
        out.put_u8(b'\n');
    }

    fn write_text(&self, value: &[u8], out: &mut BytesMut) {
        for &byte in value {
            let escaped = match byte {
                8 => b'b',
                b'\t' => b't',
                b'\n' => b'n',
                11 => b'v',
                12 => b'f',
                b'\r' => b'r',
                byte if byte == b'\\' || byte == self.delimiter => byte,
                byte => {
                    out.put_u8(byte);
                    continue;
                }
            };
            out.put_slice(&[b'\\', escaped]);
        }
    }

    fn write_csv(
        &self,
        value: &[u8],
        CsvQuotes { quote, escape }: CsvQuotes,
        is_alone: bool,
        out: &mut BytesMut,
    ) {
        let is_special =
            |byte: &u8| *byte == self.delimiter || *byte == quote || matches!(byte, b'\n' | b'\r');
        // Alone on its line, `\.` would end the data.
        let needs_quotes =
            value == self.null.as_bytes() || value.iter().any(is_special) || (is_alone && value == b"\\.");
        if !needs_quotes {
            return out.put_slice(value);
        }
        out.put_u8(quote);
        for &byte in value {
            if byte == quote || byte == escape {
                out.put_u8(escape);
            }
            out.put_u8(byte);
        }
        out.put_u8(quote);
    }
}

#[cfg(test)]
#[path = "copy_format_tests.rs"]
mod tests;
