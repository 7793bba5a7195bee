//! Type of firmware of the schema.

use async_graphql::Object;

use super::profile::DeviceProfile;
use super::{TypedDocument, document_object, find, typed_document};
use crate::api::graphql::scalars::BigInt;
use crate::domain::document::FirmwareSpec;

/// A file that devices install.
pub struct Firmware(TypedDocument<FirmwareSpec>);

typed_document!(Firmware, FirmwareSpec, firmware);

document_object! {
    #[Object]
    /// A version of a firmware, which devices install. It never changes. Its bytes are fetched over the MK platform.
    impl Firmware(self) {
        /// Name of the firmware, 1 to 255 characters, unique with the version.
        name: &str = &self.0.content()?.description.name;
        /// Semantic version, such as `1.4.2`.
        version: &str = &self.0.content()?.description.version;
        /// Release notes; null for none.
        notes: Option<&str> = self.0.content()?.description.notes.as_deref();
        /// Size of the file, bytes.
        size_bytes: BigInt = BigInt::saturating(self.0.content()?.size_bytes);
        /// SHA-256 of the file, in hexadecimal.
        sha256: &str = &self.0.content()?.sha256;
    }
    with ctx {
        /// Profile of the devices that it is for; null for any.
        device_profile: Option<DeviceProfile> = find(ctx, self.0.content()?.description.device_profile);
    }
}
