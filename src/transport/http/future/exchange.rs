//! One question to a server, with all that it takes: a token, another try, an end to it all.
//!
//! The rules are elsewhere (`auth`, `retry`, `status`, `framing`, `pace`); here they meet reqwest.

use std::{
    future::Future,
    time::{Duration, Instant, SystemTime},
};

use reqwest::{RequestBuilder, Response};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{
    AsyncHttpTransport,
    failure::{broken, unanswered},
};
use crate::transport::auth::{Attempt, Next, TokenRequest};
use crate::transport::http::{
    TransportError,
    ask::{Ask, MAX_REFUSAL, Method},
    framing::{self, Unfit},
    pace::Pace,
    retry::{Failed, Schedule},
    status::Refusal,
};

impl AsyncHttpTransport {
    /// The body of a 200; otherwise why there is none.
    pub(super) async fn ask(&self, ask: &Ask<'_>) -> Result<Vec<u8>, TransportError> {
        let reply = self.until_answered(ask, true);
        self.within_total(ask, reply).await
    }

    /// The same where a 200 says all, and words that follow can't undo it.
    pub(super) async fn tell(&self, ask: &Ask<'_>) -> Result<(), TransportError> {
        let reply = self.until_answered(ask, false);
        self.within_total(ask, reply).await.map(drop)
    }

    async fn within_total<T>(
        &self,
        ask: &Ask<'_>,
        reply: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        check_runtime()?;
        let late = |_| TransportError::Timeout { what: ask.what.to_owned(), phase: "request" };
        timeout(self.timeouts.total, reply).await.map_err(late)?
    }

    async fn until_answered(&self, ask: &Ask<'_>, strictly: bool) -> Result<Vec<u8>, TransportError> {
        let begun = Instant::now();
        let deadline = begun.checked_add(self.timeouts.total).unwrap_or(begun);
        let mut schedule = Schedule::new(self.retries);
        loop {
            let failed = match self.ask_once(ask, strictly).await {
                Ok(body) => return Ok(body),
                Err(failed) => failed,
            };
            let pause = schedule.pause(failed, ask.method, deadline)?;
            tokio::time::sleep(pause).await;
        }
    }

    /// With whatever the server wants to see.
    async fn ask_once(&self, ask: &Ask<'_>, strictly: bool) -> Result<Vec<u8>, Failed> {
        let mut attempt = self.auth.attempt(ask.access);
        loop {
            let header = match self.auth.next(&mut attempt, SystemTime::now()) {
                Next::Send(header) => header,
                Next::Token(request) => {
                    self.fetch_token(&mut attempt, &request).await?;
                    continue;
                }
            };
            let what = format!("{} from {}", ask.what, self.routes.server());
            let reply = self.send(self.request(ask, header.as_ref()), &what, ask.body.len()).await?;
            if reply.status() == 401 {
                let challenges = reply.headers().get_all("www-authenticate");
                if self.auth.is_challenged(&mut attempt, challenges.iter().map(|it| it.as_bytes()))? {
                    // Read to its end, so that the connection can be used again.
                    self.read_leniently(reply, ask.what).await;
                    continue;
                }
            }
            return self.accept(reply, ask, strictly).await;
        }
    }

