//! E-mails as a mail server gets them.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Recipients of each e-mail that a server took.
type TakenMails = Arc<Mutex<Vec<Vec<String>>>>;

fn mail() -> Mail {
    Mail {
        to: vec!["ops@plant.example".to_owned(), "night@plant.example".to_owned()],
        subject: "Kessel zu heiß\r\nBcc: x@y.z".to_owned(),
        text: "80 °C\n".to_owned(),
        id: "6a0".to_owned(),
    }
}

fn settings() -> SmtpSettings {
    SmtpSettings {
        host: Some("127.0.0.1".to_owned()),
        from: Some("basalt@plant.example".to_owned()),
        ..SmtpSettings::default()
    }
}

#[test]
fn a_mail_has_its_headers_and_no_others() {
    let written = Mailer::new(settings()).message(&mail()).unwrap().formatted();
    let written = String::from_utf8(written).unwrap();
    for line in [
        "From: basalt@plant.example\r\n",
        "To: ops@plant.example, night@plant.example\r\n",
        "Message-ID: <6a0@plant.example>\r\n",
    ] {
        assert!(written.contains(line), "{line} in {written}");
    }
    assert!(!written.contains("\nBcc:"), "{written}");
}

#[tokio::test]
async fn without_a_server_it_says_so_and_a_closed_port_may_open() {
    let limit = Duration::from_secs(30);
    let none = Mailer::new(SmtpSettings::default()).send(&mail(), limit).await.unwrap_err();
    assert!(!none.is_temporary && none.reason.contains("smtp.host"), "{none:?}");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for security in SmtpSecurity::ALL {
        let closed = SmtpSettings { port: Some(port), security, ..settings() };
        let failure = Mailer::new(closed).send(&mail(), limit).await.unwrap_err();
        assert!(failure.is_temporary && failure.reason.starts_with("the mail server: "), "{failure:?}");
    }
}

/// A mail server that refuses recipients whose address begins with `bad`, and puts off those with `grey`. Returns its port.
async fn mail_server(mails: TakenMails) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve_mail(BufReader::new(stream), &mails).await;
        }
    });
    port
}

async fn serve_mail(mut stream: BufReader<TcpStream>, mails: &TakenMails) {
    let (mut to, mut is_data, mut reply) = (Vec::new(), false, Some("220 mail"));
    loop {
        if let Some(reply) = reply.take() {
            stream.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap();
        }
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let recipient = line.trim_end().strip_prefix("RCPT TO:<").map(|rest| rest.trim_end_matches('>'));
        reply = match (is_data, line.trim_end(), recipient) {
            (true, ".", _) => {
                mails.lock().push(std::mem::take(&mut to));
                is_data = false;
                Some("250 taken")
            }
            (true, ..) => None,
            (_, "QUIT", _) => return stream.write_all(b"221 bye\r\n").await.unwrap(),
            (_, "DATA", _) => {
                is_data = true;
                Some("354 go on")
            }
            (.., Some(address)) if address.starts_with("bad") => Some("550 no such user"),
            (.., Some(address)) if address.starts_with("grey") => Some("451 come back later"),
            (.., Some(address)) => {
                to.push(address.to_owned());
                Some("250 fine")
            }
            _ => Some("250 fine"),
        };
    }
}

#[tokio::test]
async fn a_recipient_that_is_refused_keeps_the_mail_from_no_other_and_nobody_gets_it_twice() {
    let mails = TakenMails::default();
    let port = Some(mail_server(Arc::clone(&mails)).await);
    let mailer = Mailer::new(SmtpSettings { port, security: SmtpSecurity::None, ..settings() });
    let limit = Duration::from_secs(30);
    let to = |names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("{name}@plant.example")).collect()
    };
    mailer.send(&Mail { to: to(&["ops", "night"]), ..mail() }, limit).await.unwrap();
    assert_eq!(mails.lock().split_off(0), [["ops@plant.example", "night@plant.example"]]);
    let some = Mail { to: to(&["ops", "bad", "grey", "night"]), id: "7b1".to_owned(), ..mail() };
    for nth in 0..2 {
        let failure = mailer.send(&some, limit).await.unwrap_err();
        assert!(failure.is_temporary && failure.is_deferred, "{failure:?}");
        let expected = "the mail server refused 2 of 4 recipients; bad@plant.example: permanent error (550)";
        assert!(failure.reason.starts_with(expected), "{failure:?}");
        let taken = mails.lock().split_off(0);
        let each = [vec!["ops@plant.example"], vec!["night@plant.example"]];
        assert_eq!(taken, if nth == 0 { each.to_vec() } else { Vec::new() });
    }
    for (name, is_deferred) in [("bad", false), ("grey", true)] {
        let alone = Mail { to: to(&[name]), ..mail() };
        let failure = mailer.send(&alone, limit).await.unwrap_err();
        assert_eq!((failure.is_temporary, failure.is_deferred), (true, is_deferred), "{failure:?}");
    }
}
