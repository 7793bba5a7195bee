//! Type of firmware of the schema.

use async_graphql::{Context, Object, Result};

use super::profile::DeviceProfile;
use super::{DocumentHead, TypedDocument, find, typed_document};
use crate::api::graphql::scalars::BigInt;
use crate::domain::document::FirmwareSpec;

/// A file that devices install.
pub struct Firmware(TypedDocument<FirmwareSpec>);

typed_document!(Firmware, FirmwareSpec, firmware);

/// A version of a firmware, which devices install. It never changes. Its bytes are fetched over the MK platform.
#[Object]
impl Firmware {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document().clone())
    }

    /// Name of the firmware, 1 to 255 characters, unique with the version.
    async fn name(&self) -> Result<&str> {
        Ok(&self.0.content()?.description.name)
    }

    /// Semantic version, such as `1.4.2`.
    async fn version(&self) -> Result<&str> {
        Ok(&self.0.content()?.description.version)
    }

    /// Profile of the devices that it is for; null for any.
    async fn device_profile(&self, ctx: &Context<'_>) -> Result<Option<DeviceProfile>> {
        match self.0.content()?.description.device_profile {
            Some(uuid) => find(ctx, uuid),
            None => Ok(None),
        }
    }

    /// What is new in the version; null for none.
    async fn notes(&self) -> Result<Option<&str>> {
        Ok(self.0.content()?.description.notes.as_deref())
    }

    /// Size of the file, bytes.
    async fn size_bytes(&self) -> Result<BigInt> {
        Ok(BigInt(i64::try_from(self.0.content()?.size_bytes).unwrap_or(i64::MAX)))
    }

    /// SHA-256 of the file, in hexadecimal.
    async fn sha256(&self) -> Result<&str> {
        Ok(&self.0.content()?.sha256)
    }
}
