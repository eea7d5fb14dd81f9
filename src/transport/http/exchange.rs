//! One question to a server, with all that it takes: a token, another try, an end to it all.
//!
//! The rules are elsewhere (`auth`, `retry`, `status`); here they meet ureq.

use std::{
    io, thread,
    time::{Instant, SystemTime},
};

use ureq::{Timeout, http::Response};
use url::Url;
use zeroize::Zeroizing;

use super::{
    TransportError,
    agent::{Client, ureq_proxy},
    ask::{Ask, MAX_REFUSAL, Method},
    blocking::read_whole,
    body::Body,
    redirect::Hops,
    retry::{self, Failed, Schedule},
    status::{Refusal, shorten},
    tls,
};
use crate::transport::auth::{Attempt, Next, TokenRequest};

type Reply = Result<Response<ureq::Body>, ureq::Error>;

impl Client {
    /// The body of a 200; otherwise why there is none.
    pub(super) fn ask(&self, ask: &Ask<'_>) -> Result<Body, TransportError> {
        let begun = Instant::now();
        let deadline = begun.checked_add(self.timeouts.total).unwrap_or(begun);
        let mut schedule = Schedule::new(self.retries);
        loop {
            let failed = match self.ask_once(ask, deadline) {
                Ok(body) => return Ok(body),
                Err(failed) => failed,
            };
            let pause = schedule.pause(failed, ask.method, deadline)?;
            thread::sleep(pause);
        }
    }

    /// Wherever the server leads, if that is followed.
    fn ask_once(&self, ask: &Ask<'_>, deadline: Instant) -> Result<Body, Failed> {
        let mut reply = self.ask_home(ask, deadline)?;
        let mut hops = Hops::new(self.redirects, ask.url, ask.what)?;
        loop {
            let location = reply.headers().get("location").map(|it| it.as_bytes());
            let Some(next) = hops.next(reply.status().as_u16(), location)?.cloned() else {
                return Ok(self.accept(reply, ask)?);
            };
            self.discard(reply);
            let next_ask = Ask { url: next.as_str(), ..*ask };
            reply = match hops.is_home() {
                true => self.ask_home(&next_ask, deadline)?,
                false => self.ask_elsewhere(&next, ask, deadline)?,
            };
        }
    }

    /// With whatever the server wants to see.
    fn ask_home(&self, ask: &Ask<'_>, deadline: Instant) -> Result<Response<ureq::Body>, Failed> {
        let mut attempt = self.auth.attempt(ask.access);
        loop {
            let header = match self.auth.next(&mut attempt, SystemTime::now()) {
                Next::Send(header) => header,
                Next::Token(request) => {
                    self.fetch_token(&mut attempt, &request, deadline)?;
                    continue;
                }
            };
            let what = format!("{} from {}", ask.what, self.server);
            let reply = self.send(ask, header.as_ref(), deadline).map_err(|e| unanswered(&what, &e))?;
            if reply.status() == 401 {
                let challenges = reply.headers().get_all("www-authenticate");
                if self.auth.is_challenged(&mut attempt, challenges.iter().map(|it| it.as_bytes()))? {
                    self.discard(reply);
                    continue;
                }
            }
            return Ok(reply);
        }
    }

    /// At another server than ours, which learns nothing of us.
    fn ask_elsewhere(
        &self,
        url: &Url,
        ask: &Ask<'_>,
        deadline: Instant,
    ) -> Result<Response<ureq::Body>, Failed> {
        let what = format!("{} from {}", ask.what, url.origin().ascii_serialization());
        let proxy = self.proxies.on_the_way(url)?.map(ureq_proxy).transpose()?;
        let left = Some(deadline.saturating_duration_since(Instant::now()));
        let mut request = self.agent.get(url.as_str()).config().proxy(proxy).timeout_global(left).build();
        if ask.is_fresh {
            request = request.header("Cache-Control", "no-cache");
        }
        request.call().map_err(|e| unanswered(&what, &e))
    }

    /// Reads a reply to its end, so that the connection can be used again.
    fn discard(&self, reply: Response<ureq::Body>) {
        let (head, body) = reply.into_parts();
        let _ = Body::new(&head, body, MAX_REFUSAL, &self.timeouts).map(Body::read_leniently);
    }

