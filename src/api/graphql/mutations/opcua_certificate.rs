//! Mutation that trusts or rejects the certificate of an OPC UA server.

use async_graphql::{Context, Object, Result, SimpleObject};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::objects::opcua_certificate::{OpcuaCertificate, OpcuaCertificateState};

/// The mutation that decides about certificates.
#[derive(Default)]
pub struct OpcuaCertificateMutations;

/// Result of a decision on a certificate.
#[derive(SimpleObject)]
pub struct OpcuaCertificatePayload {
    /// The certificate after the decision; null if nothing was changed.
    certificate: Option<OpcuaCertificate>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "OpcuaCertificateMutations")]
impl OpcuaCertificateMutations {
    /// Trusts or rejects the certificate of an OPC UA server, from the next connection on. Only unrestricted callers of
    /// the default organization with `system:write` may, because certificates belong to the machine.
    async fn set_opcua_certificate_state(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "SHA-1 of the certificate in hexadecimal.")] fingerprint: String,
        #[graphql(desc = "The decision: `trusted` or `rejected`.")] state: OpcuaCertificateState,
    ) -> Result<OpcuaCertificatePayload> {
        let decided =
            app(ctx).opcua_certificates.set_certificate_state(caller(ctx), &fingerprint, state.into()).await;
        let (certificate, errors) = into_payload(decided)?;
        Ok(OpcuaCertificatePayload { certificate: certificate.map(OpcuaCertificate), errors })
    }
}
