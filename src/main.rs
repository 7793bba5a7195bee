//! The binary: sets the allocator and runs the command line.

use std::process::ExitCode;

// jemalloc where it can be built; elsewhere the system's allocator.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    basalt::cli::main()
}
