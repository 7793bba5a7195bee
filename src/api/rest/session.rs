//! `/api/session/`: login, logout, the current user, and change of the own password.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse};
use serde::Serialize;
use utoipa::openapi::Schema;

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use crate::api::caller::{self, Caller};
use crate::api::cookies;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, read_only, required};
use crate::app::App;
use crate::app::access::no_credentials;
use crate::app::fields::reader::ReadMode;
use crate::app::fields::session::{read_login, read_login_link};
use crate::app::session::NewSession;
use crate::domain::audit::RequestOrigin;
use crate::domain::org::User;
use crate::domain::validation::MAX_SECRET_CHARS;
use crate::domain::{Principal, Result, UserId};

/// Routes, documentation and schemas of sessions.
pub fn section() -> Section {
    let session = schema::reference("Session");
    let login = Doc::new("session_create", "Log in")
        .about("Sets the cookies `sessionid` and `csrftoken`.")
        .body(schema::reference("Login"))
        .answers(200, "The logged-in user", session.clone())
        .refuses(401)
        .refuses(429);
    let link = Doc::new("session_link", "Log in with the one-time link that `basalt demo` prints")
        .about("Only from the machine of the server, within 15 minutes and once. Sets the cookies `sessionid` and `csrftoken`.")
        .body(schema::reference("LoginLink"))
        .answers(200, "The logged-in user", session.clone());
    let get = Doc::new("session_get", "Get the logged-in user").for_session().answers(
        200,
        "The logged-in user",
        session,
    );
    let logout = Doc::new("session_delete", "Log out").for_session().answers_nothing("The session has ended");
    let password = Doc::new("session_password", "Change your own password")
        .about("All other sessions of the user end.")
        .body(schema::reference("PasswordChange"))
        .answers_nothing("The password was changed")
        .refuses(429);
    Section {
        name: "Sessions",
        about: "Login for people: viewers, staff and superusers.",
        routes: vec![
            Route::gated("/api/session", RequiredAccess::Public)
                .get(retrieve, get)
                .post(create, login)
                .delete(destroy, logout),
            Route::gated("/api/session/link", RequiredAccess::Public).post(follow_link, link),
            Route::gated("/api/session/password", RequiredAccess::Authenticated)
                .post(change_password, password),
            super::preferences::route(),
        ],
        schemas: schemas(),
    }
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let user = [
        read_only("id", schema::row_id()),
        read_only("username", schema::string()),
        read_only("organization", schema::string()),
        read_only("is_staff", schema::boolean()),
        read_only("is_superuser", schema::boolean()),
    ];
    vec![
        ("Session", schema::view(&[read_only("user", schema::view(&user).into())])),
        (
            "Login",
            schema::body(&[
                required("username", schema::string()),
                required("password", schema::secret(MAX_SECRET_CHARS)),
            ]),
        ),
        ("LoginLink", schema::body(&[required("token", schema::secret(MAX_SECRET_CHARS))])),
        (
            "PasswordChange",
            schema::body(&[
                required("old_password", schema::secret(MAX_SECRET_CHARS)),
                required("new_password", schema::secret(MAX_SECRET_CHARS)),
            ]),
        ),
    ]
}

/// `POST /api/session`: logs in and sets the cookies; the session that the browser had before ends.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(origin): Extension<Arc<RequestOrigin>>,
    headers: HeaderMap,
    body: DeferredJson,
) -> Result<impl IntoResponse, RestError> {
    let login = read_login(body.unauthenticated_fields(ReadMode::Whole).await?)?;
    let begun = app.sessions.log_in(login, &origin).await?;
    answer_login(&app, &headers, begun).await
}

/// `POST /api/session/link`: logs in with a one-time link, as `POST /api/session` does with a password.
pub async fn follow_link(
    State(app): State<Arc<App>>,
    Extension(origin): Extension<Arc<RequestOrigin>>,
    headers: HeaderMap,
    body: DeferredJson,
) -> Result<impl IntoResponse, RestError> {
    let token = read_login_link(body.unauthenticated_fields(ReadMode::Whole).await?)?;
    let begun = app.sessions.log_in_by_link(&token, &origin).await?;
    answer_login(&app, &headers, begun).await
}

/// Sets the cookies of a new session.
async fn answer_login(
    app: &App,
    headers: &HeaderMap,
    begun: NewSession,
) -> Result<(AppendHeaders<[(HeaderName, HeaderValue); 2]>, Json<SessionView>), RestError> {
    let NewSession { token, user } = begun;
    // A browser has one session: the one it presented before ends.
    if let Some(former) = cookies::read(headers, cookies::SESSION) {
        app.sessions.replace_session(former).await?;
    }
    let options = &app.settings().sessions;
    let set = cookies::set(&token, options.lifetime, options.secure_cookies);
    Ok((AppendHeaders(set), Json(SessionView::new(app, &user))))
}

/// `GET /api/session`: the logged-in user; renews the CSRF cookie.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, RestError> {
    let user = app.access.logged_in(&caller)?;
    let token = caller::session_token(&headers).ok_or_else(no_credentials)?;
    let options = &app.settings().sessions;
    let csrf = cookies::csrf(token, options.lifetime, options.secure_cookies);
    Ok((AppendHeaders([csrf]), Json(SessionView::new(&app, &user))))
}

/// `DELETE /api/session`: logs out and clears the cookies.
pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, RestError> {
    let token = caller::session_token(&headers).ok_or_else(no_credentials)?;
    app.sessions.log_out(&caller, token).await?;
    let cleared = cookies::clear(app.settings().sessions.secure_cookies);
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cleared)))
}

/// `POST /api/session/password`: changes the caller's own password; the other sessions of the user end.
pub async fn change_password(
    caller: Caller,
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: DeferredJson,
) -> Result<StatusCode, RestError> {
    let credential = app.feeds.live_credential(caller.0, caller::session_token(&headers));
    app.sessions.check_has_password(credential.principal())?;
    app.sessions.change_password_from_fields(&credential, body.fields(ReadMode::Whole).await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The logged-in user.
#[derive(Debug, Serialize)]
pub struct SessionView {
    user: UserView,
}

/// A user, without the password.
#[derive(Debug, Serialize)]
struct UserView {
    id: UserId,
    username: String,
    /// Slug of the organization.
    organization: String,
    is_staff: bool,
    is_superuser: bool,
}

impl SessionView {
    fn new(app: &App, user: &User) -> Self {
        let user = UserView {
            id: user.id,
            username: user.name.clone(),
            organization: app.access.org_slug(&Principal::user(user)),
            is_staff: user.is_staff,
            is_superuser: user.is_superuser,
        };
        Self { user }
    }
}
