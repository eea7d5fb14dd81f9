//! Notary v1's HTTP interface, blocking: ureq carries the bytes.
//!
//! Success is exactly 200 and nothing else is believed: no redirect is followed, no compression
//! is asked for or accepted, and a body whose end can't be told from a broken connection is
//! refused. Every wait has an end: see [`Timeouts`](super::Timeouts).

use std::{fmt, io::Read};

use url::Url;

use super::{
    TransportError,
    agent::Client,
    ask::{Ask, MAX_KEY, MAX_REFUSAL, Method},
    body::{self, Body},
    builder::HttpTransportBuilder,
    multipart,
    routes::Routes,
    status::Refusal,
};
use crate::{
    name::{Form, Gun, Resource, RoleName},
    transport::{Transport, Upload, auth::Access},
};

/// Talks to a Notary server about one collection. Connections are kept and reused; clones share
/// them.
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
    pub(super) client: Client,
    pub(super) routes: Routes,
}

impl HttpTransport {
    /// A transport to the trust server at `server`, such as `https://notary.docker.io` or
    /// `https://example.com/notary`, for the collection `gun`.
    pub fn builder(server: Url, gun: &Gun) -> HttpTransportBuilder {
        HttpTransportBuilder::for_collection(server, gun)
    }
}

impl Transport for HttpTransport {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let name = what.notary_name();
        let is_fresh = !matches!(what.form, Form::Sha256(_) | Form::Version(_));
        let url = self.routes.file(&name);
        Ok(Box::new(
            self.client.ask(&Ask { is_fresh, ..Ask::new(Method::Get, Access::Pull, &url, &name, max) })?,
        ))
    }

    fn publish(&self, upload: &Upload) -> Result<(), TransportError> {
        let (content_type, body) = multipart::encode(&upload.files)?;
        let url = self.routes.collection();
        let ask = Ask::new(Method::Post, Access::PushPull, url, "the upload", MAX_REFUSAL);
        let ask = Ask { content_type: &content_type, body: &body, meaning: Refusal::of_upload, ..ask };
        // The upload was taken; words that follow can't undo that.
        self.client.ask(&ask)?.read_leniently();
        Ok(())
    }

    fn server_key(&self, role: &RoleName, rotate: bool) -> Result<Vec<u8>, TransportError> {
        let name = format!("{role}.key");
        let url = self.routes.file(&name);
        let (method, access) =
            if rotate { (Method::Post, Access::Admin) } else { (Method::Get, Access::PushPull) };
        let ask = Ask { is_fresh: !rotate, ..Ask::new(method, access, &url, &name, MAX_KEY) };
        read_whole(self.client.ask(&ask)?, &name, MAX_KEY)
    }

    fn delete(&self) -> Result<(), TransportError> {
        let url = self.routes.collection();
        let ask = Ask::new(Method::Delete, Access::Admin, url, "the collection", MAX_REFUSAL);
        self.client.ask(&ask)?.read_leniently();
        Ok(())
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport")
            .field("collection", &self.routes.collection())
            .field("timeouts", &self.client.timeouts)
            .finish_non_exhaustive()
    }
}

/// Reads a short answer to its end, so that the connection can be used again.
pub(super) fn read_whole(mut body: Body, what: &str, max: u64) -> Result<Vec<u8>, TransportError> {
    let mut content = Vec::new();
    let outcome = body.by_ref().take(max.saturating_add(1)).read_to_end(&mut content);
    outcome.map_err(|e| body::failure(what, &e))?;
    if u64::try_from(content.len()).map_or(true, |length| length > max) {
        return Err(TransportError::TooLarge { what: what.to_owned(), limit: max });
    }
    Ok(content)
}
