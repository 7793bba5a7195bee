//! Type of cameras of the schema.

use async_graphql::Object;

use super::{TypedDocument, document_object, typed_document};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::objects::device::Device;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::DateTime;
use crate::domain::document::CameraSpec;

/// A camera of a device.
pub struct Camera(TypedDocument<CameraSpec>);

typed_document!(Camera, CameraSpec, camera);

document_object! {
    #[Object]
    /// A camera of a device. Passwords of its addresses are never shown.
    impl Camera(self) {
        /// Name of the camera, 1 to 255 characters, unique on the device.
        name: &str = &self.0.content()?.name;
        /// How its pictures are fetched: `RTSP`, `HLS` or `V4L2`.
        #[graphql(name = "type")]
        kind: &'static str = self.0.content()?.kind.name();
        /// URL of its pictures without the password, or path of a video device.
        stream_url: &str = &self.0.content()?.stream.text;
        /// URL of a recorder that keeps what it recorded of the camera, without the password; null for none.
        dvr_url: Option<&str> = self.0.content()?.dvr.as_ref().map(|dvr| dvr.text.as_str());
    }
    with ctx {
        /// Device of the camera; it is deleted with its device.
        device: Option<Device> = Ok(rows::device(ctx, self.0.content()?.device)?.map(Device));
        /// Result of the newest probe of the camera: `ONLINE`, `DEGRADED` or `OFFLINE`.
        status: &'static str = Ok(app(ctx).media.cameras.camera_health(caller(ctx), self.0.document())?.status.name());
        /// Time at which it was last reachable, since the start of the server; null if it was not.
        last_seen_at: Option<DateTime> =
            Ok(app(ctx).media.cameras.camera_health(caller(ctx), self.0.document())?.last_seen.map(DateTime));
    }
}
