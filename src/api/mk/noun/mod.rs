//! The fields of the platform's nouns, each listed once.
//!
//! A noun is a row as its API shows it. Its list ([`list::MkNoun::visit_fields`]) names every field with its description and
//! schema; bodies are read by it, responses and the OpenAPI schemas are made of it, and it says what its list is sorted by.
//! How values are shown, and the closed sets of words, are those of `app::fields`; how bodies are read and described is not.

pub mod choice;
pub mod field_type;
pub mod list;
pub mod nested;
pub mod reader;
pub mod schemas;
pub mod show;
pub mod sort;
pub mod stamp;

#[cfg(test)]
#[path = "noun_tests.rs"]
mod tests;
