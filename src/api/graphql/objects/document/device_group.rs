//! Type of groups of devices of the schema.

use async_graphql::Object;

use super::{TypedDocument, document_object, typed_document};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::objects::device::{Device, devices_page};
use crate::domain::document::DeviceGroupSpec;

/// A group of devices: by tags, and one by one.
pub struct DeviceGroup(TypedDocument<DeviceGroupSpec>);

typed_document!(DeviceGroup, DeviceGroupSpec, device_group);

document_object! {
    #[Object]
    /// A group of devices: those that carry every tag of the group, those that it names, and those that name it. Groups of
    /// streams are the type `Group`.
    impl DeviceGroup(self) {
        /// Name of the group, 1 to 255 characters, unique in the organization.
        name: &str = &self.0.content()?.name;
        /// Free-text description of the group; null for none.
        description: Option<&str> = self.0.content()?.description.as_deref();
        /// Tags that make a device a member when it carries all of them; without tags none is by them.
        tags: &[String] = &self.0.content()?.tags;
    }
    pages(ctx, page, child_complexity) {
        /// Members of the group that the caller may read.
        devices(#[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder): Device = {
            let members = app(ctx).mk.devices.group_members(caller(ctx), self.0.document())?;
            devices_page(members, page, order_by)
        };
    }
}
