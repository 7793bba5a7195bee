//! Descriptions of the five operations that most nouns have, completed by the words for the noun.

use super::openapi_document::page_of;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema;

/// How descriptions name the rows of a noun.
#[derive(Debug, Clone, Copy)]
pub struct NounWords {
    schema: &'static str,
    one: &'static str,
    many: &'static str,
    created: &'static str,
}

impl NounWords {
    /// Words for one row and for several. Responses have the schema of this name, bodies that with `Body` at its end.
    pub const fn new(schema: &'static str, one: &'static str, many: &'static str) -> Self {
        NounWords { schema, one, many, created: one }
    }

    /// Sets another word for the row that a POST creates.
    pub const fn created_as(self, created: &'static str) -> Self {
        NounWords { created, ..self }
    }

    /// Adds bodies and responses to the descriptions of list, creation, read, replacement and removal.
    pub fn describe(&self, [list, create, get, replace, delete]: [Doc; 5]) -> [Doc; 5] {
        let NounWords { schema: row, one, many, created } = *self;
        let body = || schema::reference(&format!("{row}Body"));
        let made = format!("The {created} that was created.");
        [
            list.answers(200, format!("A page of {many}."), page_of(row)),
            create.body(body()).answers(201, made, schema::reference(row)).with_header(
                "Location",
                schema::string(),
                format!("Path of the {created}."),
            ),
            self.stored(get),
            self.stored(replace.body(body())),
            delete.answers_nothing(format!("The {one} is deleted.")),
        ]
    }

    /// Adds the response with the whole row.
    pub fn stored(&self, doc: Doc) -> Doc {
        doc.answers(200, format!("The {} as it is stored.", self.one), schema::reference(self.schema))
    }
}
