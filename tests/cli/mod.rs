//! The commands, as typed: in a process of their own, and beside a running server.

mod administer;
mod bench;
mod configure;
mod data;
mod stop;
