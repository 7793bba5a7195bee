//! `/api/device/:id/opcua/`: browses the address space of an OPC UA server, level by level.

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

/// `Objects`, the standard folder under which every server puts its own nodes.
const OBJECTS: &str = "i=85";

/// Routes, documentation and schemas of the OPC UA address space.
pub fn section() -> Section {
    let browse = Doc::new("device_opcua_browse", "Browse the OPC UA server of a device")
        .about("Returns at most 1000 nodes; `truncated` is true when there are more.")
        .query("node", schema::string(), "The node to start from; `i=85` (Objects) by default.")
        .query("depth", schema::integer(1, 5), "Number of levels below the node; 1 by default.")
        .answers(200, "The node and its descendants", schema::reference("OpcuaNode"))
        .refuses(409)
        .refuses(502)
        .refuses(504);
    Section {
        name: "OPC UA",
        about: "The address space of a device's OPC UA server.",
        routes: vec![
            Route::gated("/api/device/{id}/opcua", RequiredAccess::Scope(Resource::Device))
                .get(self::browse, browse),
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

/// `GET /api/device/{id}/opcua`: a node of the device's server with its children down to `depth`.
pub async fn browse(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(device): Id<DeviceId>,
    RawQuery(raw): RawQuery,
) -> Result<Json<NodeView>, RestError> {
    app.device_for_browse(&caller, device)?;
    let mut query = QueryParams::parse(raw.as_deref());
    let node = query.text("node").unwrap_or(OBJECTS).to_owned();
    let depth = query.read("depth", parse_depth).unwrap_or(1);
    query.finish()?;
    let tree = app.browse_opcua(&caller, device, &node, depth).await?;
    Ok(Json(tree.into()))
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

/// An OPC UA node with its children.
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
