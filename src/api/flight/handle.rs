//! What a client holds between its calls: a statement, whose it is, and the values bound to it.
//!
//! It is a note to oneself, not a ticket into anything: whoever presents it brings their own key, and what runs, runs as
//! that key. One of another key is refused all the same.

use arrow::array::RecordBatch;
use arrow_flight::Ticket;
use arrow_flight::sql::{Any, TicketStatementQuery};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::params;
use crate::domain::{Error, Principal, Result};

/// A statement of a caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Handle {
    /// As the query log names it.
    caller: String,
    pub query: String,
    /// One row of values, as an Arrow stream.
    values: Option<String>,
}

impl Handle {
    pub fn new(principal: &Principal, query: String) -> Self {
        Self { caller: principal.caller.to_string(), query, values: None }
    }

    pub fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("texts always serialise").into()
    }

    /// A handle that `principal` was given.
    ///
    /// # Errors
    /// `Invalid` when it is none, `Forbidden` when it was given to somebody else.
    pub fn read(principal: &Principal, bytes: &[u8]) -> Result<Handle> {
        let wrong = |e| Error::invalid("this handle or ticket is not one of this server").because(e);
        let handle: Handle = serde_json::from_slice(bytes).map_err(wrong)?;
        if handle.caller != principal.caller.to_string() {
            return Err(Error::forbidden("this handle or ticket was given to another key"));
        }
        Ok(handle)
    }

    /// The same with values for its parameters.
    pub fn with_values(self, values: &RecordBatch) -> Result<Handle> {
        Ok(Handle { values: Some(STANDARD.encode(params::to_bytes(values)?)), ..self })
    }

    /// The values bound to it.
    pub fn values(&self) -> Result<Option<RecordBatch>> {
        let wrong = |e| Error::invalid("the parameters of this handle cannot be read").because(e);
        let bytes = self.values.as_ref().map(|text| STANDARD.decode(text).map_err(wrong)).transpose()?;
        bytes.map(|bytes| params::from_bytes(&bytes)).transpose()
    }

    /// A ticket for the answer.
    pub fn to_ticket(&self) -> Result<Ticket> {
        let message = TicketStatementQuery { statement_handle: self.to_bytes() };
        let packed =
            Any::pack(&message).map_err(|e| Error::internal("a ticket cannot be packed").because(e))?;
        Ok(Ticket::new(encode(&packed)))
    }
}

/// `google.protobuf.Any` on the wire: field 1 is the URL of the type, field 2 the message.
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
