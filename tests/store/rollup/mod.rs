//! Aggregates and steps that read computed statistics.

mod model;
mod plans;
mod steps;
