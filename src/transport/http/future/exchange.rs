//! One question to a server, with all that it takes: a token, another try, an end to it all.
//!
//! The rules are elsewhere (`auth`, `retry`, `status`, `framing`, `pace`); here they meet reqwest.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use reqwest::{Client, RequestBuilder, Response};
use tokio::time::timeout;
use url::Url;
use zeroize::Zeroizing;

use super::{client::Own, failure::unanswered, stream::Stream};
use crate::transport::{
    BoxFuture,
    auth::{Attempt, Authenticator, Next, TokenRequest},
    http::{
        Retries, Timeouts, TransportError,
        ask::{Ask, MAX_REFUSAL, Method},
        redirect::{Hops, Redirects},
        retry::{Failed, Schedule},
        settings::Settings,
        status::Refusal,
    },
};

/// Asks one server. Connections are kept and reused; clones share them.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) client: Client,
    /// None for a client of the caller's.
    pub(super) own: Option<Arc<Own>>,
    pub(super) settings: Arc<Settings>,
    /// The server, for messages.
    server: String,
    pub(super) timeouts: Timeouts,
    retries: Retries,
    pub(super) auth: Arc<Authenticator>,
    redirects: Redirects,
}

impl Exchange {
    /// `repository` is what tokens are asked for.
    pub(super) fn new(
        client: Client,
        own: Option<Arc<Own>>,
        settings: Arc<Settings>,
        server: &str,
        repository: &str,
        redirects: Redirects,
    ) -> Result<Self, TransportError> {
        let auth = Arc::new(settings.authenticator(repository)?);
        let (timeouts, retries) = (settings.timeouts.bounded(), settings.retries);
        Ok(Self { client, own, settings, server: server.to_owned(), timeouts, retries, auth, redirects })
    }

    /// The same for another URL on the same server.
    pub(super) fn for_same(&self, server: &str) -> Self {
        Self { server: server.to_owned(), ..self.clone() }
    }

    /// The body of a 200; otherwise why there is none.
    pub(super) async fn ask(&self, ask: &Ask<'_>) -> Result<Vec<u8>, TransportError> {
        self.until_answered(ask, |deadline| async move {
            let reply = self.ask_once(ask, deadline).await?;
            Ok(self.read(reply, ask.what, ask.max, deadline).await?)
        })
        .await
    }

    /// The same, as it comes.
    pub(super) async fn open(&self, ask: &Ask<'_>) -> Result<Stream, TransportError> {
        self.until_answered(ask, |deadline| async move {
            let reply = self.ask_once(ask, deadline).await?;
            Ok(Stream::new(reply, ask.what, ask.max, &self.timeouts, deadline)?)
        })
        .await
    }

    /// Where a 200 says all, and words that follow can't undo it.
    pub(super) async fn tell(&self, ask: &Ask<'_>) -> Result<(), TransportError> {
        self.until_answered(ask, |deadline| async move {
            let reply = self.ask_once(ask, deadline).await?;
            self.read_leniently(reply, ask.what, deadline).await;
            Ok(())
        })
        .await
    }

    async fn until_answered<T, F>(
        &self,
        ask: &Ask<'_>,
        once: impl Fn(Instant) -> F,
    ) -> Result<T, TransportError>
    where
        F: Future<Output = Result<T, Failed>>,
    {
        check_runtime()?;
        let begun = Instant::now();
        let deadline = begun.checked_add(self.timeouts.total).unwrap_or(begun);
        let mut schedule = Schedule::new(self.retries);
        let answer = async {
            loop {
                let failed = match once(deadline).await {
                    Ok(answer) => return Ok(answer),
                    Err(failed) => failed,
                };
                let pause = schedule.pause(failed, ask.method, deadline)?;
                tokio::time::sleep(pause).await;
            }
        };
        let late = |_| TransportError::Timeout { what: ask.what.to_owned(), phase: "request" };
        timeout(self.timeouts.total, answer).await.map_err(late)?
    }

    /// The head of a 200, wherever the server leads, if that is followed.
    async fn ask_once(&self, ask: &Ask<'_>, deadline: Instant) -> Result<Response, Failed> {
        let mut reply = self.ask_home(ask, deadline).await?;
        let mut hops = Hops::new(self.redirects, ask.url, ask.what)?;
        loop {
            let location = reply.headers().get("location").map(|it| it.as_bytes());
            let Some(next) = hops.next(reply.status().as_u16(), location)?.cloned() else {
                return self.accept(reply, ask, deadline).await;
            };
            let status = reply.status().as_u16();
            self.read_leniently(reply, ask.what, deadline).await;
            reply = match hops.is_home() {
                true => self.ask_home(&Ask { url: next.as_str(), ..*ask }, deadline).await?,
                false => self.ask_elsewhere(&next, status, ask).await?,
            };
        }
    }

