//! `/api/device/:id/browse/` and `/api/device/:id/opcua/`: browse the address space of an OPC UA server or the tags of a
//! controller, level by level.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use serde_json::Value;

use super::Id;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, omittable, required};
use crate::app::App;
use crate::domain::address_space::{BrowseNode, BrowseTree, MAX_BROWSE_DEPTH};
use crate::domain::{DeviceId, Resource};

/// Routes, documentation and schemas of what devices offer.
pub fn section() -> Section {
    let browse = Doc::new("device_browse", "Browse a device")
        .about("The nodes of an OPC UA server, or the tags and programs of an EtherNet/IP controller. Returns at most 1000 nodes; `truncated` is true when there are more.")
        .query("node", schema::string(), "The node to start from; by default `i=85` (Objects) of OPC UA, or `/` (the controller) of EtherNet/IP.")
        .query("depth", schema::integer(1, 5), "Number of levels below the node; 1 by default.")
        .answers(200, "The node and its descendants", schema::reference("OpcuaNode"))
        .refuses(409)
        .refuses(502)
        .refuses(504);
    let browse_opcua = Doc::new("device_opcua_browse", "Browse the OPC UA server of a device")
        .about("Returns at most 1000 nodes; `truncated` is true when there are more.")
        .query("node", schema::string(), "The node to start from; `i=85` (Objects) by default.")
        .query("depth", schema::integer(1, 5), "Number of levels below the node; 1 by default.")
        .answers(200, "The node and its descendants", schema::reference("OpcuaNode"))
        .refuses(409)
        .refuses(502)
        .refuses(504);
    Section {
        name: "OPC UA",
        about: "The address space of a device's OPC UA server, and the tags of a device's EtherNet/IP controller.",
        routes: vec![
            Route::gated("/api/device/{id}/browse", RequiredAccess::Scope(Resource::Device))
                .get(self::browse, browse),
            Route::gated("/api/device/{id}/opcua", RequiredAccess::Scope(Resource::Device))
                .get(self::browse_opcua, browse_opcua),
        ],
        schemas: vec![(
            "OpcuaNode",
            schema::object(&[
                required("node_id", schema::string()),
                required("browse_name", schema::string()),
                required("display_name", schema::string()),
                required("node_class", schema::string()),
                omittable("truncated", schema::boolean()),
                omittable("data_type", schema::string()),
                omittable("value", schema::anything()),
                omittable("access", schema::choice(["rw", "r", "w", ""])),
                required("children", schema::list(schema::reference("OpcuaNode"))),
            ]),
        )],
    }
}

/// `GET /api/device/{id}/browse`: a node of the device with its children down to `depth`.
pub async fn browse(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(device): Id<DeviceId>,
    RawQuery(raw): RawQuery,
) -> Result<Json<NodeView>, RestError> {
    app.direct_access.device_for_browse(&caller, device)?;
    let (node, depth) = parse_query(raw.as_deref())?;
    let tree = app.direct_access.browse_device(&caller, device, node.as_deref(), depth).await?;
    Ok(Json(tree.into()))
}

/// `GET /api/device/{id}/opcua`: as `browse`, for an OPC UA server only.
pub async fn browse_opcua(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(device): Id<DeviceId>,
    RawQuery(raw): RawQuery,
) -> Result<Json<NodeView>, RestError> {
    app.direct_access.opcua_device_for_browse(&caller, device)?;
    let (node, depth) = parse_query(raw.as_deref())?;
    let tree = app.direct_access.browse_device(&caller, device, node.as_deref(), depth).await?;
    Ok(Json(tree.into()))
}

/// The node to begin with and the number of levels.
fn parse_query(raw: Option<&str>) -> Result<(Option<String>, usize), RestError> {
    let mut query = QueryParams::parse(raw);
    let node = query.text("node").map(str::to_owned);
    let depth = query.read("depth", parse_depth).unwrap_or(1);
    query.finish()?;
    Ok((node, depth))
}

fn parse_depth(text: &str) -> Result<usize, String> {
    let depth: usize = text.parse().map_err(|_| "A valid integer is required.".to_owned())?;
    match depth {
        0 => Err("Ensure this value is greater than or equal to 1.".to_owned()),
        deep if deep > MAX_BROWSE_DEPTH => {
            Err(format!("Ensure this value is less than or equal to {MAX_BROWSE_DEPTH}."))
        }
        depth => Ok(depth),
    }
}

/// A node of an OPC UA server, or a tag or program of a controller, with its children.
#[derive(Debug, Serialize)]
pub struct NodeView {
    node_id: String,
    browse_name: String,
    display_name: String,
    node_class: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
    #[serde(flatten)]
    variable: Option<VariableView>,
    children: Vec<NodeView>,
}

/// Type, value and access of a variable node.
#[derive(Debug, Serialize)]
struct VariableView {
    data_type: String,
    value: Value,
    access: &'static str,
}

impl From<BrowseTree> for NodeView {
    fn from(tree: BrowseTree) -> Self {
        NodeView { truncated: Some(tree.is_truncated), ..NodeView::from(tree.root) }
    }
}

impl From<BrowseNode> for NodeView {
    fn from(node: BrowseNode) -> Self {
        NodeView {
            node_id: node.id,
            browse_name: node.browse_name,
            display_name: node.display_name,
            node_class: node.class,
            truncated: None,
            variable: node.variable.map(|variable| VariableView {
                data_type: variable.data_type,
                value: variable.value,
                access: variable.access,
            }),
            children: node.children.into_iter().map(NodeView::from).collect(),
        }
    }
}
