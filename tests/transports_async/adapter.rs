//! The asynchronous HTTP transport, run to the end of each call.

use std::{
    io::{Cursor, Read},
    path::Path,
    sync::OnceLock,
};

use tokio::runtime::{Builder, Runtime};
use tuf_notary::{
    name::{Gun, Resource, RoleName},
    transport::{
        self, AsyncHttpTransport, AsyncTransport, Retries, Timeouts, Transport, TransportError, Upload,
        auth::Credentials,
    },
};
use url::Url;

pub const IS_BLOCKING: bool = false;

#[derive(Clone, Debug)]
pub struct HttpTransport(pub AsyncHttpTransport);

impl HttpTransport {
    pub fn builder(server: Url, gun: &Gun) -> HttpTransportBuilder {
        HttpTransportBuilder(AsyncHttpTransport::builder(server, gun))
    }
}

impl Transport for HttpTransport {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        Ok(Box::new(Cursor::new(runtime().block_on(self.0.fetch(what, max))?)))
    }

    fn publish(&self, upload: &Upload) -> Result<(), TransportError> {
        runtime().block_on(self.0.publish(upload))
    }

    fn server_key(&self, role: &RoleName, rotate: bool) -> Result<Vec<u8>, TransportError> {
        runtime().block_on(self.0.server_key(role, rotate))
    }

    fn delete(&self) -> Result<(), TransportError> {
        runtime().block_on(self.0.delete())
    }
}

pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().enable_all().build().unwrap())
}

#[derive(Clone, Debug)]
pub struct HttpTransportBuilder(transport::HttpTransportBuilder);

pub struct Dangerous(transport::DangerousHttpTransportBuilder);

impl Dangerous {
    pub fn allow_plain_http(self) -> HttpTransportBuilder {
        HttpTransportBuilder(self.0.allow_plain_http())
    }
}

macro_rules! settings {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {
        impl HttpTransportBuilder {
            $(pub fn $name(self, $($argument: $kind),*) -> Self {
                Self(self.0.$name($($argument),*))
            })*
        }
    };
}

settings! {
    ca_pem(pem: &[u8]);
    ca_file(path: impl AsRef<Path>);
    system_ca();
    client_certificate(chain: &[u8], key: &[u8]);
    credentials(credentials: Credentials);
    token_host(host: &str);
    proxy(url: Url);
    no_proxy();
    retries(retries: Retries);
    timeouts(timeouts: Timeouts);
    user_agent(text: &str);
}

impl HttpTransportBuilder {
    pub fn dangerous(self) -> Dangerous {
        Dangerous(self.0.dangerous())
    }

    pub fn build(self) -> Result<HttpTransport, TransportError> {
        self.0.build_async().map(HttpTransport)
    }
}
