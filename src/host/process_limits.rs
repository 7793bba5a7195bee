//! Limits that the operating system puts on this process.

use rustix::process::{Resource, getrlimit};

/// Returns the limit of the address space, bytes; `None` without one.
pub fn address_space() -> Option<u64> {
    getrlimit(Resource::As).current
}
