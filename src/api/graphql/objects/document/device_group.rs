//! Type of groups of devices of the schema.

use async_graphql::{Context, Object, Result};

use super::{DocumentHead, TypedDocument, typed_document};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::objects::device::{Device, devices_page};
use crate::api::graphql::paging::{self, ConnectionArgs, NodeConnection};
use crate::domain::document::DeviceGroupSpec;

/// A group of devices: by tags, and one by one.
pub struct DeviceGroup(TypedDocument<DeviceGroupSpec>);

typed_document!(DeviceGroup, DeviceGroupSpec, device_group);

/// A group of devices: those that carry every tag of the group, those that it names, and those that name it. Groups of
/// streams are the type `Group`.
#[Object]
impl DeviceGroup {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document().clone())
    }

    /// Name of the group, 1 to 255 characters, unique in the organization.
    async fn name(&self) -> Result<&str> {
        Ok(&self.0.content()?.name)
    }

    /// Free-text description of the group; null for none.
    async fn description(&self) -> Result<Option<&str>> {
        Ok(self.0.content()?.description.as_deref())
    }

    /// Tags that make a device a member when it carries all of them; without tags none is by them.
    async fn tags(&self) -> Result<&[String]> {
        Ok(&self.0.content()?.tags)
    }

    /// Members of the group that the caller may read.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn devices(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Number of nodes from the start or after `after`: maximum 1,000; default 100 unless `last` is given."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Cursor after which the page begins, such as `pageInfo.endCursor` of the previous page."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Number of nodes from the end or before `before`: maximum 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "Cursor before which the page ends, such as `pageInfo.startCursor` of the next page."
        )]
        before: Option<String>,
        #[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder,
    ) -> Result<NodeConnection<Device>> {
        let members = app(ctx).group_members(caller(ctx), self.0.document())?;
        devices_page(members, ConnectionArgs { first, after, last, before }, order_by)
    }
}
