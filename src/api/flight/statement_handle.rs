//! Handle of a prepared statement, kept by the client: the statement, its owner, and the bound values.
//!
//! A handle grants no rights: every call that presents one carries its own key and runs with the rights of that key. A
//! handle of another key is refused nevertheless.

use arrow::array::RecordBatch;
use arrow_flight::Ticket;
use arrow_flight::sql::{Any, TicketStatementQuery};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::params;
use crate::domain::{Error, Principal, Result};

/// A prepared statement with its owner and bound values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatementHandle {
    /// The caller as named in the query log.
    caller: String,
    pub query: String,
    /// One row of values, as an Arrow IPC stream.
    values: Option<String>,
}

impl StatementHandle {
    /// Creates the handle of a statement that `principal` prepares, without values.
    pub fn new(principal: &Principal, query: String) -> Self {
        Self { caller: principal.caller.to_string(), query, values: None }
    }

    /// Encodes the handle as JSON for the client; the inverse of [`StatementHandle::read`].
    pub fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("texts always serialise").into()
    }

    /// Decodes a handle that was given to `principal`.
    ///
    /// # Errors
    /// `Invalid` when the bytes are not a handle, `Forbidden` when it was given to another key.
    pub fn read(principal: &Principal, bytes: &[u8]) -> Result<StatementHandle> {
        let wrong = |e| Error::invalid("this handle or ticket is not one of this server").with_source(e);
        let handle: StatementHandle = serde_json::from_slice(bytes).map_err(wrong)?;
        if handle.caller != principal.caller.to_string() {
            return Err(Error::forbidden("this handle or ticket was given to another key"));
        }
        Ok(handle)
    }

    /// Returns the handle with values for its parameters.
    pub fn with_values(self, values: &RecordBatch) -> Result<StatementHandle> {
        Ok(StatementHandle { values: Some(STANDARD.encode(params::to_bytes(values)?)), ..self })
    }

    /// Returns the bound values.
    pub fn values(&self) -> Result<Option<RecordBatch>> {
        let wrong = |e| Error::invalid("the parameters of this handle cannot be read").with_source(e);
        let bytes = self.values.as_ref().map(|text| STANDARD.decode(text).map_err(wrong)).transpose()?;
        bytes.map(|bytes| params::from_bytes(&bytes)).transpose()
    }

    /// Returns a ticket for the result.
    pub fn to_ticket(&self) -> Result<Ticket> {
        let message = TicketStatementQuery { statement_handle: self.to_bytes() };
        let packed =
            Any::pack(&message).map_err(|e| Error::internal("a ticket cannot be packed").with_source(e))?;
        Ok(Ticket::new(encode(&packed)))
    }
}

/// Encodes a `google.protobuf.Any`: field 1 is the type URL, field 2 the message.
fn encode(any: &Any) -> Bytes {
    let mut bytes = BytesMut::new();
    for (tag, part) in [(0x0a, any.type_url.as_bytes()), (0x12, &any.value)] {
        bytes.put_u8(tag);
        let mut length = part.len();
        while length >= 0x80 {
            bytes.put_u8((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        bytes.put_u8(length as u8);
        bytes.extend_from_slice(part);
    }
    bytes.freeze()
}
