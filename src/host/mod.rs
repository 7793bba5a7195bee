//! The machine this server runs on: facts that tell it from others, files only its owner may read, and the Hamachi client
//! installed on it. Whatever is run here is run by an absolute path and a list of arguments, never by a shell.

pub mod command;
pub mod hamachi;
pub mod machine;
pub mod private_file;
