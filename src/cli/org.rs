//! `basalt org create|list`.

use super::args::{InOrg, Org};
use super::door::{Directory, Door};
use super::print;
use crate::app::control::{Command, Outcome};
use crate::domain::Result;

pub async fn run(command: Org) -> Result<()> {
    let (place, directory, command) = match command {
        Org::Create { slug, name, place } => (place, Directory::MayBeNew, Command::CreateOrg { slug, name }),
        Org::List { place } => (place, Directory::MustExist, Command::ListOrgs),
    };
    let door = Door::open(&place, &InOrg { org: None }, directory).await?;
    let outcome = door.run(command).await;
    door.close().await?;
    show(outcome?)
}

fn show(outcome: Outcome) -> Result<()> {
    match outcome {
        Outcome::Orgs(orgs) => {
            let rows: Vec<_> = orgs.into_iter().map(|o| [o.id.to_string(), o.slug, o.name]).collect();
            print::table(["ID", "SLUG", "NAME"], &rows)
        }
        Outcome::Org(org) => print::line(&format!("organization {} created (id {})", org.slug, org.id)),
        _ => Ok(()),
    }
}
