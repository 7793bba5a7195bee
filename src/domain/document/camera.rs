//! Cameras: where their pictures come from. Passwords are kept apart from the addresses, and nothing shows them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::rules::{MAX_NAME, check_required};
use super::{DocumentContent, DocumentReference, ReferenceTarget};
use crate::domain::media::address::{CameraKind, StreamUrl, UrlWithPassword, is_device_path, parse_url};
use crate::domain::notification::ChannelSecret;
use crate::domain::{DeviceId, Error, FieldError, Result};

/// An address of a camera: a URL without its password, and the password.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CameraAddress {
    /// URL without a password, or path of a video device.
    pub text: String,
    /// Password of the URL, percent-encoded as it was. APIs never show it. It is no part of the JSON: the catalog keeps it
    /// in a column of its own.
    #[serde(skip)]
    pub password: Option<String>,
}

impl CameraAddress {
    /// Splits an address into what may be shown and its password. What is no URL is kept as it is: the rules refuse it, or it
    /// is a device.
    pub fn new(text: &str) -> Self {
        match parse_url(text) {
            Some(UrlWithPassword { url, password }) => Self { text: url.without_password(), password },
            None => Self { text: text.to_owned(), password: None },
        }
    }

    /// The parts of the URL; `None` for a device.
    pub fn url(&self) -> Option<StreamUrl> {
        parse_url(&self.text).map(|parsed| parsed.url)
    }

    /// Keeps the stored password where the address is the same and has none of its own: it is never shown, so it cannot be
    /// sent back. Another address does not get it.
    pub fn keep_password(&mut self, stored: &CameraAddress) {
        if self.password.is_none() && self.text == stored.text {
            self.password.clone_from(&stored.password);
        }
    }

    /// Kind of a camera with this address, if it is one.
    fn kind(&self) -> Option<CameraKind> {
        let of_device = is_device_path(&self.text).then_some(CameraKind::V4l2);
        self.url().map(|url| url.scheme.kind()).or(of_device)
    }
}

/// The password is not shown.
impl fmt::Debug for CameraAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_password = self.password.is_some();
        f.debug_struct("CameraAddress")
            .field("text", &self.text)
            .field("has_password", &has_password)
            .finish()
    }
}

/// Settable fields of a camera.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CameraSpec {
    /// Device that it belongs to; fixed.
    pub device: DeviceId,
    /// 1..=255 characters, unique on the device.
    pub name: String,
    /// How its pictures are fetched. `kind` is the document's in the JSON.
    #[serde(rename = "type")]
    pub kind: CameraKind,
    /// Address of its pictures.
    pub stream: CameraAddress,
    /// Address of what a recorder recorded of the camera (`StreamUrl::of_range`).
    pub dvr: Option<CameraAddress>,
}

impl CameraSpec {
    /// The kind that an address has by itself.
    pub fn kind_of(stream: &CameraAddress) -> CameraKind {
        stream.kind().unwrap_or(CameraKind::Rtsp)
    }
}

impl DocumentContent for CameraSpec {
    fn unique_title(&self) -> String {
        format!("A camera with the name '{}' exists on this device", self.name)
    }

    fn device(&self) -> Option<DeviceId> {
        Some(self.device)
    }

    fn secret(&self) -> Option<ChannelSecret> {
        let password = |address: &CameraAddress| address.password.clone();
        let (stream, dvr) = (password(&self.stream), self.dvr.as_ref().and_then(password));
        if stream.is_none() && dvr.is_none() {
            return None;
        }
        // A password is a part of a URL, so no line ends in it. A mark tells an empty one from none.
        let line = |password: Option<String>| password.map_or_else(String::new, |text| format!(":{text}"));
        Some(ChannelSecret::new(format!("{}\n{}", line(stream), line(dvr))))
    }

    fn set_secret(&mut self, stored: ChannelSecret) {
        let password = |line: Option<&str>| line.and_then(|line| line.strip_prefix(':')).map(str::to_owned);
        let mut lines = stored.expose().split('\n');
        self.stream.password = password(lines.next());
        if let Some(dvr) = &mut self.dvr {
            dvr.password = password(lines.next());
        }
    }

