//! OpenAPI description of one operation: parameters, body and responses. Responses common to all routes of a kind
//! (credentials, media types, sizes) are added by route.rs, so that no description repeats them.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{Content, RefOr, Required, Response, ResponseBuilder, SecurityRequirement};

use super::schema::{self, ValueSchema};

/// The media type of nearly all bodies and responses.
pub const JSON: &str = "application/json";

/// Description of one operation (a method of a path).
pub struct Doc {
    /// The `operationId`, unique in the document.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) about: Option<&'static str>,
    /// Parameters of the query and headers.
    pub(super) query: Vec<Parameter>,
    pub(super) body: Option<RequestBodyBuilder>,
    pub(super) answers: Vec<(u16, Response)>,
    /// Error statuses beyond those that all routes of its kind have.
    pub(super) refusals: Vec<u16>,
    /// Requires a session although the route itself is public.
    pub(super) needs_session: bool,
}

impl Doc {
    /// Creates a description from an `operationId` and a summary.
    pub fn new(id: &'static str, summary: &'static str) -> Doc {
        let (query, answers, refusals) = (Vec::new(), Vec::new(), Vec::new());
        Doc { id, summary, about: None, query, body: None, answers, refusals, needs_session: false }
    }

    /// Sets the description, for what does not fit the summary.
    pub fn about(mut self, text: &'static str) -> Doc {
        self.about = Some(text);
        self
    }

    /// Marks the operation as requiring a session although its route is public.
    pub fn for_session(mut self) -> Doc {
        self.needs_session = true;
        self
    }

    /// Adds an optional query parameter.
    pub fn query(self, name: &'static str, shape: ValueSchema, about: &'static str) -> Doc {
        self.parameter(named(ParameterIn::Query, name).required(Required::False), shape, about)
    }

    /// Adds a required query parameter.
    pub fn required_query(self, name: &'static str, shape: ValueSchema, about: &'static str) -> Doc {
        self.parameter(named(ParameterIn::Query, name).required(Required::True), shape, about)
    }

    /// Adds an optional request header.
    pub fn header(self, name: &'static str, shape: ValueSchema, about: &'static str) -> Doc {
        self.parameter(named(ParameterIn::Header, name).required(Required::False), shape, about)
    }

    fn parameter(mut self, parameter: ParameterBuilder, shape: ValueSchema, about: &'static str) -> Doc {
        self.query.push(parameter.description(Some(about)).schema(Some(shape)).build());
        self
    }

    /// Adds `limit` and `offset`.
    pub fn page(self) -> Doc {
        self.query("limit", schema::integer(1, 10_000), "Maximum number of rows; 100 by default.").offset()
    }

    /// Adds `from`, `to`, `limit` and `offset`.
    pub fn range(self) -> Doc {
        self.query(
            "from",
            schema::time_input(),
            "Start of the range, inclusive. In a range rows come oldest first.",
        )
        .query("to", schema::time_input(), "End of the range, inclusive.")
        .query(
            "limit",
            schema::integer(1, 10_000),
            "Maximum number of rows; 100 by default, unlimited in a range.",
        )
        .offset()
    }

    fn offset(self) -> Doc {
        self.query("offset", schema::count(), "Number of rows to skip.")
    }

    /// Sets a required JSON body.
    pub fn body(self, shape: ValueSchema) -> Doc {
        self.takes(shape, Required::True)
    }

    /// Sets an optional JSON body.
    pub fn body_if_any(self, shape: ValueSchema) -> Doc {
        self.takes(shape, Required::False)
    }

    /// Sets a required multipart form.
    pub fn form(self, shape: ValueSchema) -> Doc {
        self.takes_as("multipart/form-data", shape, Required::True)
    }

    /// Sets a required body of another media type.
    pub fn body_as(self, media: &'static str, shape: ValueSchema) -> Doc {
        self.takes_as(media, shape, Required::True)
    }

    /// Describes the body, which is set already.
    pub fn about_body(mut self, text: &'static str) -> Doc {
        self.body = self.body.map(|body| body.description(Some(text)));
        self
    }

    /// Describes operation and body by their kind, where they say nothing of themselves: for APIs whose operations are
    /// many and alike.
    pub fn described_by_kind(mut self, operation: &'static str, body: &'static str) -> Doc {
        self.about.get_or_insert(operation);
        self.body = self.body.map(|body_builder| {
            let mut built = body_builder.build();
            built.description.get_or_insert_with(|| body.to_owned());
            built.into()
        });
        self
    }

    fn takes(self, shape: ValueSchema, required: Required) -> Doc {
        self.takes_as(JSON, shape, required)
    }

    fn takes_as(mut self, media: &'static str, shape: ValueSchema, required: Required) -> Doc {
        let content = Content::new(Some(shape));
        self.body = Some(RequestBodyBuilder::new().content(media, content).required(Some(required)));
        self
    }

    /// Adds a JSON response.
    pub fn answers(self, status: u16, about: impl Into<String>, shape: ValueSchema) -> Doc {
        self.answers_as(JSON, status, about, shape)
    }

    /// Adds a response of another media type.
    pub fn answers_as(
        mut self,
        media: &'static str,
        status: u16,
        about: impl Into<String>,
        shape: ValueSchema,
    ) -> Doc {
        let response = ResponseBuilder::new().description(about).content(media, Content::new(Some(shape)));
        self.answers.push((status, response.build()));
        self
    }

    /// Adds another media type to the last response.
    pub fn or_as(mut self, media: &'static str, shape: ValueSchema) -> Doc {
        if let Some((_, answer)) = self.answers.last_mut() {
            answer.content.insert(media.to_owned(), RefOr::T(Content::new(Some(shape))));
        }
        self
    }

    /// Adds a header to the last response.
    pub fn with_header(mut self, name: &'static str, shape: ValueSchema, about: impl Into<String>) -> Doc {
        if let Some((_, answer)) = self.answers.last_mut() {
            let header = HeaderBuilder::new().schema(Some(shape)).description(Some(about)).build();
            answer.headers.insert(name.to_owned(), RefOr::T(header));
        }
        self
    }

    /// Adds a response without a body.
    pub fn answers_empty(mut self, status: u16, about: impl Into<String>) -> Doc {
        self.answers.push((status, Response::new(about)));
        self
    }

    /// Adds a 204 response, which has no body.
    pub fn answers_nothing(self, about: impl Into<String>) -> Doc {
        self.answers_empty(204, about)
    }

    /// Returns the operation with its tag, its credentials and the variables of its path, without responses of errors that
    /// all routes of its kind have.
    pub fn operation(
        self,
        tag: &str,
        securities: Option<Vec<SecurityRequirement>>,
        variables: Vec<Parameter>,
    ) -> OperationBuilder {
        let operation =
            OperationBuilder::new().tag(tag).operation_id(Some(self.id)).summary(Some(self.summary));
        let operation = operation.description(self.about).securities(securities);
        let parameters = variables.into_iter().chain(self.query);
        let operation = parameters.fold(operation, OperationBuilder::parameter);
        let operation = operation.request_body(self.body.map(|body| body.build()));
        self.answers.into_iter().fold(operation, |operation, (status, answer)| {
            operation.response(status.to_string(), RefOr::T(answer))
        })
    }

    /// Adds an error status.
    pub fn refuses(mut self, status: u16) -> Doc {
        self.refusals.push(status);
        self
    }
}

fn named(place: ParameterIn, name: &'static str) -> ParameterBuilder {
    ParameterBuilder::new().name(name).parameter_in(place)
}
