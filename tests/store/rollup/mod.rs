//! Aggregates and steps that read computed statistics.

mod hours;
mod model;
mod plans;
mod raw;
mod steps;
