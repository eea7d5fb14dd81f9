//! TLS over whatever connection came before in the chain, with our own configuration of it.

use std::{
    fmt,
    io::{self, Read, Write},
    sync::{Arc, OnceLock},
};

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use ureq::{
    Error,
    unversioned::transport::{
        Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
        time::{Duration, Instant},
    },
};

use super::{settings::Settings, tls::Configs};

pub(super) struct TlsConnector {
    configs: OnceLock<Configs>,
    settings: Settings,
}

impl TlsConnector {
    /// For connections to our server, and to others. Without configurations they are made when they
    /// are wanted: a server that is asked in the clear may lead to one that is not.
    pub(super) fn new(configs: Option<Configs>, settings: Settings) -> Self {
        Self { configs: configs.map_or_else(OnceLock::new, OnceLock::from), settings }
    }

    fn config(&self, host: &str) -> Result<Arc<ClientConfig>, Error> {
        let configs = match self.configs.get() {
            Some(configs) => configs,
            None => {
                let made = self.settings.tls_configs().map_err(|e| Error::Io(io::Error::other(e)))?;
                self.configs.get_or_init(|| made)
            }
        };
        let own = self.settings.server.host_str().unwrap_or_default();
        let is_own = host.eq_ignore_ascii_case(own);
        Ok(Arc::clone(if is_own { &configs.server } else { &configs.others }))
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else { return Err(Error::ConnectionFailed) };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let host = details.uri.host().unwrap_or_default();
        let tls = self.config(host)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::Tls("the server's name is neither a DNS name nor an IP address"))?;
        let mut conn = ClientConnection::new(tls, name)?;
        let mut sock = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        sock.set_timeout(left(details));
        while conn.is_handshaking() {
            conn.complete_io(&mut sock)?;
        }
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Either::B(TlsTransport { buffers, stream: StreamOwned::new(conn, sock) })))
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsConnector").finish()
    }
}

/// What connecting below has left of the time for the whole.
fn left(details: &ConnectionDetails<'_>) -> NextTimeout {
    let mut timeout = details.timeout;
    if let (Duration::Exact(after), Instant::Exact(start), Instant::Exact(now)) =
        (timeout.after, details.now, (details.current_time)())
    {
        timeout.after = Duration::Exact(after.saturating_sub(now.saturating_duration_since(start)));
    }
    timeout
}

pub(super) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output().get(..amount).ok_or(Error::BodyStalled)?;
        self.stream.write_all(output)?;
        // Writing hides the error of its last step; flushing shows it.
        self.stream.flush()?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let read = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsTransport").field("below", &self.stream.sock.get_ref()).finish_non_exhaustive()
    }
}
