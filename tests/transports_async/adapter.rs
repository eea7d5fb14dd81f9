//! The asynchronous HTTP transport, run to the end of each call.

use std::{
    io::{self, Cursor, Read},
    path::Path,
    sync::OnceLock,
};

use tokio::runtime::{Builder, Runtime};
use tuf_notary::{
    name::{Gun, Resource, RoleName},
    transport::{
        self, AsyncHttpRepository, AsyncHttpTransport, AsyncTargetTransport, AsyncTransport, Retries,
        TargetBody, TargetTransport, Timeouts, Transport, TransportError, TufRepository, Upload,
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

#[derive(Clone, Debug)]
pub struct HttpRepository(pub AsyncHttpRepository);

impl HttpRepository {
    pub fn builder(metadata: Url) -> transport::HttpTransportBuilder<TufRepository> {
        AsyncHttpRepository::builder(metadata)
    }
}

pub fn build(
    builder: transport::HttpTransportBuilder<TufRepository>,
) -> Result<HttpRepository, TransportError> {
    builder.build_async().map(HttpRepository)
}

impl Transport for HttpRepository {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        Ok(Box::new(Cursor::new(runtime().block_on(self.0.fetch(what, max))?)))
    }
}

impl TargetTransport for HttpRepository {
    fn fetch_target(&self, path: &str, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let body = runtime().block_on(self.0.fetch_target(path, max))?;
        Ok(Box::new(Chunks { body, chunk: Cursor::default() }))
    }
}

struct Chunks {
    body: Box<dyn TargetBody>,
    chunk: Cursor<Vec<u8>>,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.chunk.read(buffer)? {
                0 => match runtime().block_on(self.body.chunk()) {
                    Ok(Some(chunk)) => self.chunk = Cursor::new(chunk),
                    Ok(None) => return Ok(0),
                    Err(error @ TransportError::Timeout { .. }) => {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, error));
                    }
                    Err(error) => return Err(io::Error::other(error)),
                },
                read => return Ok(read),
            }
        }
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
