//! Notary v1's HTTP interface, blocking.
//!
//! Success is exactly 200 and nothing else is believed: no redirect is followed, no compression
//! is asked for or accepted, and a body whose end can't be told from a broken connection is
//! refused. Every wait has an end: see [`Timeouts`].

mod body;
mod builder;
mod connect;
mod multipart;
mod patience;
mod routes;
mod status;
mod tls;

use std::{fmt, io::Read};

pub use builder::{DangerousHttpTransportBuilder, HttpTransportBuilder, Timeouts};
use ureq::{Agent, RequestBuilder, http::Response};
use url::Url;

use self::{body::Body, routes::Routes, status::Refusal};
use super::{Transport, TransportError, Upload};
use crate::name::{Form, Gun, Resource, RoleName};

/// Most bytes of a server's public key.
const MAX_KEY: u64 = 256 << 10;
/// Most bytes read of a refusal.
const MAX_REFUSAL: u64 = 64 << 10;

/// Talks to a Notary server about one collection. Connections are kept and reused; clones share
/// them. A proxy comes from `ALL_PROXY`, `HTTPS_PROXY` or `HTTP_PROXY`, unless `NO_PROXY` names the
/// server or it is on this very machine.
///
/// ```no_run
/// use tuf_notary::{Collection, Gun, Trust, transport::HttpTransport};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gun = Gun::new("registry.example.com/team/app")?;
/// let transport = HttpTransport::builder("https://notary.example.com".parse()?, &gun)
///     .ca_pem(&std::fs::read("notary-ca.pem")?) // without it: the system's trust store
///     .build()?;
/// let view = Collection::builder(gun, Trust::FirstUse).transport(transport).build().refresh()?;
/// println!("{}", view.target("v1")?.image_digest()?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpTransport {
    agent: Agent,
    routes: Routes,
    timeouts: Timeouts,
}

impl HttpTransport {
    /// A transport to the trust server at `server`, such as `https://notary.docker.io` or
    /// `https://example.com/notary`, for the collection `gun`.
    pub fn builder(server: Url, gun: &Gun) -> HttpTransportBuilder {
        HttpTransportBuilder::new(server, gun)
    }

    fn get(&self, url: &str, fresh: bool) -> Result<Response<ureq::Body>, ureq::Error> {
        let request = self.agent.get(url);
        let request = if fresh { request.header("Cache-Control", "no-cache") } else { request };
        request.call()
    }

    fn post(&self, url: &str, length: usize) -> RequestBuilder<ureq::typestate::WithBody> {
        let limit = self.timeouts.longest(length);
        self.agent.post(url).config().timeout_send_body(limit).build()
    }

    /// The body of a 200; otherwise what the refusal means.
    fn accept(
        &self,
        reply: Result<Response<ureq::Body>, ureq::Error>,
        what: &str,
        max: u64,
        meaning: fn(Refusal) -> TransportError,
    ) -> Result<Body, TransportError> {
        let unanswered = |e| status::failure(&format!("{what} from {}", self.routes.server()), &e);
        let (head, body) = reply.map_err(unanswered)?.into_parts();
        let accepted = head.status.as_u16() == 200;
        let body = Body::new(&head, body, if accepted { max } else { MAX_REFUSAL }, &self.timeouts);
        if accepted {
            return body.map_err(|unfit| unfit.explain(what, max));
        }
        // What a refusal says is a hint; that it can't be read changes nothing.
        let words = body.map(Body::read_leniently).unwrap_or_default();
        Err(meaning(Refusal::new(what, &head, &words)))
    }
}

impl Transport for HttpTransport {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let name = what.notary_name();
        let fresh = !matches!(what.form, Form::Sha256(_) | Form::Version(_));
        let reply = self.get(&self.routes.file(&name), fresh);
        Ok(Box::new(self.accept(reply, &name, max, Refusal::of_request)?))
    }

    fn publish(&self, upload: &Upload) -> Result<(), TransportError> {
        let (content_type, body) = multipart::encode(&upload.files)?;
        let reply = self
            .post(self.routes.collection(), body.len())
            .header("Content-Type", &content_type)
            .send(body.as_slice());
        // The upload was taken; words that follow can't undo that.
        self.accept(reply, "the upload", MAX_REFUSAL, Refusal::of_upload)?.read_leniently();
        Ok(())
    }

    fn server_key(&self, role: &RoleName, rotate: bool) -> Result<Vec<u8>, TransportError> {
        let name = format!("{role}.key");
        let url = self.routes.file(&name);
        let reply = if rotate { self.post(&url, 0).send_empty() } else { self.get(&url, true) };
        let body = self.accept(reply, &name, MAX_KEY, Refusal::of_request)?;
        read_whole(body, &name, MAX_KEY)
    }

    fn delete(&self) -> Result<(), TransportError> {
        let reply = self.agent.delete(self.routes.collection()).call();
        self.accept(reply, "the collection", MAX_REFUSAL, Refusal::of_request)?.read_leniently();
        Ok(())
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport")
            .field("collection", &self.routes.collection())
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// Reads a short answer to its end, so that the connection can be used again.
fn read_whole(mut body: Body, what: &str, max: u64) -> Result<Vec<u8>, TransportError> {
    let mut content = Vec::new();
    let outcome = body.by_ref().take(max.saturating_add(1)).read_to_end(&mut content);
    outcome.map_err(|e| body::failure(what, &e))?;
    if u64::try_from(content.len()).map_or(true, |length| length > max) {
        return Err(TransportError::TooLarge { what: what.to_owned(), limit: max });
    }
    Ok(content)
}
