//! `basalt user create|list|passwd|role|enable|disable|delete`.

use std::io::BufRead;

use super::args::{DataDirArgs, OrgArgs, RoleArgs, UserArgs, UserSubcommand};
use super::print;
use super::target::{CommandTarget, DataDirMode};
use crate::app::control::{Command, CommandOutcome, UserLine};
use crate::app::user::{UserCommand, UserRequest};
use crate::auth::key::random_text;
use crate::domain::{Error, Result};

/// 20 letters and digits: 119 bits.
const PASSWORD_LEN: usize = 20;

/// The command to run, where to run it, and what to print.
struct UserInvocation {
    place: DataDirArgs,
    org: OrgArgs,
    directory: DataDirMode,
    command: UserCommand,
    /// Past participle for the result line, such as `created`.
    done: &'static str,
    /// A password generated here, to be printed.
    made_up: Option<String>,
}

/// Runs the command; a password that was generated is printed once, after the line about the user.
pub async fn run(command: UserSubcommand) -> Result<()> {
    let UserInvocation { place, org, directory, command, done, made_up } = prepare(command)?;
    let target = CommandTarget::open(&place, &org, directory).await?;
    let outcome = target.run(Command::User { org: target.org(), command }).await;
    target.close().await?;
    match outcome? {
        CommandOutcome::User(user) => {
            print::line(&format!("user {} {done} (id {})", user.name, user.id))?;
            match made_up {
                Some(password) => print::line(&format!("password, shown this once: {password}")),
                None => Ok(()),
            }
        }
        CommandOutcome::Users(users) => {
            let rows: Vec<_> = users.iter().map(to_row).collect();
            print::table(["ID", "NAME", "ROLE", "ENABLED", "CREATED"], &rows)
        }
        _ => Ok(()),
    }
}

fn prepare(command: UserSubcommand) -> Result<UserInvocation> {
    let about = |person: UserArgs, done, command: fn(String) -> UserCommand| {
        let UserArgs { name, org, place } = person;
        let command = command(name);
        UserInvocation { place, org, directory: DataDirMode::MustExist, command, done, made_up: None }
    };
    Ok(match command {
        UserSubcommand::Create { name, role, password_stdin, org, place } => {
            let (password, made_up) = obtain_password(password_stdin)?;
            let RoleArgs { staff, superuser, viewer } = role;
            let user =
                UserRequest { name, password, is_staff: staff, is_superuser: superuser, is_viewer: viewer };
            let command = UserCommand::Create(user);
            UserInvocation {
                place,
                org,
                directory: DataDirMode::CreateIfMissing,
                command,
                done: "created",
                made_up,
            }
        }
        UserSubcommand::List { org, place } => {
            let (directory, command) = (DataDirMode::MustExist, UserCommand::List);
            UserInvocation { place, org, directory, command, done: "", made_up: None }
        }
        UserSubcommand::Passwd { name, password_stdin, org, place } => {
            let (password, made_up) = obtain_password(password_stdin)?;
            let command = UserCommand::SetPassword { name, password };
            let done = "has another password";
            UserInvocation { place, org, directory: DataDirMode::MustExist, command, done, made_up }
        }
        UserSubcommand::Role { name, role, org, place } => {
            let RoleArgs { staff, superuser, viewer } = role;
            let command =
                UserCommand::SetRole { name, is_staff: staff, is_superuser: superuser, is_viewer: viewer };
            let done = match (superuser, staff, viewer) {
                (true, ..) => "is a superuser",
                (_, true, _) => "is of staff",
                (.., true) => "is a viewer",
                (false, false, false) => "may not log in",
            };
            UserInvocation { place, org, directory: DataDirMode::MustExist, command, done, made_up: None }
        }
        UserSubcommand::Enable(person) => {
            about(person, "enabled", |name| UserCommand::Enable { name, is_enabled: true })
        }
        UserSubcommand::Disable(person) => {
            about(person, "disabled", |name| UserCommand::Enable { name, is_enabled: false })
        }
        UserSubcommand::Delete(person) => about(person, "deleted", |name| UserCommand::Delete { name }),
    })
}

fn to_row(user: &UserLine) -> [String; 5] {
    let enabled = if user.enabled { "yes" } else { "no" }.to_owned();
    [user.id.to_string(), user.name.clone(), user.role.clone(), enabled, user.created_at.clone()]
}

/// Returns the password, and again as the second value if it was generated.
fn obtain_password(from_stdin: bool) -> Result<(String, Option<String>)> {
    if from_stdin {
        return Ok((read_password(std::io::stdin().lock())?, None));
    }
    let made_up = generate_password();
    Ok((made_up.clone(), Some(made_up)))
}

/// Returns a random password for a user whose caller gave none, such as the user of the demo.
pub fn generate_password() -> String {
    random_text(PASSWORD_LEN)
}

/// Reads the first line, without its end.
fn read_password(mut input: impl BufRead) -> Result<String> {
    let mut line = String::new();
    input
        .read_line(&mut line)
        .map_err(|e| Error::field("password", "standard input cannot be read").with_source(e))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line_as_it_stands() {
        let rows = [
            ("with_its_end", "secret\n", "secret"),
            ("without", "secret", "secret"),
            ("of_windows", "secret\r\n", "secret"),
            ("spaces_belong_to_it", "  two words \nmore", "  two words "),
            ("nothing", "", ""),
        ];
        for (name, input, expected) in rows {
            assert_eq!(read_password(input.as_bytes()).expect(name), expected, "{name}");
        }
    }
}
