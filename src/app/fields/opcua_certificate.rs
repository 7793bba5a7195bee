//! The field of a decision on a certificate.

use super::reader::FieldReader;
use super::visitor::Presence;
use crate::domain::Result;
use crate::domain::opcua_certificate::CertificateState;

/// Reads what is decided.
///
/// # Errors
/// `Invalid` naming the field.
pub fn read_certificate_state(mut fields: FieldReader) -> Result<CertificateState> {
    let mut state = CertificateState::New;
    fields.read("state", Presence::Required, (), &mut state);
    fields.finish(Vec::new())?;
    Ok(state)
}
