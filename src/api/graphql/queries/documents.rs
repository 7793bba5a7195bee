//! Fields of `Query` that look up or list documents of the MK platform, one row for each kind.

use async_graphql::{Context, MergedObject, Object, Result};
use uuid::Uuid;

use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::object::object;
use crate::api::graphql::objects::document::annotation_class::AnnotationClass;
use crate::api::graphql::objects::document::artefact::ConfigArtefact;
use crate::api::graphql::objects::document::binding::DesiredStateBinding;
use crate::api::graphql::objects::document::camera::Camera;
use crate::api::graphql::objects::document::capture_rule::MediaCaptureRule;
use crate::api::graphql::objects::document::component::Component;
use crate::api::graphql::objects::document::dashboard::Dashboard;
use crate::api::graphql::objects::document::device_group::DeviceGroup;
use crate::api::graphql::objects::document::firmware::Firmware;
use crate::api::graphql::objects::document::notification_channel::NotificationChannel;
use crate::api::graphql::objects::document::pack::Pack;
use crate::api::graphql::objects::document::profile::{DeviceProfile, SensorProfile};
use crate::api::graphql::objects::document::reference_pair::ReferencePair;
use crate::api::graphql::objects::document::site::Site;
use crate::api::graphql::objects::document::{DocumentNode, all, find};
use crate::api::graphql::paging::{self, ConnectionArgs, ListCursor, NodeConnection};
use crate::api::graphql::{Builder, queries::inventory::is_found};

/// Makes the two queries of each kind of document: its list, and one by its UUID.
macro_rules! document_queries {
    ($(
        $(#[doc = $about:literal])*
        $queries:ident: $node:ident, $page:literal;
        $(#[doc = $list_doc:literal])*
        $list:ident;
        $(#[doc = $one_doc:literal])*
        $one:ident;
    )+) => {
        $(
            $(#[doc = $about])*
            #[derive(Default)]
            pub struct $queries;

            object! {
                #[Object]
                impl $queries(self) {}
                pages(ctx, page, child_complexity) {
                    $(#[doc = $list_doc])*
                    $list(
                        #[graphql(
                            desc = "Only those whose unique name contains this text, case-insensitive; for what has versions it is `<key>@<version>`."
                        )]
                        search: Option<String>,
                        #[graphql(
                            default,
                            desc = "Sort key of the list, ascending; the name is the one that `search` looks at."
                        )]
                        order_by: ListOrder,
                    ): $node = documents_page(ctx, page, search.as_deref(), order_by);
                }
                resolvers {
                    $(#[doc = $one_doc])*
                    async fn $one(
                        &self,
                        ctx: &Context<'_>,
                        #[graphql(desc = "UUID of the document, as text.")] uuid: String,
                    ) -> Result<Option<$node>> {
                        one_document(ctx, &uuid)
                    }
                }
            }
        )+

        /// Queries of documents of the MK platform.
        #[derive(MergedObject, Default)]
        pub struct DocumentQueries($($queries),+);

        /// Describes the pages of the lists.
        pub fn describe_pages(builder: Builder) -> Builder {
            builder$(.override_output_type_description::<NodeConnection<$node>>($page))+
        }
    };
}

document_queries! {
    /// Queries of sites.
    SiteQueries: Site, "A page of sites.";
    /// Sites of the organization: places with devices.
    sites;
    /// One site, by its UUID.
    site;

    /// Queries of components.
    ComponentQueries: Component, "A page of components.";
    /// Components of the devices that the caller may read.
    components;
    /// One component, by its UUID.
    component;

    /// Queries of groups of devices.
    DeviceGroupQueries: DeviceGroup, "A page of groups of devices.";
    /// Groups of devices of the organization. Groups of streams are the list `groups`.
    device_groups;
    /// One group of devices, by its UUID.
    device_group;

    /// Queries of sensor profiles.
    SensorProfileQueries: SensorProfile, "A page of sensor profiles.";
    /// Versions of the sensor profiles of the organization.
    sensor_profiles;
    /// One version of a sensor profile, by its UUID.
    sensor_profile;

    /// Queries of device profiles.
    DeviceProfileQueries: DeviceProfile, "A page of device profiles.";
    /// Versions of the device profiles of the organization.
    device_profiles;
    /// One version of a device profile, by its UUID.
    device_profile;

    /// Queries of packs.
    PackQueries: Pack, "A page of packs.";
    /// Packs of profiles that the organization has installed.
    packs;
    /// One installed pack, by its UUID.
    pack;

    /// Queries of configuration artefacts.
    ConfigArtefactQueries: ConfigArtefact, "A page of configuration artefacts.";
    /// Versions of the configurations of the organization.
    config_artefacts;
    /// One version of a configuration, by its UUID.
    config_artefact;

    /// Queries of desired-state bindings.
    DesiredStateBindingQueries: DesiredStateBinding, "A page of desired-state bindings.";
    /// Bindings of configurations to devices, components, groups and profiles.
    desired_state_bindings;
    /// One desired-state binding, by its UUID.
    desired_state_binding;

    /// Queries of firmware.
    FirmwareQueries: Firmware, "A page of versions of firmware.";
    /// Versions of the firmware of the organization.
    firmware_versions;
    /// One version of a firmware, by its UUID.
    firmware;

    /// Queries of annotation classes.
    AnnotationClassQueries: AnnotationClass, "A page of annotation classes.";
    /// Classes of annotations of the organization.
    annotation_classes;
    /// One annotation class, by its UUID.
    annotation_class;

    /// Queries of reference pairs.
    ReferencePairQueries: ReferencePair, "A page of reference pairs.";
    /// Pairs of components that the caller may read, both of them.
    reference_pairs;
    /// One reference pair, by its UUID.
    reference_pair;

    /// Queries of notification channels.
    NotificationChannelQueries: NotificationChannel, "A page of notification channels.";
    /// Destinations of the organization's alert notifications.
    notification_channels;
    /// One notification channel, by its UUID.
    notification_channel;

    /// Queries of cameras.
    CameraQueries: Camera, "A page of cameras.";
    /// Cameras of the devices that the caller may read.
    cameras;
    /// One camera, by its UUID.
    camera;

    /// Queries of capture rules.
    MediaCaptureRuleQueries: MediaCaptureRule, "A page of capture rules.";
    /// Which events of the organization make cameras record.
    media_capture_rules;
    /// One capture rule, by its UUID.
    media_capture_rule;

    /// Queries of dashboards.
    DashboardQueries: Dashboard, "A page of dashboards.";
    /// Dashboards of the organization.
    dashboards;
    /// One dashboard, by its UUID.
    dashboard;
}

fn documents_page<N: DocumentNode>(
    ctx: &Context<'_>,
    page: ConnectionArgs,
    search: Option<&str>,
    order: ListOrder,
) -> Result<NodeConnection<N>> {
    let mut rows: Vec<N> = all(ctx)?;
    rows.retain(|row| is_found(&row.document().name, search));
    let place = |row: &N| ListCursor::for_row(row.document().id.0, &row.document().name, order);
    Ok(paging::paginate(rows, page, place, |row| row)?)
}

fn one_document<N: DocumentNode>(ctx: &Context<'_>, uuid: &str) -> Result<Option<N>> {
    let Ok(uuid) = Uuid::try_parse(uuid) else { return Ok(None) };
    find(ctx, uuid)
}
