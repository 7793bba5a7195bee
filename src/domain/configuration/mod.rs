//! Configuration of devices: artefacts (contents with versions, never changed), bindings of artefacts to what they are
//! for, the state that follows from them for one device, and what devices report about it.
//!
//! Everything here is computed from values alone. Rows are read and written by the catalog.

pub mod artefact;
pub mod binding;
pub mod content;
pub mod desired;
pub mod report;
