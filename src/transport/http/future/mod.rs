//! Notary v1's HTTP interface, asynchronous: reqwest carries the bytes.
//!
//! The same rules as the blocking transport's, from the same code: success is exactly 200, no
//! redirect is followed, no compression is asked for or accepted, a body whose end can't be told
//! from a broken connection is refused, and every wait has an end: see [`Timeouts`](super::Timeouts).

mod client;
mod exchange;
mod failure;
mod repository;
mod stream;

pub use repository::AsyncHttpRepository;

use std::{fmt, time::Duration};

use url::Url;

use self::exchange::Exchange;
use super::{
    HttpTransportBuilder, TransportError,
    ask::{Ask, MAX_KEY, MAX_REFUSAL, Method},
    multipart,
    routes::Routes,
    status::Refusal,
};
use crate::{
    name::{Form, Gun, Resource, RoleName},
    transport::{AsyncTransport, BoxFuture, Upload, auth::Access},
};

/// Talks to a Notary server about one collection, without blocking. Connections are kept and
/// reused; clones share them.
///
/// Its futures want a tokio runtime whose input, output and time are enabled. Of the time-outs,
/// `connect` and `response` count together, with the time that the slowest pace allows for an
/// upload, since the HTTP library does not tell these phases apart.
///
/// ```no_run
/// use tuf_notary::{Gun, Trust, future::Collection, transport::AsyncHttpTransport};
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let gun = Gun::new("registry.example.com/team/app")?;
/// let transport = AsyncHttpTransport::builder("https://notary.example.com".parse()?, &gun)
///     .ca_pem(&std::fs::read("notary-ca.pem")?) // without it: the system's trust store
///     .build_async()?;
/// let view = Collection::builder(gun, Trust::FirstUse).transport(transport).build().refresh().await?;
/// println!("{}", view.target("v1")?.image_digest()?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AsyncHttpTransport {
    exchange: Exchange,
    routes: Routes,
}

impl AsyncHttpTransport {
    /// A transport to the trust server at `server`, such as `https://notary.docker.io` or
    /// `https://example.com/notary`, for the collection `gun`. End it with
    /// [`build_async`](HttpTransportBuilder::build_async) or
    /// [`build_with`](HttpTransportBuilder::build_with).
    pub fn builder(server: Url, gun: &Gun) -> HttpTransportBuilder {
        HttpTransportBuilder::for_collection(server, gun)
    }
}

impl AsyncTransport for AsyncHttpTransport {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(async move {
            let name = what.notary_name();
            let is_fresh = !matches!(what.form, Form::Sha256(_) | Form::Version(_));
            let url = self.routes.file(&name);
            self.exchange
                .ask(&Ask { is_fresh, ..Ask::new(Method::Get, Access::Pull, &url, &name, max) })
                .await
        })
    }

    fn publish<'a>(&'a self, upload: &'a Upload) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let (content_type, body) = multipart::encode(&upload.files)?;
            let url = self.routes.collection();
            let ask = Ask::new(Method::Post, Access::PushPull, url, "the upload", MAX_REFUSAL);
            let ask = Ask { content_type: &content_type, body: &body, meaning: Refusal::of_upload, ..ask };
            self.exchange.tell(&ask).await
        })
    }

    fn server_key<'a>(
        &'a self,
        role: &'a RoleName,
        rotate: bool,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(async move {
            let name = format!("{role}.key");
            let url = self.routes.file(&name);
            let (method, access) =
                if rotate { (Method::Post, Access::Admin) } else { (Method::Get, Access::PushPull) };
            self.exchange
                .ask(&Ask { is_fresh: !rotate, ..Ask::new(method, access, &url, &name, MAX_KEY) })
                .await
        })
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move {
            let url = self.routes.collection();
            let ask = Ask::new(Method::Delete, Access::Admin, url, "the collection", MAX_REFUSAL);
            self.exchange.tell(&ask).await
        })
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        exchange::sleep(time)
    }
}

impl fmt::Debug for AsyncHttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncHttpTransport")
            .field("collection", &self.routes.collection())
            .field("timeouts", &self.exchange.timeouts)
            .finish_non_exhaustive()
    }
}
