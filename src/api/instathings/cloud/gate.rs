//! Checks of every request, in the vendor's order: 429, 401, 405, 406, then the endpoint with its 400 and 404. OPTIONS has
//! no endpoint, and needs no token to learn that.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};

use super::path::{self, Endpoint, Target};
use super::rate::RateKey;
use super::{
    Answer, Cloud, ProjectCaller, certificate, control, data, device_changes, device_list, logs, protocols,
    token, types,
};
use crate::api::connection_limit::ConnectionState;
use crate::api::error::{HttpError, InstathingsError};
use crate::api::origin::PeerAddress;
use crate::api::{accept, bearer};
use crate::app::instathings::ProjectEnv;
use crate::app::token::ClientAccess;
use crate::domain::audit::RequestOrigin;
use crate::domain::{Error, Kind, Result};

/// Serves a request of the REST interface.
pub async fn serve(cloud: Arc<Cloud>, request: Request) -> Response {
    let address = request.extensions().get::<PeerAddress>().map(|peer| peer.0);
    let is_login = path::is_authentication(request.uri().path());
    let access = match bearer::token(request.headers()) {
        _ if is_login => None,
        Some(token) => Some(cloud.app.tokens.authenticate_jwt(token).await),
        None => Some(Err(no_token())),
    };
    let key = match bearer::token(request.headers()) {
        _ if is_login => RateKey::login(address),
        Some(token) => cloud.rates.of_token(token),
        None => RateKey::anonymous(address),
    };
    let is_valid = matches!(access, Some(Ok(_)));
    let rate = cloud.rates.count(key, is_valid, cloud.app.now());
    let answered = match rate.check() {
        Ok(()) if request.method() == Method::OPTIONS => Err(Error::not_found().into()),
        Ok(()) => authorize(&cloud, request, access).await,
        Err(throttled) => Err(throttled.into()),
    };
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    rate.add_to(response.headers_mut());
    response
}

fn no_token() -> Error {
    Error::new(Kind::Unauthenticated, "there is no token")
}

/// Checks the caller, method and media type, and calls the endpoint.
async fn authorize(cloud: &Cloud, request: Request, access: Option<Result<ClientAccess>>) -> Answer {
    let caller = access.transpose()?.map(|access| project_caller(cloud, &request, access));
    let target = path::find(request.uri().path());
    if let Some(target) = &target
        && !target.endpoint.methods().contains(&request.method().as_str())
    {
        return Ok(method_not_allowed(target.endpoint, request.method().clone()));
    }
    let endpoint = target.as_ref().map(|target| target.endpoint);
    let gives_archive = endpoint == Some(Endpoint::Certificate)
        && cloud.app.settings().compat.instathings.env == ProjectEnv::Live;
    let media: &[&str] = if gives_archive { &[accept::JSON, accept::ZIP] } else { &[accept::JSON] };
    if !accept::accepts(request.headers(), media) {
        return Err(HttpError::NotAcceptable.into());
    }
    let target = target.ok_or_else(Error::not_found)?;
    match caller {
        Some(caller) => call(cloud, &caller, &target, request).await,
        None => token::issue(cloud, request).await,
    }
}

async fn call(cloud: &Cloud, caller: &ProjectCaller, target: &Target, request: Request) -> Answer {
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let query = request.uri().query().unwrap_or_default().to_owned();
    match target.endpoint {
        Endpoint::Token => Err(Error::internal("a request for a token has a caller").into()),
        Endpoint::Devices if is_reading => device_list::all(cloud, caller),
        Endpoint::Devices => device_changes::create(cloud, caller, request).await,
        Endpoint::Device if is_reading => device_list::one(cloud, caller, target.param(0)),
        Endpoint::Device if request.method() == Method::PATCH => {
            device_changes::patch(cloud, caller, target.param(0), request).await
        }
        Endpoint::Device => device_changes::delete(cloud, caller, target.param(0)).await,
        Endpoint::SubDevice => {
            device_changes::delete_sub_device(cloud, caller, target.param(0), target.param(1)).await
        }
        Endpoint::Data => data::list(cloud, caller, target.param(0), &query).await,
        Endpoint::Certificate => certificate::issue(cloud, caller, target.param(0), request.headers()).await,
        Endpoint::ControlSet => control::set(cloud, caller, target.param(0), request).await,
        Endpoint::ControlStatus => control::status(cloud, caller, target.param(0), request).await,
        Endpoint::ControlFetch => control::fetch(cloud, caller, target.param(0)),
        Endpoint::Logs => logs::list(cloud, caller, target.param(0), target.param(1), &query),
        Endpoint::Protocol => protocols::one(target.param(0)),
        Endpoint::Types => types::list(cloud, caller),
        Endpoint::Type => types::one(cloud, caller, target.param(0)),
    }
}

/// The caller of a token, and its connection as an authenticated one.
fn project_caller(cloud: &Cloud, request: &Request, access: ClientAccess) -> ProjectCaller {
    if let Some(connection) = request.extensions().get::<Arc<ConnectionState>>() {
        connection.set_authenticated();
    }
    let principal = match request.extensions().get::<Arc<RequestOrigin>>() {
        Some(origin) => access.principal.with_origin(origin),
        None => access.principal,
    };
    ProjectCaller { project: cloud.app.access.org_slug(&principal), principal: Arc::new(principal) }
}

fn method_not_allowed(endpoint: Endpoint, method: Method) -> Response {
    let mut response = InstathingsError::from(HttpError::MethodNotAllowed(method)).into_response();
    let allowed =
        HeaderValue::try_from(endpoint.methods().join(", ")).expect("names of methods are visible ASCII");
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}
