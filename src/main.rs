//! The binary: an allocator and the command line.

use std::process::ExitCode;

// Where it can be built; elsewhere the system's.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    basalt::cli::main()
}
