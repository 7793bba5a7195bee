//! Standard output: results only, so that it can be piped. Remarks go to standard error.

use std::error::Error as _;
use std::io::{self, ErrorKind, Write};

use crate::domain::{Error, Result};

/// Writes one line.
pub fn line(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(stdout_error)
}

/// Writes rows under a header, each column as wide as its widest cell.
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> Result<()> {
    line(&layout(header, rows))
}

/// Converts an error of standard output.
pub fn stdout_error(error: io::Error) -> Error {
    Error::unavailable("cannot write to standard output").with_source(error)
}

/// Returns whether the reader of a pipe has gone (`basalt sql … | head`), which is no failure of ours.
pub fn is_broken_pipe(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) {
            return true;
        }
        cause = inner.source();
    }
    false
}

fn layout<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..N).map(width).collect();
    let to_line = |cells: Vec<&str>| {
        let padded: Vec<_> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let body = rows.iter().map(|row| to_line(row.iter().map(String::as_str).collect()));
    std::iter::once(to_line(header.to_vec())).chain(body).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1".to_owned(), "größer".to_owned()], ["22".to_owned(), String::new()]];
        assert_eq!(layout(["ID", "NAME"], &rows), "ID  NAME\n1   größer\n22");
        assert_eq!(layout(["ID", "NAME"], &[]), "ID  NAME");
    }

    #[test]
    fn a_closed_pipe_is_told_from_a_full_disk() {
        let broken = stdout_error(io::Error::from(ErrorKind::BrokenPipe));
        let full = stdout_error(io::Error::from(ErrorKind::StorageFull));
        assert!(is_broken_pipe(&broken));
        assert!(!is_broken_pipe(&full));
    }
}
