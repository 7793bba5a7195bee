//! `basalt user create`.

use std::io::BufRead;

use super::args::User;
use super::door::{Directory, Door};
use super::print;
use crate::app::access::UserRequest;
use crate::app::control::{Command, Outcome};
use crate::auth::key::random_text;
use crate::domain::{Error, Result};

/// 20 letters and digits: 119 bits.
const PASSWORD_LEN: usize = 20;

pub async fn run(command: User) -> Result<()> {
    let User::Create { name, staff, superuser, password_stdin, org, place } = command;
    let (password, is_made_up) = match password_stdin {
        true => (read_password(std::io::stdin().lock())?, false),
        false => (make_password(), true),
    };
    let door = Door::open(&place, &org, Directory::MayBeNew).await?;
    let user = UserRequest { name, password: password.clone(), is_staff: staff, is_superuser: superuser };
    let outcome = door.run(Command::CreateUser { org: door.org(), user }).await;
    door.close().await?;
    if let Outcome::User(user) = outcome? {
        print::line(&format!("user {} created (id {})", user.name, user.id))?;
        if is_made_up {
            print::line(&format!("password, shown this once: {password}"))?;
        }
    }
    Ok(())
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
