//! Type of the schema for certificates of OPC UA servers.

use async_graphql::{Context, Enum, Object, Result};
use serde::Serialize;

use super::device::Device;
use crate::api::graphql::object::object;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::DateTime;
use crate::domain::opcua_certificate::{self, CertificateState};

/// A certificate that an OPC UA server showed.
pub struct OpcuaCertificate(pub opcua_certificate::OpcuaCertificate);

/// Decision about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "CertificateState", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum OpcuaCertificateState {
    /// Nobody has decided; the server is not connected to.
    New,
    /// The server is trusted and connected to.
    Trusted,
    /// The server is not connected to.
    Rejected,
}

object! {
    #[Object]
    /// A certificate that an OPC UA server showed.
    impl OpcuaCertificate(self) {
        /// SHA-1 of the certificate in hexadecimal, as OPC UA names certificates.
        fingerprint: &str = &self.0.fingerprint;
        /// Distinguished name of the certificate.
        subject: &str = &self.0.subject;
        /// Time from which the certificate is valid; null if that cannot be read.
        valid_from: Option<DateTime> = self.0.valid_from.map(DateTime);
        /// Time until which the certificate is valid; null if that cannot be read.
        valid_to: Option<DateTime> = self.0.valid_to.map(DateTime);
        /// Whether the server with this certificate is trusted.
        state: OpcuaCertificateState = self.0.state.into();
    }
    resolvers {
        /// Devices whose servers showed the certificate since this server started.
        async fn devices(&self, ctx: &Context<'_>) -> Result<Vec<Device>> {
            let mut found = Vec::new();
            for id in &self.0.devices {
                found.extend(rows::device(ctx, *id)?.map(Device));
            }
            Ok(found)
        }
    }
}
