//! `/api/device/:id/opcua/`: what an OPC UA server has, level by level.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use serde_json::Value;

use super::Id;
use super::gate::Right;
use super::query::Query;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, possible, required};
use crate::app::App;
use crate::domain::address_space::{DEPTH, Node};
use crate::domain::{DeviceId, Resource};

/// `Objects`, under which every server hangs what it is for.
const OBJECTS: &str = "i=85";

pub fn section() -> Section {
    let browse = Doc::new("device_opcua_browse", "What its server has")
        .about("At most 1000 nodes; `truncated` says that there are more.")
        .query("node", shape::words(), "Where to begin; `i=85`, the objects, by default.")
        .query("depth", shape::integer(1, 5), "Levels below it; 1 by default.")
        .answers(200, "The node and what lies under it", shape::named("OpcuaNode"))
        .refuses(409)
        .refuses(502)
        .refuses(504);
    Section {
        name: "OPC UA",
        about: "The address space of an OPC UA server.",
        routes: vec![
            Route::gated("/api/device/{id}/opcua", Right::Scope(Resource::Device)).get(self::browse, browse),
        ],
        schemas: vec![(
            "OpcuaNode",
            shape::answer(&[
                required("node_id", shape::words()),
                required("browse_name", shape::words()),
                required("display_name", shape::words()),
                required("node_class", shape::words()),
                possible("truncated", shape::boolean()),
                possible("data_type", shape::words()),
                possible("value", shape::anything()),
                possible("access", shape::choice(["rw", "r", "w", ""])),
                required("children", shape::list(shape::named("OpcuaNode"))),
            ]),
        )],
    }
}

pub async fn browse(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(device): Id<DeviceId>,
    RawQuery(raw): RawQuery,
) -> Result<Json<NodeView>, RestError> {
    app.device_for_browse(&caller, device)?;
    let mut query = Query::parse(raw.as_deref());
    let node = query.text("node").unwrap_or(OBJECTS).to_owned();
    let depth = query.read("depth", parse_depth).unwrap_or(1);
    query.finish()?;
    let tree = app.browse_opcua(&caller, device, &node, depth).await?;
    let mut view = NodeView::from(tree.root);
    view.truncated = Some(tree.is_truncated);
    Ok(Json(view))
}

fn parse_depth(text: &str) -> Result<usize, String> {
    let depth: usize = text.parse().map_err(|_| "A valid integer is required.".to_owned())?;
    match depth {
        0 => Err("Ensure this value is greater than or equal to 1.".to_owned()),
        deep if deep > DEPTH => Err(format!("Ensure this value is less than or equal to {DEPTH}.")),
        depth => Ok(depth),
    }
}

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

#[derive(Debug, Serialize)]
struct VariableView {
    data_type: String,
    value: Value,
    access: &'static str,
}

impl From<Node> for NodeView {
    fn from(node: Node) -> Self {
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
