//! One attempt to send a notification by a channel.

use std::time::Duration;

use super::Notifications;
use super::message::Notification;
use crate::auth::webhook_signature;
use crate::domain::http_request::HttpError;
use crate::domain::notification::{ChannelConfig, DeliveryFailure, Mail};
use crate::fetch::webhook::{WebhookRequest, WebhookResponse};

/// Time of one attempt, from the name look-up to the response.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest attempt to send an e-mail: servers greet late, and look into a message before they take it.
const MAIL_TIMEOUT: Duration = Duration::from_secs(30);

/// Header with the signature of the body.
const SIGNATURE: &str = "x-signature";
/// Header with the id of the delivery, which is the same in every attempt.
const DELIVERY_ID: &str = "x-delivery-id";

impl Notifications {
    /// Sends a notification once.
    ///
    /// # Errors
    /// Why it was not taken; neither the URL nor the secret is part of it.
    pub(super) async fn send(
        &self,
        config: &ChannelConfig,
        notification: Notification,
    ) -> Result<(), DeliveryFailure> {
        match config {
            ChannelConfig::Email { to } => {
                let Notification { id, subject, text, .. } = notification;
                let mail = Mail { to: to.clone(), subject, text, id: id.to_string() };
                self.mailer.send(&mail, MAIL_TIMEOUT).await
            }
            ChannelConfig::Webhook { url, secret } => {
                let signature = webhook_signature::sign(secret.expose(), notification.body.as_bytes());
                let headers = vec![(SIGNATURE, signature), (DELIVERY_ID, notification.id.to_string())];
                let (url, body) = (url.clone(), notification.body);
                let request = WebhookRequest { url, body, headers, timeout: ATTEMPT_TIMEOUT };
                check_response(self.fetcher.post(&request).await)
            }
        }
    }
}

/// Whether a receiver took a notification. What it did instead may be over at the next attempt.
fn check_response(answer: Result<WebhookResponse, HttpError>) -> Result<(), DeliveryFailure> {
    let reason = match answer {
        Ok(WebhookResponse { status: 200..=299, .. }) => return Ok(()),
        Ok(WebhookResponse { status, retry_after }) => {
            let failure = DeliveryFailure::temporary(format!("the receiver answered {status}"));
            return Err(DeliveryFailure { retry_after, ..failure });
        }
        Err(HttpError::NotAllowed) => {
            "the URL, or one that it redirects to, is not valid or its address is not allowed".to_owned()
        }
        Err(HttpError::Timeout) => {
            format!("the receiver took more than {} s", ATTEMPT_TIMEOUT.as_secs())
        }
        Err(HttpError::Unreachable(why)) => format!("the receiver cannot be reached: {why}"),
        Err(HttpError::Interrupted(why)) => format!("the connection to the receiver ended: {why}"),
        Err(HttpError::Malformed(why)) => format!("the receiver does not answer as HTTP does: {why}"),
    };
    Err(DeliveryFailure::temporary(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notification::RetryAfter;

    #[test]
    fn only_a_success_is_one_and_every_failure_may_be_over() {
        let response = |status| Ok(WebhookResponse { status, retry_after: Some(RetryAfter::Seconds(7)) });
        for status in [200, 202, 204, 299] {
            assert_eq!(check_response(response(status)), Ok(()));
        }
        let failure = check_response(response(503)).unwrap_err();
        assert_eq!(failure.retry_after, Some(RetryAfter::Seconds(7)));
        let failures = [
            (response(500), "the receiver answered 500"),
            (response(302), "the receiver answered 302"),
            (Err(HttpError::NotAllowed), "not allowed"),
            (Err(HttpError::Timeout), "more than 5 s"),
            (Err(HttpError::Unreachable("refused".to_owned())), "cannot be reached: refused"),
            (Err(HttpError::Interrupted("reset".to_owned())), "reset"),
            (Err(HttpError::Malformed("too many redirects".to_owned())), "too many redirects"),
        ];
        for (answer, part) in failures {
            let failure = check_response(answer).unwrap_err();
            assert!(failure.is_temporary && failure.reason.contains(part), "{failure:?}");
        }
    }
}