    fn check_change(&self, stored: &Self) -> Result<()> {
        if stored.device != self.device {
            return Err(Error::conflict("deviceId of a camera cannot be changed"));
        }
        Ok(())
    }

    fn unique_name(&self) -> String {
        format!("{}/{}", self.device, self.name)
    }

    fn references(&self) -> Vec<DocumentReference> {
        vec![DocumentReference::new("device", ReferenceTarget::Device(self.device))]
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_required(&mut found, "name", &self.name, MAX_NAME);
        if self.stream.text.trim().is_empty() {
            found.push(FieldError::new("stream_url", "must not be blank"));
        } else if self.stream.kind() != Some(self.kind) {
            found.push(FieldError::new("stream_url", self.kind.valid()));
        }
        if self.dvr.as_ref().is_some_and(|dvr| dvr.url().is_none()) {
            let message = "must be a URL that begins with rtsp://, rtsps://, http:// or https://";
            found.push(FieldError::new("dvr_url", message));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::DocumentSpec;

    fn camera(kind: CameraKind, stream: &str, dvr: Option<&str>) -> CameraSpec {
        CameraSpec {
            device: DeviceId(1),
            name: "gate".to_owned(),
            kind,
            stream: CameraAddress::new(stream),
            dvr: dvr.map(CameraAddress::new),
        }
    }

    #[test]
    fn an_address_fits_its_kind() {
        let rows = [
            ("rtsp", camera(CameraKind::Rtsp, "rtsp://cam/1", None), vec![]),
            ("hls", camera(CameraKind::Hls, "https://cam/1.m3u8", Some("rtsp://nvr/1")), vec![]),
            ("device", camera(CameraKind::V4l2, "/dev/video0", None), vec![]),
            ("blank", camera(CameraKind::Rtsp, " ", None), vec!["stream_url"]),
            ("file", camera(CameraKind::Hls, "file:///etc/passwd", None), vec!["stream_url"]),
            ("other", camera(CameraKind::Hls, "rtsp://cam/1", None), vec!["stream_url"]),
            ("recorder", camera(CameraKind::Rtsp, "rtsp://cam/1", Some("/dev/video0")), vec!["dvr_url"]),
        ];
        for (name, spec, expected) in rows {
            let problems = spec.problems();
            let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_ref()).collect();
            assert_eq!(fields, expected, "{name}");
        }
    }

    #[test]
    fn passwords_are_kept_apart_from_the_json() {
        let rows = [
            ("rtsp://admin:s3cret@cam/1", Some("rtsp://a:t0p@nvr/1")),
            ("rtsp://admin:s3cret@cam/1", None),
            ("rtsp://admin@cam/1", Some("rtsp://a:t0p@nvr/1")),
            ("rtsp://admin:@cam/1", Some("rtsp://a@nvr/1")),
            ("rtsp://cam/1", None),
        ];
        for (stream, dvr) in rows {
            let stored = DocumentSpec::Camera(camera(CameraKind::Rtsp, stream, dvr));
            let json = serde_json::to_string(&stored).unwrap();
            assert!(
                !json.contains("s3cret") && !json.contains("t0p") && !json.contains("password"),
                "{json}"
            );
            let mut read: DocumentSpec = serde_json::from_str(&json).unwrap();
            if let Some(secret) = stored.secret() {
                read.set_secret(secret);
            }
            assert_eq!(read, stored, "{stream} {dvr:?}");
        }
    }

    #[test]
    fn a_password_stays_with_its_address_and_is_not_shown() {
        let stored = camera(CameraKind::Rtsp, "rtsp://admin:s3cret@cam/1", Some("rtsp://a:t0p@nvr/1"));
        assert!(!format!("{stored:?}").contains("s3cret") && !format!("{stored:?}").contains("t0p"));
        let rows = [
            ("rtsp://admin@cam/1", Some("s3cret")),
            ("rtsp://admin:new@cam/1", Some("new")),
            ("rtsp://admin@elsewhere/1", None),
            ("rtsp://root@cam/1", None),
        ];
        for (text, expected) in rows {
            let mut address = CameraAddress::new(text);
            address.keep_password(&stored.stream);
            assert_eq!(address.password.as_deref(), expected, "{text}");
        }
    }
}
