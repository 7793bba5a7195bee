//! Type of configuration artefacts of the schema.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use serde_json::Value;

use super::profile::{DeviceProfile, SensorProfile};
use super::{DocumentNode, TypedDocument, document_object, find};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::scalars::BigInt;
use crate::app::App;
use crate::domain::Principal;
use crate::domain::configuration::artefact::{Artefact, ArtefactContent, ProfileType};
use crate::domain::document::{Document, DocumentKind};

/// A version of a configuration.
pub struct ConfigArtefact(TypedDocument<Artefact>);

impl DocumentNode for ConfigArtefact {
    const KIND: DocumentKind = DocumentKind::Artefact;

    fn of(_: &App, _: &Principal, document: Arc<Document>) -> Option<Self> {
        TypedDocument::new(document, Document::artefact).map(ConfigArtefact)
    }

    fn document(&self) -> &Arc<Document> {
        self.0.document()
    }
}

document_object! {
    #[Object]
    /// A version of a configuration for devices or components of one profile. It never changes: another content under the
    /// same name is its next version.
    impl ConfigArtefact(self) {
        /// Name of the configuration, 1 to 255 characters; artefacts of one name are its versions.
        name: &str = &self.0.content()?.spec.name;
        /// Number of the version within the name, from 1.
        version: u32 = self.0.content()?.version;
        /// Kind of the profile that the content is written for: `SENSOR_PROFILE` or `DEVICE_PROFILE`.
        profile_type: &'static str = self.0.content()?.spec.profile_type.name();
        /// Size of the content, bytes.
        size_bytes: BigInt = BigInt::saturating(self.0.content()?.size_bytes);
        /// SHA-256 of the content, in hexadecimal.
        sha256: &str = &self.0.content()?.sha256;
        /// Creator of the version: a user, or `key_` and the number of a key.
        created_by: &str = &self.0.content()?.created_by;
    }
    resolvers {
        /// Profile of the components that the content is for; null if it is for devices.
        async fn sensor_profile(&self, ctx: &Context<'_>) -> Result<Option<SensorProfile>> {
            let spec = &self.0.content()?.spec;
            match spec.profile_type {
                ProfileType::SensorProfile => find(ctx, spec.profile),
                ProfileType::DeviceProfile => Ok(None),
            }
        }

        /// Profile of the devices that the content is for; null if it is for components.
        async fn device_profile(&self, ctx: &Context<'_>) -> Result<Option<DeviceProfile>> {
            let spec = &self.0.content()?.spec;
            match spec.profile_type {
                ProfileType::DeviceProfile => find(ctx, spec.profile),
                ProfileType::SensorProfile => Ok(None),
            }
        }

        /// Values of writable fields as one JSON object; null if the content was uploaded.
        async fn content(&self) -> Result<Option<Value>> {
            Ok(match &self.0.content()?.spec.content {
                ArtefactContent::Inline(content) => Some(Value::Object(content.clone())),
                ArtefactContent::Object(_) => None,
            })
        }

        /// Key of the uploaded object that is the content; null if the content is in the artefact.
        async fn object_key(&self, ctx: &Context<'_>) -> Result<Option<String>> {
            Ok(match &self.0.content()?.spec.content {
                ArtefactContent::Inline(_) => None,
                ArtefactContent::Object(object) => Some(format!("{}/{object}", app(ctx).access.org_uuid(caller(ctx))?)),
            })
        }
    }
}