    /// With whatever the server wants to see.
    async fn ask_home(&self, ask: &Ask<'_>, deadline: Instant) -> Result<Response, Failed> {
        let mut attempt = self.auth.attempt(ask.access);
        loop {
            let header = match self.auth.next(&mut attempt, SystemTime::now()) {
                Next::Send(header) => header,
                Next::Token(request) => {
                    self.fetch_token(&mut attempt, &request, deadline).await?;
                    continue;
                }
            };
            let what = format!("{} from {}", ask.what, self.server);
            let reply = self.send(self.request(ask, header.as_ref()), &what, ask.body.len()).await?;
            if reply.status() == 401 {
                let challenges = reply.headers().get_all("www-authenticate");
                if self.auth.is_challenged(&mut attempt, challenges.iter().map(|it| it.as_bytes()))? {
                    self.read_leniently(reply, ask.what, deadline).await;
                    continue;
                }
            }
            return Ok(reply);
        }
    }

    /// At another server than ours, which learns nothing of us. What a client of the caller's would tell
    /// it we can't know.
    async fn ask_elsewhere(&self, url: &Url, status: u16, ask: &Ask<'_>) -> Result<Response, Failed> {
        if self.own.is_none() {
            let why = "it leads to another server, which is not asked with the caller's own client";
            let (what, message) = (ask.what.to_owned(), format!("the redirect is not followed: {why}"));
            let error = TransportError::Status { what, status, message, retry_after: None };
            return Err(Failed { error, passes: false });
        }
        let what = format!("{} from {}", ask.what, url.origin().ascii_serialization());
        let mut request = self.client_for(url, &what)?.get(url.clone());
        if ask.is_fresh {
            request = request.header("Cache-Control", "no-cache");
        }
        self.send(request, &what, 0).await
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

    async fn accept(&self, reply: Response, ask: &Ask<'_>, deadline: Instant) -> Result<Response, Failed> {
        let status = reply.status().as_u16();
        if status == 200 {
            return Ok(reply);
        }
        let retry_after =
            reply.headers().get("retry-after").and_then(|it| it.to_str().ok()).map(str::to_owned);
        // What a refusal says is a hint; that it can't be read changes nothing.
        let words = self.read_leniently(reply, ask.what, deadline).await;
        Err((ask.meaning)(Refusal::new(ask.what, status, retry_after.as_deref(), &words)).into())
    }

    async fn fetch_token(
        &self,
        attempt: &mut Attempt,
        request: &TokenRequest,
        deadline: Instant,
    ) -> Result<(), Failed> {
        let (what, asked) = (request.what(), SystemTime::now());
        let client = self.client_for(request.url(), "a token")?;
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
            200 => self.read(reply, &what, TokenRequest::MAX_REPLY, deadline).await?,
            _ => self.read_leniently(reply, &what, deadline).await,
        };
        Ok(self.auth.accept(attempt, request, asked, status, &Zeroizing::new(body))?)
    }

    /// A whole body of at most `max` bytes.
    async fn read(
        &self,
        reply: Response,
        what: &str,
        max: u64,
        deadline: Instant,
    ) -> Result<Vec<u8>, TransportError> {
        let mut stream = Stream::new(reply, what, max, &self.timeouts, deadline)?;
        let mut content = Vec::new();
        while let Some(chunk) = stream.next().await? {
            content.extend_from_slice(&chunk);
        }
        content.shrink_to_fit();
        Ok(content)
    }

    /// What can be read of a reply whose body decides nothing; to its end, so that the connection can
    /// be used again.
    async fn read_leniently(&self, reply: Response, what: &str, deadline: Instant) -> Vec<u8> {
        let mut content = Vec::new();
        if let Ok(mut stream) = Stream::new(reply, what, MAX_REFUSAL, &self.timeouts, deadline) {
            while let Ok(Some(chunk)) = stream.next().await {
                content.extend_from_slice(&chunk);
            }
        }
        content
    }
}

/// Waits on the runtime's clock where there is one.
pub(super) fn sleep(time: Duration) -> BoxFuture<'static, ()> {
    match check_runtime() {
        Ok(()) => Box::pin(tokio::time::sleep(time)),
        Err(_) => crate::transport::sleep(time),
    }
}

/// reqwest and tokio's clock panic without a runtime.
fn check_runtime() -> Result<(), TransportError> {
    let missing =
        |_| TransportError::Config("the asynchronous HTTP transport needs a tokio runtime".to_owned());
    tokio::runtime::Handle::try_current().map(drop).map_err(missing)
}
