//! Host access: machine identity, files private to their owner, and the local Hamachi client. Programs are run by
//! absolute path with an argument list, never by a shell.

pub mod command;
pub mod hamachi;
pub mod machine;
pub mod private_file;
