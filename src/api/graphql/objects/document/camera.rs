//! Type of cameras of the schema.

use async_graphql::{Context, Object, Result};

use super::{DocumentHead, TypedDocument, typed_document};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::objects::device::Device;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::DateTime;
use crate::domain::document::CameraSpec;

/// A camera of a device.
pub struct Camera(TypedDocument<CameraSpec>);

typed_document!(Camera, CameraSpec, camera);

/// A camera of a device. Passwords of its addresses are never shown.
#[Object]
impl Camera {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document().clone())
    }

    /// Device of the camera; it is deleted with its device.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>> {
        Ok(rows::device(ctx, self.0.content()?.device)?.map(Device))
    }

    /// Name of the camera, 1 to 255 characters, unique on the device.
    async fn name(&self) -> Result<&str> {
        Ok(&self.0.content()?.name)
    }

    /// How its pictures are fetched: `RTSP`, `HLS` or `V4L2`.
    #[graphql(name = "type")]
    async fn kind(&self) -> Result<&'static str> {
        Ok(self.0.content()?.kind.name())
    }

    /// URL of its pictures without the password, or path of a video device.
    async fn stream_url(&self) -> Result<&str> {
        Ok(&self.0.content()?.stream.text)
    }

    /// URL of a recorder that keeps what it recorded of the camera, without the password; null for none.
    async fn dvr_url(&self) -> Result<Option<&str>> {
        Ok(self.0.content()?.dvr.as_ref().map(|dvr| dvr.text.as_str()))
    }

    /// What the newest probe of the camera has found: `ONLINE`, `DEGRADED` or `OFFLINE`.
    async fn status(&self, ctx: &Context<'_>) -> Result<&'static str> {
        Ok(app(ctx).camera_health(caller(ctx), self.0.document())?.status.name())
    }

    /// Time at which it was last reachable, since the start of the server; null if it was not.
    async fn last_seen_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(app(ctx).camera_health(caller(ctx), self.0.document())?.last_seen.map(DateTime))
    }
}