    fn request(&self, ask: &Ask<'_>, authorization: Option<&Zeroizing<String>>) -> RequestBuilder {
        let mut request = match ask.method {
            Method::Get => self.client.get(ask.url),
            Method::Delete => self.client.delete(ask.url),
            Method::Post if ask.body.is_empty() => self.client.post(ask.url).header("Content-Length", "0"),
            Method::Post => self.client.post(ask.url).body(ask.body.to_vec()),
        };
        if ask.is_fresh {
            request = request.header("Cache-Control", "no-cache");
        }
        if !ask.content_type.is_empty() {
            request = request.header("Content-Type", ask.content_type);
        }
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization.as_str());
        }
        request
    }

    /// The head of the reply, from where it was asked for.
    async fn send(&self, request: RequestBuilder, what: &str, length: usize) -> Result<Response, Failed> {
        let (client, request) = request.header("Accept-Encoding", "identity").build_split();
        let request = request.map_err(|e| unanswered(what, &e))?;
        let asked = request.url().clone();
        // The library does not say when the connection stands or the upload is through.
        let upload = if length == 0 { Some(Duration::ZERO) } else { self.timeouts.longest(length) };
        let limit = self.timeouts.connect.saturating_add(self.timeouts.response);
        let limit = upload.map_or(self.timeouts.total, |upload| limit.saturating_add(upload));
        let late = |_| TransportError::Timeout { what: what.to_owned(), phase: "response" };
        let reply = timeout(limit, client.execute(request)).await.map_err(late)?;
        let reply = reply.map_err(|e| unanswered(what, &e))?;
        match *reply.url() == asked {
            true => Ok(reply),
            false => {
                let reason = format!(
                    "the answer comes from {} by a redirect",
                    reply.url().origin().ascii_serialization()
                );
                Err(TransportError::Connection { what: what.to_owned(), reason }.into())
            }
        }
    }

    async fn accept(&self, reply: Response, ask: &Ask<'_>, strictly: bool) -> Result<Vec<u8>, Failed> {
        let status = reply.status().as_u16();
        if status == 200 && strictly {
            return Ok(self.read(reply, ask.what, ask.max).await?);
        }
        let retry_after =
            reply.headers().get("retry-after").and_then(|it| it.to_str().ok()).map(str::to_owned);
        // What a refusal says is a hint; that it can't be read changes nothing.
        let words = self.read_leniently(reply, ask.what).await;
        match status {
            200 => Ok(words),
            _ => Err((ask.meaning)(Refusal::new(ask.what, status, retry_after.as_deref(), &words)).into()),
        }
    }

    async fn fetch_token(&self, attempt: &mut Attempt, request: &TokenRequest) -> Result<(), Failed> {
        let (what, asked) = (request.what(), SystemTime::now());
        let client = self.token_client(request.url())?;
        let (ask, length) = match request.form() {
            Some(form) => {
                let post = client.post(request.url().clone());
                let post = post.header("Content-Type", "application/x-www-form-urlencoded");
                (post.body(form.to_owned()), form.len())
            }
            None => {
                let get = client.get(request.url().clone());
                (request.authorization().into_iter().fold(get, |get, it| get.header("Authorization", it)), 0)
            }
        };
        let reply = self.send(ask, &what, length).await?;
        let status = reply.status().as_u16();
        let body = match status {
            200 => self.read(reply, &what, TokenRequest::MAX_REPLY).await?,
            _ => self.read_leniently(reply, &what).await,
        };
        Ok(self.auth.accept(attempt, request, asked, status, &Zeroizing::new(body))?)
    }

    /// A whole body of at most `max` bytes.
    async fn read(&self, mut reply: Response, what: &str, max: u64) -> Result<Vec<u8>, TransportError> {
        let length = framing::announced(reply.headers(), reply.version());
        let length = length.map_err(|why| Unfit::Framing(why).explain(what, max))?;
        if length.is_some_and(|length| length > max) {
            return Err(Unfit::TooLarge.explain(what, max));
        }
        let mut content = Vec::new();
        let outcome = self.read_into(&mut content, &mut reply, what, max).await;
        content.shrink_to_fit();
        outcome.map(|()| content)
    }

    /// What can be read of a refusal.
    async fn read_leniently(&self, mut reply: Response, what: &str) -> Vec<u8> {
        let mut content = Vec::new();
        if framing::announced(reply.headers(), reply.version()).is_ok() {
            let _ = self.read_into(&mut content, &mut reply, what, MAX_REFUSAL).await;
        }
        content
    }

    async fn read_into(
        &self,
        content: &mut Vec<u8>,
        reply: &mut Response,
        what: &str,
        max: u64,
    ) -> Result<(), TransportError> {
        let late = || TransportError::Timeout { what: what.to_owned(), phase: "body" };
        let mut pace = Pace::new(&self.timeouts);
        loop {
            let begun = Instant::now();
            let chunk = timeout(pace.patience(), reply.chunk()).await.map_err(|_| late())?;
            let Some(chunk) = chunk.map_err(|e| broken(what, &e))? else { return Ok(()) };
            pace.account(chunk.len(), begun.elapsed()).map_err(|_| late())?;
            let total = content.len().saturating_add(chunk.len());
            if u64::try_from(total).map_or(true, |total| total > max) {
                return Err(Unfit::TooLarge.explain(what, max));
            }
            content.extend_from_slice(&chunk);
        }
    }
}

/// reqwest and tokio's clock panic without a runtime.
pub(super) fn check_runtime() -> Result<(), TransportError> {
    let missing =
        |_| TransportError::Config("the asynchronous HTTP transport needs a tokio runtime".to_owned());
    tokio::runtime::Handle::try_current().map(drop).map_err(missing)
}