    fn send(&self, ask: &Ask<'_>, authorization: Option<&Zeroizing<String>>, deadline: Instant) -> Reply {
        let left = Some(deadline.saturating_duration_since(Instant::now()));
        let authorization = authorization.map(|header| ("Authorization", header.as_str()));
        match ask.method {
            Method::Post => {
                let limit = self.timeouts.longest(ask.body.len());
                let mut request = self.agent.post(ask.url).config();
                request = request.timeout_send_body(limit).timeout_global(left);
                let mut request = request.build();
                if !ask.content_type.is_empty() {
                    request = request.header("Content-Type", ask.content_type);
                }
                if let Some((name, value)) = authorization {
                    request = request.header(name, value);
                }
                if ask.body.is_empty() { request.send_empty() } else { request.send(ask.body) }
            }
            Method::Get | Method::Delete => {
                let is_get = ask.method == Method::Get;
                let request = if is_get { self.agent.get(ask.url) } else { self.agent.delete(ask.url) };
                let mut request = request.config().timeout_global(left).build();
                if ask.is_fresh {
                    request = request.header("Cache-Control", "no-cache");
                }
                if let Some((name, value)) = authorization {
                    request = request.header(name, value);
                }
                request.call()
            }
        }
    }

    fn accept(&self, reply: Response<ureq::Body>, ask: &Ask<'_>) -> Result<Body, TransportError> {
        let (head, body) = reply.into_parts();
        let status = head.status.as_u16();
        let body = Body::new(&head, body, if status == 200 { ask.max } else { MAX_REFUSAL }, &self.timeouts);
        if status == 200 {
            return body.map_err(|unfit| unfit.explain(ask.what, ask.max));
        }
        // What a refusal says is a hint; that it can't be read changes nothing.
        let words = body.map(Body::read_leniently).unwrap_or_default();
        let retry_after = head.headers.get("retry-after").and_then(|it| it.to_str().ok());
        Err((ask.meaning)(Refusal::new(ask.what, status, retry_after, &words)))
    }

    fn fetch_token(
        &self,
        attempt: &mut Attempt,
        request: &TokenRequest,
        deadline: Instant,
    ) -> Result<(), Failed> {
        let (what, asked) = (request.what(), SystemTime::now());
        let proxy = self.proxies.on_the_way(request.url())?.map(ureq_proxy).transpose()?;
        let left = Some(deadline.saturating_duration_since(Instant::now()));
        let reply = match request.form() {
            Some(form) => {
                let post = self.agent.post(request.url().as_str());
                let post = post.config().proxy(proxy).timeout_global(left).build();
                post.header("Content-Type", "application/x-www-form-urlencoded").send(form)
            }
            None => {
                let get = self.agent.get(request.url().as_str());
                let mut get = get.config().proxy(proxy).timeout_global(left).build();
                if let Some(authorization) = request.authorization() {
                    get = get.header("Authorization", authorization);
                }
                get.call()
            }
        };
        let (head, body) = reply.map_err(|e| unanswered(&what, &e))?.into_parts();
        let body = Body::new(&head, body, TokenRequest::MAX_REPLY, &self.timeouts);
        let body = match head.status.as_u16() {
            200 => {
                let body = body.map_err(|unfit| unfit.explain(&what, TokenRequest::MAX_REPLY))?;
                read_whole(body, &what, TokenRequest::MAX_REPLY)?
            }
            _ => body.map(Body::read_leniently).unwrap_or_default(),
        };
        let body = Zeroizing::new(body);
        Ok(self.auth.accept(attempt, request, asked, head.status.as_u16(), &body)?)
    }
}

/// What it means that there was no reply.
fn unanswered(what: &str, error: &ureq::Error) -> Failed {
    let passes = matches!(error, ureq::Error::Io(e) if retry::passes(e.kind()));
    Failed { error: failure(what, error), passes }
}

/// What it means that there was no reply.
fn failure(what: &str, error: &ureq::Error) -> TransportError {
    let what = what.to_owned();
    match error {
        ureq::Error::Timeout(reason) => TransportError::Timeout { what, phase: phase(*reason) },
        ureq::Error::Io(e) if e.kind() == io::ErrorKind::TimedOut => {
            TransportError::Timeout { what, phase: "connect" }
        }
        ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) | ureq::Error::InvalidProxyUrl => {
            TransportError::Config(shorten(&error.to_string()))
        }
        ureq::Error::Io(e) => {
            let reason = format!("{}{}", shorten(&e.to_string()), tls::advice(e));
            TransportError::Connection { what, reason }
        }
        _ => TransportError::Connection { what, reason: shorten(&error.to_string()) },
    }
}

fn phase(reason: Timeout) -> &'static str {
    match reason {
        Timeout::Resolve | Timeout::Connect => "connect",
        Timeout::SendRequest | Timeout::SendBody | Timeout::PerWrite => "send",
        Timeout::RecvResponse => "response",
        Timeout::RecvBody | Timeout::PerRead => "body",
        _ => "request",
    }
}
