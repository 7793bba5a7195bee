//! Checks that DataStone makes before it looks at method, path or body: 406, then 401, then 403.
//!
//! OPTIONS needs no caller: no path has it, so that everybody gets 405.
//!
//! The scope check here only fixes the order of error responses; app/ checks again and is the authority.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::MethodRouter;

use crate::api::error::{HttpError, RestError};
use crate::api::{accept, caller};
use crate::app::App;
use crate::domain::{Error, Principal, Resource, Scope};

/// Access required by a route.
#[derive(Debug, Clone, Copy)]
pub enum RequiredAccess {
    /// The scope of this resource that the method requires.
    Scope(Resource),
    /// One of the scopes for the method, whose name is given; HEAD is as GET.
    AnyScope(fn(&str) -> &'static [Scope]),
    /// All of the scopes for the method, whose name is given; HEAD is as GET.
    AllScopes(fn(&str) -> &'static [Scope]),
    /// A logged-in superuser.
    Superuser,
    /// Any authenticated caller.
    Authenticated,
    /// Nobody has to authenticate.
    Public,
}

/// Puts the checks before every method of a path, including those the path does not have.
pub fn guard(
    app: &Arc<App>,
    right: RequiredAccess,
    methods: MethodRouter<Arc<App>>,
) -> MethodRouter<Arc<App>> {
    methods.layer(from_fn_with_state((app.clone(), right), check_request))
}

async fn check_request(
    State((app, right)): State<(Arc<App>, RequiredAccess)>,
    mut request: Request,
    next: Next,
) -> Result<Response, RestError> {
    if !accept::accepts(request.headers(), &[accept::JSON]) {
        return Err(HttpError::NotAcceptable.into());
    }
    // A browser sends no credential with a preflight, and would take 401 for the answer of the path.
    if request.method() != Method::OPTIONS && !matches!(right, RequiredAccess::Public) {
        let caller = caller::authenticate(&app, request.method(), request.headers(), request.extensions())?;
        match right {
            RequiredAccess::Scope(resource) => caller.require(scope_for(request.method(), resource))?,
            RequiredAccess::AnyScope(scopes) => {
                require_any(&caller, scopes(scoped_method(request.method())))?
            }
            RequiredAccess::AllScopes(scopes) => {
                scopes(scoped_method(request.method())).iter().try_for_each(|scope| caller.require(*scope))?
            }
            RequiredAccess::Superuser => app.access.require_superuser(&caller)?,
            RequiredAccess::Authenticated | RequiredAccess::Public => {}
        }
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

fn scoped_method(method: &Method) -> &str {
    match *method {
        Method::HEAD => "GET",
        _ => method.as_str(),
    }
}

fn require_any(caller: &Principal, scopes: &[Scope]) -> Result<(), Error> {
    if scopes.iter().any(|scope| caller.scopes.allows(*scope)) {
        return Ok(());
    }
    let names: Vec<_> = scopes.iter().map(Scope::to_string).collect();
    Err(Error::forbidden(format!("this needs the scope {}", names.join(" or "))))
}

fn scope_for(method: &Method, resource: Resource) -> Scope {
    match *method {
        Method::GET | Method::HEAD => Scope::read(resource),
        _ => Scope::write(resource),
    }
}
