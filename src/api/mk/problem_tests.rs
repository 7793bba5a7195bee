//! Tests of problem bodies.

use axum::body::to_bytes;

use super::*;

async fn body(error: MkError) -> (u16, Value) {
    let response = with_instance(error.into_response(), "/api/v1/sites");
    assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn a_problem_has_the_platforms_sentences() {
    let id = Uuid::nil();
    let rows: [(MkError, u16, &str, &str); 14] = [
        (MkError::malformed_body(), 400, "Bad Request", "Malformed request body"),
        (MkError::invalid_parameter("from"), 400, "Bad Request", "Invalid value for parameter 'from'"),
        (
            Error::new(Kind::Unauthenticated, "why").into(),
            401,
            "Unauthorized",
            "Full authentication is required to access this resource",
        ),
        (Error::forbidden("why").into(), 403, "Forbidden", "Access Denied"),
        (
            MkError::named(Error::hidden(), "Site", id),
            404,
            "Not Found",
            "Site 00000000-0000-0000-0000-000000000000 not found",
        ),
        (no_resource_at("/api/v1/x"), 404, "Not Found", "No static resource api/v1/x."),
        (
            HttpError::MethodNotAllowed(Method::PATCH).into(),
            405,
            "Method Not Allowed",
            "Method 'PATCH' is not supported.",
        ),
        (
            HttpError::NotAcceptable.into(),
            406,
            "Not Acceptable",
            "Acceptable representations: [application/json].",
        ),
        (Error::conflict("name is in use").into(), 409, "Conflict", "name is in use"),
        (Error::gone("the token has expired").into(), 410, "Gone", "the token has expired"),
        (Error::too_large("too large").into(), 413, "Payload Too Large", "too large"),
        (
            HttpError::UnsupportedMediaType("text/plain".into()).into(),
            415,
            "Unsupported Media Type",
            "Content-Type 'text/plain' is not supported.",
        ),
        (
            HttpError::Unprocessable(Error::invalid("no such field")).into(),
            422,
            "Unprocessable Entity",
            "no such field",
        ),
        (Error::internal("a secret").into(), 500, "Internal Server Error", "Internal server error"),
    ];
    for (error, status, title, detail) in rows {
        let (found, body) = body(error).await;
        assert_eq!(found, status, "{body}");
        let expected = json!({
            "type": "about:blank", "title": title, "status": status, "detail": detail, "instance": "/api/v1/sites",
        });
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn field_errors_are_told_together() {
    let problems =
        || vec![FieldError::new("name", "must not be blank"), FieldError::new("a[0].b", "does not exist")];
    let expected = json!([
        {"field": "name", "message": "must not be blank"},
        {"field": "a[0].b", "message": "does not exist"},
    ]);
    for (error, status) in
        [(Error::fields(problems()).into(), 400), (MkError::unprocessable(problems()), 422)]
    {
        let (found, body) = body(error).await;
        assert_eq!((found, &body["detail"]), (status, &json!("Validation failed")));
        assert_eq!(body["errors"], expected);
    }
}

#[tokio::test]
async fn throttled_and_unauthenticated_callers_are_told_how_to_go_on() {
    let throttled = MkError::from(Error::throttled(3)).into_response();
    assert_eq!(
        (throttled.status().as_u16(), &throttled.headers()["retry-after"]),
        (429, &HeaderValue::from(3))
    );
    let unknown = MkError::from(Error::new(Kind::Unauthenticated, "")).into_response();
    assert_eq!(unknown.headers()[WWW_AUTHENTICATE], "Bearer");
}
