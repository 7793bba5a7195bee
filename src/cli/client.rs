//! `basalt client create|list|revoke`.

use super::args::{ClientSubcommand, CreateClientArgs};
use super::print;
use super::target::{CommandTarget, DataDirMode};
use crate::app::client::{ClientCommand, ClientLine, ClientRequest};
use crate::app::control::{Command, CommandOutcome};
use crate::domain::Result;

/// Runs the command; the credentials of a new client are alone on standard output, all about them on standard error.
pub async fn run(command: ClientSubcommand) -> Result<()> {
    let (place, org, directory, command) = match command {
        ClientSubcommand::Create(args) => {
            let CreateClientArgs { api, name, user, role, org, place } = args;
            let request = ClientRequest { api, name, user, role };
            (place, org, DataDirMode::CreateIfMissing, ClientCommand::Create(request))
        }
        ClientSubcommand::List { org, place } => (place, org, DataDirMode::MustExist, ClientCommand::List),
        ClientSubcommand::Revoke { client_id, api, org, place } => {
            (place, org, DataDirMode::MustExist, ClientCommand::Revoke { api, client_id })
        }
    };
    let target = CommandTarget::open(&place, &org, directory).await?;
    let outcome = target.run(Command::Client { org: target.org(), command }).await;
    target.close().await?;
    show(outcome?)
}

fn show(outcome: CommandOutcome) -> Result<()> {
    match outcome {
        CommandOutcome::NewClient { client, secret } => {
            eprintln!(
                "client {} ({}) of {} may {}; its secret is shown this once:",
                client.client_id,
                client.name,
                client.api,
                describe_rights(&client)
            );
            print::line(&credentials(&client, &secret))
        }
        CommandOutcome::Client(client) => {
            print::line(&format!("client {} ({}) revoked", client.client_id, client.name))
        }
        CommandOutcome::Clients(clients) => {
            let rows: Vec<_> = clients.iter().map(to_row).collect();
            print::table(["CLIENT ID", "API", "NAME", "MAY", "ENABLED", "CREATED", "REVOKED"], &rows)
        }
        _ => Ok(()),
    }
}

/// The lines on standard output, under the names that the API gives them.
fn credentials(client: &ClientLine, secret: &str) -> String {
    match client.api.as_str() {
        "instathings" => format!("clientId={}\nclientSecret={secret}", client.client_id),
        "blynk" => format!("client_id={}\nclient_secret={secret}", client.client_id),
        // The key alone is the credential.
        _ => secret.to_owned(),
    }
}

fn to_row(client: &ClientLine) -> [String; 7] {
    [
        client.client_id.clone(),
        client.api.clone(),
        client.name.clone(),
        describe_rights(client),
        if client.enabled { "yes" } else { "no" }.to_owned(),
        client.created_at.clone(),
        client.revoked_at.clone().unwrap_or_else(|| "never".to_owned()),
    ]
}

fn describe_rights(client: &ClientLine) -> String {
    let role = client.role.clone().unwrap_or_else(|| "everything".to_owned());
    match &client.user {
        Some(user) => format!("{role} (as {user})"),
        None if client.user_scoped => format!("{role} (as any user)"),
        None => role,
    }
}
