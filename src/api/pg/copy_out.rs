//! Runs COPY TO STDOUT: the rows of a query as lines of text, sent as they are computed.

use bytes::{Buf, BytesMut};
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::copy::{CopyData, CopyDone, CopyOutResponse};
use pgwire::messages::data::DataRow;

use super::copy_command::CopyStatement;
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
        let mut running = self.run_query(watch, query, Vec::new(), &[]).await?;
        let columns = running.columns().names().len();
        // Result columns are limited to far fewer than 16 bits count.
        self.send(&Out::CopyOutResponse(CopyOutResponse::new(0, columns as i16, vec![0; columns])))?;
        let mut line = BytesMut::new();
        if format.has_header {
            format.write_row(running.columns().names().map(|name| Some(name.as_bytes())), &mut line);
            self.send(&Out::CopyData(CopyData::new(line.split().freeze())))?;
        }
        let mut rows = 0u64;
        while let Some(row) = running.next_row(&mut self.connection, watch).await? {
            format.write_row(values(&row), &mut line);
            self.send(&Out::CopyData(CopyData::new(line.split().freeze())))?;
            rows += 1;
            if self.connection.is_full() {
                self.connection.flush().await?;
            }
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
