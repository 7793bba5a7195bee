//! `POST /devices/{id}/credentials/certificate`: a new certificate with its key, in an archive to install or as JSON.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, header, uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::archive::{self, ArchiveFile};
use super::mistakes::refusal;
use super::{Answer, Cloud, ProjectCaller};
use crate::api::accept;
use crate::app::instathings::ProjectEnv;
use crate::auth::certificate::IssuedCertificate;
use crate::domain::device::Device;
use crate::domain::{Error, Result};

/// Installs the gateway software with the files beside it.
const INSTALL_SCRIPT: &str = include_str!("install.sh");

/// Issues a certificate; the one before is not accepted any more.
///
/// # Errors
/// 400 for a device that is no gateway; 404 when there is no such device.
pub async fn issue(cloud: &Cloud, caller: &ProjectCaller, id: &str, headers: &HeaderMap) -> Answer {
    let device = cloud.device(caller, id)?;
    let viewer = cloud.viewer(caller);
    if !viewer.is_gateway(&device)? {
        return Err(refusal(json!({"message": "Certificates are available for gateways only"})));
    }
    let issued = cloud.app.certificates.issue_certificate(&caller.principal, device.id).await?;
    match cloud.app.settings().compat.instathings.env {
        ProjectEnv::Sandbox => {
            let shown = serde_json::to_value(viewer.detailed(&device)?);
            let mut shown = shown.map_err(|e| Error::internal("a device is no JSON").with_source(e))?;
            shown["credentials"] = json!({
                "certificatePem": issued.certificate_pem,
                "privateKey": issued.private_key_pem,
                "publicKey": issued.public_key_pem,
            });
            Ok(Json::<Value>(shown).into_response())
        }
        ProjectEnv::Live => {
            let authority = cloud.app.certificates.authority_certificate().await?;
            let settings = gateway_settings(&device, &caller.project, &host(headers));
            Ok(archive_response(&device, &issued, &authority, &settings)?)
        }
    }
}

fn archive_response(
    device: &Device,
    issued: &IssuedCertificate,
    authority: &str,
    settings: &str,
) -> Result<Response> {
    let private = |path, content: &str| (path, content.as_bytes().to_vec(), 0o600);
    let files = [
        private("config/certificate.pem", &issued.certificate_pem),
        private("config/private.key", &issued.private_key_pem),
        private("config/awsRootCA1.pem", authority),
        private("config/.env", settings),
        ("install.sh", INSTALL_SCRIPT.as_bytes().to_vec(), 0o755),
    ];
    let files: Vec<ArchiveFile<'_>> =
        files.iter().map(|(path, content, mode)| ArchiveFile { path, content, mode: *mode }).collect();
    let name = format!("attachment; filename=\"device-{}-credentials.zip\"", device.aliases.key);
    let name =
        HeaderValue::try_from(name).map_err(|e| Error::internal("the key is not ASCII").with_source(e))?;
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static(accept::ZIP)), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, archive::write(&files)?).into_response())
}

/// The settings that the gateway software reads.
fn gateway_settings(device: &Device, project: &str, host: &str) -> String {
    let id = &device.aliases.key;
    format!("NODE_ENV=production\nHOST={host}\nPARENT_DEVICE_ID={id}\nPROJECT_ID={project}\n")
}

/// The host that the client has reached, without its port.
fn host(headers: &HeaderMap) -> String {
    let named = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let authority = named.and_then(|text| text.parse::<uri::Authority>().ok());
    authority.map_or_else(|| "localhost".to_owned(), |authority| authority.host().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_that_of_the_request() {
        for (host_header, expected) in [
            (Some("plant.example:8000"), "plant.example"),
            (Some("[::1]:8000"), "[::1]"),
            (Some("a b"), "localhost"),
            (None, "localhost"),
        ] {
            let headers: HeaderMap =
                host_header.into_iter().map(|h| (header::HOST, h.parse().unwrap())).collect();
            assert_eq!(host(&headers), expected, "{host_header:?}");
        }
    }
}
