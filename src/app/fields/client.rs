//! The fields of a client of a vendor's API.

use super::field_type::ANY_LENGTH;
use super::reader::FieldReader;
use super::visitor::Presence;
use crate::app::client::ClientRequest;
use crate::domain::Result;

/// Reads a new client. Its words are checked when it is created.
///
/// # Errors
/// `Invalid` naming every wrong field.
pub fn read_client(mut fields: FieldReader) -> Result<ClientRequest> {
    let mut request = ClientRequest::default();
    fields.read("api", Presence::Required, ANY_LENGTH, &mut request.api);
    fields.read("name", Presence::Required, ANY_LENGTH, &mut request.name);
    fields.read("user", Presence::Optional, ANY_LENGTH, &mut request.user);
    fields.read("role", Presence::Optional, ANY_LENGTH, &mut request.role);
    fields.finish(Vec::new())?;
    Ok(request)
}
