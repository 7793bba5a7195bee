//! The whole program from outside: real processes, real sockets, real files, other people's clients.
//!
//! Run by tests/run.sh, which prepares what these cases need.

// A test fails by panicking, and a table of cases is as long as it has rows.
#![allow(clippy::unwrap_used, clippy::too_many_lines)]

mod in_process;
mod support;

mod ai;
mod blynk;
mod cli;
mod cluster;
mod crash;
mod equality;
mod examples;
mod graphql;
mod hostile;
mod ingest;
mod instathings;
mod isolation;
mod lake;
mod mk;
mod modbus;
mod mqtt;
mod onpremise;
mod opcua;
mod opensynaptic;
mod pages;
mod plc;
mod rest;
mod sources;
mod sql;
mod store;
mod tools;
mod upgrade;
mod watching;
