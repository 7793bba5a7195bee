//! What is said of one method of a path: its parameters, body and answers. What holds for every route of its kind
//! (credentials, media types, sizes) is added by route.rs, so that nobody writes it twice.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{Content, Required, Response, ResponseBuilder};

use super::shape::{self, Shape};

/// The media type of nearly everything.
pub const JSON: &str = "application/json";

/// A method of a path, described.
pub struct Doc {
    /// Unique in the document.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) about: Option<&'static str>,
    pub(super) query: Vec<Parameter>,
    pub(super) body: Option<RequestBodyBuilder>,
    pub(super) answers: Vec<(u16, Response)>,
    /// Statuses of refusals beyond those of its kind.
    pub(super) refusals: Vec<u16>,
    /// It is about the session that asks, on a route that lets everybody pass.
    pub(super) needs_session: bool,
}

impl Doc {
    pub fn new(id: &'static str, summary: &'static str) -> Doc {
        let (query, answers, refusals) = (Vec::new(), Vec::new(), Vec::new());
        Doc { id, summary, about: None, query, body: None, answers, refusals, needs_session: false }
    }

    /// More than fits the summary.
    pub fn about(mut self, text: &'static str) -> Doc {
        self.about = Some(text);
        self
    }

    /// Only for who is logged in, though the route lets everybody pass.
    pub fn for_session(mut self) -> Doc {
        self.needs_session = true;
        self
    }

    /// A query parameter.
    pub fn query(mut self, name: &'static str, shape: Shape, about: &'static str) -> Doc {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query);
        let parameter = parameter.required(Required::False).description(Some(about)).schema(Some(shape));
        self.query.push(parameter.build());
        self
    }

    /// `limit` and `offset`.
    pub fn page(self) -> Doc {
        self.query("limit", shape::integer(1, 10_000), "How many rows at most; 100 by default.").offset()
    }

    /// `from`, `to`, `limit` and `offset`.
    pub fn range(self) -> Doc {
        self.query("from", shape::time_given(), "The first moment; with a bound rows come oldest first.")
            .query("to", shape::time_given(), "The last moment, included.")
            .query(
                "limit",
                shape::integer(1, 10_000),
                "How many rows at most; 100, without limit in a range.",
            )
            .offset()
    }

    fn offset(self) -> Doc {
        self.query("offset", shape::count(), "How many rows to skip.")
    }

    /// A JSON body that has to be sent.
    pub fn body(self, shape: Shape) -> Doc {
        self.takes(shape, Required::True)
    }

    /// A JSON body that may be left out.
    pub fn body_if_any(self, shape: Shape) -> Doc {
        self.takes(shape, Required::False)
    }

    /// A form with files that has to be sent.
    pub fn form(self, shape: Shape) -> Doc {
        self.takes_as("multipart/form-data", shape, Required::True)
    }

    fn takes(self, shape: Shape, required: Required) -> Doc {
        self.takes_as(JSON, shape, required)
    }

    fn takes_as(mut self, media: &'static str, shape: Shape, required: Required) -> Doc {
        let content = Content::new(Some(shape));
        self.body = Some(RequestBodyBuilder::new().content(media, content).required(Some(required)));
        self
    }

    /// An answer of JSON.
    pub fn answers(self, status: u16, about: &'static str, shape: Shape) -> Doc {
        self.answers_as(JSON, status, about, shape)
    }

    /// An answer of another type.
    pub fn answers_as(mut self, media: &'static str, status: u16, about: &'static str, shape: Shape) -> Doc {
        let response = ResponseBuilder::new().description(about).content(media, Content::new(Some(shape)));
        self.answers.push((status, response.build()));
        self
    }

    /// An answer without a body.
    pub fn answers_nothing(mut self, about: &'static str) -> Doc {
        self.answers.push((204, Response::new(about)));
        self
    }

    /// Another status it may refuse with.
    pub fn refuses(mut self, status: u16) -> Doc {
        self.refusals.push(status);
        self
    }
}
