//! The routes. A request is checked in the vendor's order: method, path, access, storage, parameters.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, FromRequestParts, RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, Uri};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use uuid::Uuid;

use super::error::OpenSynapticError;
use super::query::ListParameters;
use super::wire::{self, DevicesView, PacketWithSensorsView, PacketsView, SensorsView};
use crate::api::connection_limit::ConnectionState;
use crate::api::error::HttpError;
use crate::api::layers::TrailingSlash;
use crate::app::App;
use crate::domain::Principal;
use crate::domain::audit::RequestOrigin;

const ADMIN_TOKEN: HeaderName = HeaderName::from_static("x-admin-token");

const HEALTH: &str = "/health";
const API_HEALTH: &str = "/api/health";
const DEVICES: &str = "/api/data/devices";
const PACKETS: &str = "/api/data/packets";
const SENSORS: &str = "/api/data/sensors";

/// Paths that do not exist with a slash at their end.
const WITHOUT_SLASH: [&str; 4] = [HEALTH, API_HEALTH, DEVICES, SENSORS];

/// Rows of a list unless the caller says otherwise.
const DEFAULT_DEVICES: u32 = 100;
const DEFAULT_PACKETS: u32 = 50;
const DEFAULT_SENSORS: u32 = 50;

/// Every path with its handler. Which methods it has is checked before.
fn table() -> [(&'static str, MethodRouter<Arc<App>>); 6] {
    [
        (HEALTH, any(health)),
        (API_HEALTH, any(health)),
        (DEVICES, any(devices)),
        (PACKETS, any(packets)),
        ("/api/data/packets/{*uuid}", any(packet)),
        (SENSORS, any(sensors)),
    ]
}

/// Returns every path of the API, for which GET is the only method.
pub fn paths() -> Vec<(&'static str, String)> {
    table().map(|(path, _)| ("GET", path.to_owned())).into()
}

/// Returns the paths of the API, and those below them, for every method.
pub fn endpoints() -> Router<Arc<App>> {
    let below = |path: &str| format!("{path}/{{*rest}}");
    let routes =
        table().into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    routes.route(&below(DEVICES), any(unknown)).route(&below(SENSORS), any(unknown))
}

/// Puts the checks of method and path before all routes.
pub fn checked(routes: Router<Arc<App>>) -> Router<Arc<App>> {
    routes.layer(middleware::from_fn(check_method_and_path))
}

/// Answers a path that does not exist.
async fn unknown() -> OpenSynapticError {
    OpenSynapticError::unknown_path()
}

/// Lets GET through. The vendor's server has no path for POST, PUT and DELETE here, and knows no other method. A path
/// with a trailing slash is another one, except that of a packet.
async fn check_method_and_path(request: Request, next: Next) -> Result<Response, OpenSynapticError> {
    let has_slash = request.extensions().get::<TrailingSlash>().is_some();
    match *request.method() {
        Method::GET if has_slash && WITHOUT_SLASH.contains(&request.uri().path()) => {
            Err(OpenSynapticError::unknown_path())
        }
        Method::GET => Ok(next.run(request).await),
        Method::POST | Method::PUT | Method::DELETE => Err(OpenSynapticError::unknown_path()),
        _ => {
            let method = request.method().clone();
            Err(OpenSynapticError::Refused(HttpError::MethodNotImplemented(method)))
        }
    }
}

/// The principal of a query: it has the admin token, if one is needed, and packets are served.
struct Reader(Principal);

impl FromRequestParts<Arc<App>> for Reader {
    type Rejection = OpenSynapticError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, OpenSynapticError> {
        let presented = parts.headers.get(ADMIN_TOKEN);
        let presented = presented.and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
        let admitted = app.vendors.packets.authenticate_opensynaptic(presented);
        let principal = admitted.map_err(|error| OpenSynapticError::Refused(error.into()))?;
        let principal = match parts.extensions.get::<Arc<RequestOrigin>>() {
            Some(origin) => principal.with_origin(origin),
            None => principal,
        };
        if app.settings().opensynaptic.auth_enabled
            && let Some(connection) = parts.extensions.get::<Arc<ConnectionState>>()
        {
            connection.set_authenticated();
        }
        app.vendors.packets.check_packet_storage().map_err(OpenSynapticError::Query)?;
        Ok(Reader(principal))
    }
}

/// `GET /health`, `GET /api/health`: the process is alive.
async fn health() -> Response {
    wire::respond(wire::HEALTH)
}

/// `GET /api/data/devices`: the devices that have packets.
async fn devices(
    Reader(principal): Reader,
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<Response, OpenSynapticError> {
    let paging = ListParameters::parse(query.as_deref()).paging(DEFAULT_DEVICES);
    let page = app.vendors.packets.packet_devices(&principal, paging).await?;
    Ok(wire::respond(DevicesView::new(&page, paging)))
}

/// `GET /api/data/packets`: packets, newest first. With a slash at the end it is a packet without an id.
async fn packets(
    Reader(principal): Reader,
    State(app): State<Arc<App>>,
    slash: Option<Extension<TrailingSlash>>,
    RawQuery(query): RawQuery,
) -> Result<Response, OpenSynapticError> {
    if slash.is_some() {
        return Err(OpenSynapticError::no_packet_uuid());
    }
    let parameters = ListParameters::parse(query.as_deref());
    let paging = parameters.paging(DEFAULT_PACKETS);
    let Ok(filter) = parameters.filter() else {
        return Ok(wire::respond(PacketsView::out_of_range(paging)));
    };
    let status = parameters.text("status");
    let page = app.vendors.packets.packets(&principal, filter, status, paging).await?;
    Ok(wire::respond(PacketsView::new(&page, paging)?))
}

/// `GET /api/data/packets/{uuid}`: a packet with its sensors. The id is compared and repeated as it stands in the path,
/// without slashes around it.
async fn packet(
    Reader(principal): Reader,
    State(app): State<Arc<App>>,
    uri: Uri,
) -> Result<Response, OpenSynapticError> {
    let uuid_text = uri.path().strip_prefix(PACKETS).unwrap_or_default().trim_matches('/');
    if uuid_text.is_empty() {
        return Err(OpenSynapticError::no_packet_uuid());
    }
    let unknown = || OpenSynapticError::UnknownPacket(uuid_text.to_owned());
    let uuid =
        Uuid::try_parse(uuid_text).ok().filter(|uuid| uuid.to_string() == uuid_text).ok_or_else(unknown)?;
    let packet = app.vendors.packets.packet(&principal, uuid).await?.ok_or_else(unknown)?;
    Ok(wire::respond(PacketWithSensorsView::new(&packet)?))
}

/// `GET /api/data/sensors`: sensors of packets, newest packet first.
async fn sensors(
    Reader(principal): Reader,
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<Response, OpenSynapticError> {
    let parameters = ListParameters::parse(query.as_deref());
    let paging = parameters.paging(DEFAULT_SENSORS);
    let Ok(filter) = parameters.filter() else {
        return Ok(wire::respond(SensorsView::out_of_range(paging)));
    };
    let sensor = parameters.text("sensor_id");
    let page = app.vendors.packets.packet_sensors(&principal, filter, sensor, paging).await?;
    Ok(wire::respond(SensorsView::new(&page, paging)))
}
