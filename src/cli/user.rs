//! `basalt user create|list|passwd|role|enable|disable|delete`.

use std::io::BufRead;

use super::args::{InOrg, Person, Place, User};
use super::door::{Directory, Door};
use super::print;
use crate::app::control::{Command, Outcome, UserLine};
use crate::app::user::{UserCommand, UserRequest};
use crate::auth::key::random_text;
use crate::domain::{Error, Result};

/// 20 letters and digits: 119 bits.
const PASSWORD_LEN: usize = 20;

/// What is to be done, where, and what to say of it.
struct Asked {
    place: Place,
    org: InOrg,
    directory: Directory,
    command: UserCommand,
    /// What became of the person.
    done: &'static str,
    /// A password that was made up here: to be shown.
    made_up: Option<String>,
}

pub async fn run(command: User) -> Result<()> {
    let Asked { place, org, directory, command, done, made_up } = read(command)?;
    let door = Door::open(&place, &org, directory).await?;
    let outcome = door.run(Command::User { org: door.org(), command }).await;
    door.close().await?;
    match outcome? {
        Outcome::User(user) => {
            print::line(&format!("user {} {done} (id {})", user.name, user.id))?;
            match made_up {
                Some(password) => print::line(&format!("password, shown this once: {password}")),
                None => Ok(()),
            }
        }
        Outcome::Users(users) => {
            let rows: Vec<_> = users.iter().map(to_row).collect();
            print::table(["ID", "NAME", "STAFF", "SUPERUSER", "ENABLED", "CREATED"], &rows)
        }
        _ => Ok(()),
    }
}

fn read(command: User) -> Result<Asked> {
    let about = |person: Person, done, command: fn(String) -> UserCommand| {
        let Person { name, org, place } = person;
        let command = command(name);
        Asked { place, org, directory: Directory::MustExist, command, done, made_up: None }
    };
    Ok(match command {
        User::Create { name, staff, superuser, password_stdin, org, place } => {
            let (password, made_up) = password(password_stdin)?;
            let user = UserRequest { name, password, is_staff: staff, is_superuser: superuser };
            let command = UserCommand::Create(user);
            Asked { place, org, directory: Directory::MayBeNew, command, done: "created", made_up }
        }
        User::List { org, place } => {
            let (directory, command) = (Directory::MustExist, UserCommand::List);
            Asked { place, org, directory, command, done: "", made_up: None }
        }
        User::Passwd { name, password_stdin, org, place } => {
            let (password, made_up) = password(password_stdin)?;
            let command = UserCommand::SetPassword { name, password };
            let done = "has another password";
            Asked { place, org, directory: Directory::MustExist, command, done, made_up }
        }
        User::Role { name, staff, superuser, org, place } => {
            let command = UserCommand::SetRole { name, is_staff: staff, is_superuser: superuser };
            let done = match (staff, superuser) {
                (_, true) => "is a superuser",
                (true, false) => "is of staff",
                (false, false) => "may not log in",
            };
            Asked { place, org, directory: Directory::MustExist, command, done, made_up: None }
        }
        User::Enable(person) => {
            about(person, "enabled", |name| UserCommand::Enable { name, is_enabled: true })
        }
        User::Disable(person) => {
            about(person, "disabled", |name| UserCommand::Enable { name, is_enabled: false })
        }
        User::Delete(person) => about(person, "deleted", |name| UserCommand::Delete { name }),
    })
}

fn to_row(user: &UserLine) -> [String; 6] {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let (staff, superuser, enabled) = (yes(user.is_staff), yes(user.is_superuser), yes(user.enabled));
    [user.id.to_string(), user.name.clone(), staff, superuser, enabled, user.created_at.clone()]
}

/// The password, and again when it was made up.
fn password(from_stdin: bool) -> Result<(String, Option<String>)> {
    if from_stdin {
        return Ok((read_password(std::io::stdin().lock())?, None));
    }
    let made_up = make_password();
    Ok((made_up.clone(), Some(made_up)))
}

pub fn make_password() -> String {
    random_text(PASSWORD_LEN)
}

/// The first line, without its end.
fn read_password(mut input: impl BufRead) -> Result<String> {
    let mut line = String::new();
    input
        .read_line(&mut line)
        .map_err(|e| Error::field("password", "standard input cannot be read").because(e))?;
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
