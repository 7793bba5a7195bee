//! The `Query` root type and the `Node` interface.

pub mod alerts;
pub mod annotations;
pub mod documents;
pub mod identities;
pub mod inventory;
pub mod inventory_file;
pub mod jobs;
pub mod machine;
pub mod messages;
pub mod platform;
pub mod preferences;
pub mod rule_dry_run;
pub mod series;
pub mod system;

use async_graphql::{ID, Interface, MergedObject};

use super::objects::client::Client;
use super::objects::device::Device;
use super::objects::event::Event;
use super::objects::group::Group;
use super::objects::key::ApiKey;
use super::objects::model::Model;
use super::objects::product::Product;
use super::objects::stream::Stream;
use super::objects::user::User;

/// Devices, their streams and their measured values. A time range includes its `from` and excludes its `to`. Results
/// contain only the rows that the caller's key or session may read.
#[derive(MergedObject, Default)]
pub struct Query(
    inventory::InventoryQueries,
    identities::IdentityQueries,
    series::SeriesQueries,
    machine::MachineQueries,
    jobs::JobQueries,
    messages::MessageQueries,
    documents::DocumentQueries,
    platform::PlatformQueries,
    annotations::AnnotationQueries,
    alerts::AlertQueries,
    rule_dry_run::RuleDryRunQueries,
    preferences::PreferenceQueries,
    system::SystemQueries,
    inventory_file::InventoryFileQueries,
);

/// An object with a global id.
#[derive(Interface)]
#[graphql(
    field(
        name = "id",
        ty = "ID",
        desc = "Global id, unique across all object types: `node(id:)` returns the object."
    ),
    field(
        name = "row_id",
        ty = "i32",
        desc = "Row number, as shown by REST and SQL; unique among objects of one type."
    )
)]
#[allow(clippy::large_enum_variant, reason = "a node lives for one request")]
pub enum Node {
    /// A device.
    Device(Device),
    /// A stream.
    Stream(Stream),
    /// A group of streams.
    Group(Group),
    /// An event.
    Event(Event),
    /// An API key.
    ApiKey(ApiKey),
    /// An anomaly detection model.
    Model(Model),
    /// A product: the type of a device.
    Product(Product),
    /// A client of a vendor's API.
    Client(Client),
    /// A person who logs in.
    User(User),
}
