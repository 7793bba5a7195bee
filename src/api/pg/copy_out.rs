//! Runs COPY TO STDOUT: the rows of a query as lines of text or in the binary format, sent as they are computed.

use bytes::{Buf, BufMut, BytesMut};
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::copy::{CopyData, CopyDone, CopyOutResponse};
use pgwire::messages::data::DataRow;

use super::copy_command::CopyStatement;
use super::copy_format::{BINARY_HEADER, BINARY_TRAILER, CopyFormat};
use super::error::PgError;
use super::session::{PgSession, StatementOutcome};
use super::statement_guard::StatementGuard;

impl PgSession {
    /// Sends a copy up to CopyDone, in both forms of queries; at most one send buffer is held.
    pub(super) async fn copy_out(
        &mut self,
        watch: &mut StatementGuard,
        copy: &CopyStatement,
    ) -> Result<StatementOutcome, PgError> {
        let CopyStatement { query, format } = copy;
        let code: i8 = if *format == CopyFormat::Binary { 1 } else { 0 };
        let mut running = self.run_query(watch, query, Vec::new(), &[code.into()]).await?;
        let columns = running.columns().names().len();
        // Result columns are limited to far fewer than 16 bits count.
        let response = CopyOutResponse::new(code, columns as i16, vec![code.into(); columns]);
        self.send(&Out::CopyOutResponse(response))?;
        let mut line = BytesMut::new();
        match format {
            // Clients read it from the message of the first row.
            CopyFormat::Binary => line.put_slice(&BINARY_HEADER),
            CopyFormat::Lines(lines) if lines.has_header => {
                lines.write_row(running.columns().names().map(|name| Some(name.as_bytes())), &mut line);
                self.send(&Out::CopyData(CopyData::new(line.split().freeze())))?;
            }
            CopyFormat::Lines(_) => {}
        }
        let mut rows = 0u64;
        while let Some(row) = running.next_row(&mut self.connection, watch).await? {
            match format {
                CopyFormat::Lines(lines) => lines.write_row(values(&row), &mut line),
                CopyFormat::Binary => {
                    line.put_i16(row.field_count);
                    line.put_slice(&row.data);
                }
            }
            self.send(&Out::CopyData(CopyData::new(line.split().freeze())))?;
            rows += 1;
            if self.connection.is_full() {
                self.connection.flush().await?;
            }
        }
        if *format == CopyFormat::Binary {
            line.put_i16(BINARY_TRAILER);
            self.send(&Out::CopyData(CopyData::new(line.split().freeze())))?;
        }
        self.send(&Out::CopyDone(CopyDone::new()))?;
        Ok(StatementOutcome::Done(format!("COPY {rows}").into()))
    }
}

/// Returns the values of an encoded row, each with its length before it; that of NULL is -1.
fn values(row: &DataRow) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = &row.data[..];
    (0..row.field_count).map(move |_| {
        let length = usize::try_from(rest.get_i32()).ok()?;
        let (value, after) = rest.split_at(length);
        rest = after;
        Some(value)
    })
}
