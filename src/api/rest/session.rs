//! `/api/session/`: logging in and out, who is logged in, and one's own password.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse};
use serde::Serialize;

use super::body::Unread;
use super::fields::{Fields, Mode, Need};
use super::gate::Right;
use crate::api::caller::{self, Caller};
use crate::api::cookies;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, required, shown};
use crate::app::App;
use crate::app::live::standing::Standing;
use crate::app::session::{Begun, Login, no_credentials};
use crate::domain::audit::Origin;
use crate::domain::org::User;
use crate::domain::{Principal, Result, UserId};

pub fn section() -> Section {
    let session = shape::named("Session");
    let login = Doc::new("session_create", "Logs in")
        .about("Sets the cookies `sessionid` and `csrftoken`.")
        .body(shape::named("Login"))
        .answers(200, "Who is logged in", session.clone())
        .refuses(401)
        .refuses(429);
    let get = Doc::new("session_get", "Who is logged in").for_session().answers(200, "They", session);
    let logout =
        Doc::new("session_delete", "Logs out").for_session().answers_nothing("The session has ended");
    let password = Doc::new("session_password", "Changes one's own password")
        .about("Every other session of the person ends.")
        .body(shape::named("PasswordChange"))
        .answers_nothing("It is changed")
        .refuses(429);
    let user = [
        shown("id", shape::row()),
        shown("username", shape::words()),
        shown("organization", shape::words()),
        shown("is_staff", shape::boolean()),
        shown("is_superuser", shape::boolean()),
    ];
    Section {
        name: "Sessions",
        about: "Logging in, for people of staff and superusers.",
        routes: vec![
            Route::gated("/api/session", Right::Anybody)
                .get(retrieve, get)
                .post(create, login)
                .delete(destroy, logout),
            Route::gated("/api/session/password", Right::Known).post(change_password, password),
        ],
        schemas: vec![
            ("Session", shape::view(&[shown("user", shape::view(&user).into())])),
            (
                "Login",
                shape::body(&[required("username", shape::words()), required("password", shape::secret())]),
            ),
            (
                "PasswordChange",
                shape::body(&[
                    required("old_password", shape::secret()),
                    required("new_password", shape::secret()),
                ]),
            ),
        ],
    }
}

pub async fn create(
    State(app): State<Arc<App>>,
    Extension(origin): Extension<Arc<Origin>>,
    headers: HeaderMap,
    body: Unread,
) -> Result<impl IntoResponse, RestError> {
    let mut fields = body.fields_of_stranger(Mode::Whole).await?;
    let mut login = Login { username: String::new(), password: String::new() };
    fields.text("username", Need::Required, &mut login.username);
    fields.required_secret("password", &mut login.password);
    fields.finish(Vec::new())?;
    let Begun { token, user } = app.log_in(login, &origin).await?;
    // Nobody is logged in twice in one browser: what it presented before ends.
    if let Some(former) = cookies::read(&headers, cookies::SESSION) {
        app.replace_session(former).await?;
    }
    let options = &app.settings().sessions;
    let set = cookies::set(&token, options.lifetime, options.secure_cookies);
    Ok((AppendHeaders(set), Json(SessionView::new(&app, &user))))
}

pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, RestError> {
    let user = app.logged_in(&caller)?;
    let token = caller::session_token(&headers).ok_or_else(no_credentials)?;
    let options = &app.settings().sessions;
    let csrf = cookies::csrf(token, options.lifetime, options.secure_cookies);
    Ok((AppendHeaders([csrf]), Json(SessionView::new(&app, &user))))
}

pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, RestError> {
    let token = caller::session_token(&headers).ok_or_else(no_credentials)?;
    app.log_out(&caller, token).await?;
    let cleared = cookies::clear(app.settings().sessions.secure_cookies);
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cleared)))
}

pub async fn change_password(
    caller: Caller,
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Unread,
) -> Result<StatusCode, RestError> {
    let standing = app.standing(caller.0, caller::session_token(&headers));
    app.check_has_password(standing.principal())?;
    renew(&app, &standing, body.fields(Mode::Whole).await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes one's own password by the fields of a body.
pub(in crate::api) async fn renew(app: &App, standing: &Standing, mut fields: Fields) -> Result<()> {
    app.check_has_password(standing.principal())?;
    let (mut old, mut new) = (String::new(), String::new());
    fields.required_secret("old_password", &mut old);
    fields.required_secret("new_password", &mut new);
    fields.finish(Vec::new())?;
    app.change_password(standing, old, new).await
}

/// Who is logged in.
#[derive(Debug, Serialize)]
pub struct SessionView {
    user: UserView,
}

#[derive(Debug, Serialize)]
struct UserView {
    id: UserId,
    username: String,
    /// A slug.
    organization: String,
    is_staff: bool,
    is_superuser: bool,
}

impl SessionView {
    fn new(app: &App, user: &User) -> Self {
        let user = UserView {
            id: user.id,
            username: user.name.clone(),
            organization: app.org_slug(&Principal::user(user)),
            is_staff: user.is_staff,
            is_superuser: user.is_superuser,
        };
        Self { user }
    }
}
