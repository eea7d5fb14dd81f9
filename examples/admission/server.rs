//! The webhook over HTTP. Every way out that is not "all images are pinned" is a refusal.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::time::timeout;

use crate::{
    judge::Judge,
    review::{self, Review},
};

/// Largest request: twice an object of etcd's limit of 1.5 MiB, and something for the rest.
const MAX_BODY: usize = 4 << 20;

/// What a handler needs.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub judge: Arc<Judge>,
    /// For a request to come in, and again for the answer to be found.
    pub patience: Duration,
}

/// `POST /admit` and `GET /healthz`.
pub fn router(webhook: Webhook) -> Router {
    let router = Router::new().route("/admit", post(admit));
    router.route("/healthz", get(|| async { "ok" })).with_state(webhook)
}

async fn admit(State(webhook): State<Webhook>, request: Request) -> Response {
    let is_json = request.headers().get(header::CONTENT_TYPE).is_some_and(|it| it == "application/json");
    if !is_json {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "application/json expected").into_response();
    }
    let body = match timeout(webhook.patience, to_bytes(request.into_body(), MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return (StatusCode::PAYLOAD_TOO_LARGE, "too long, or it broke off").into_response(),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "the request is too slow").into_response(),
    };
    match review::read(&body) {
        Ok(review) => answer(&webhook, review).await,
        Err(reason) => (StatusCode::BAD_REQUEST, reason).into_response(),
    }
}

async fn answer(webhook: &Webhook, Review { uid, images }: Review) -> Response {
    let judged = match images {
        Ok(places) => timeout(webhook.patience, Arc::clone(&webhook.judge).pin_all(places)).await,
        Err(reason) => Ok(Err(format!("OBJECT: {reason}"))),
    };
    let judged = judged.unwrap_or_else(|_| Err("TIMEOUT: no answer in time".to_owned()));
    let answer = match &judged {
        Ok(pinned) => review::allow(&uid, pinned),
        Err(reason) => review::refuse(&uid, reason),
    };
    // Texts of others may not begin a line of their own.
    eprintln!("{:?} {:?}", uid, judged.as_ref().map_or_else(|reason| reason.as_str(), |_| "allowed"));
    ([(header::CONTENT_TYPE, "application/json")], Bytes::from(answer.to_string())).into_response()
}
