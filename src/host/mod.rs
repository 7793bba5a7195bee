//! Host access: machine identity, files private to their owner, space and limits, listening processes, the local Hamachi client, and
//! the program that records video. Programs are run by absolute path with an argument list, never by a shell.

pub mod clock_sync;
pub mod command;
pub mod disk_space;
pub mod hamachi;
pub mod listening;
pub mod machine;
pub mod private_file;
pub mod process_limits;
pub mod recorder;
