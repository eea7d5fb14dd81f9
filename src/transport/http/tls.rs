//! Which servers are believed: those that the system's trust store vouches for, or, when a CA is
//! configured, those that it vouches for and no others (TA-03).
//!
//! RFC 5280 lets a certificate authority sign servers, not be one, and the verifier refuses it in
//! that place. `openssl req -x509` makes exactly such certificates, and people give them to server
//! and client alike. A server that shows a certificate which was configured to the byte is
//! therefore accepted, once name, dates, key usage and the handshake's signature were checked.

use std::{fmt, io, sync::Arc};

use der::Decode;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};
use x509_cert::{Certificate, ext::pkix::ExtendedKeyUsage};
use zeroize::Zeroizing;

use super::TransportError;

/// The purpose of a TLS server's certificate, where purposes are given at all.
const SERVER_AUTH: der::asn1::ObjectIdentifier = der::asn1::ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

/// A certificate of ours and its private key, PEM, for servers that want to know who we are.
#[derive(Clone)]
pub(super) struct Identity {
    chain: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Identity {
    pub(super) fn new(chain: &[u8], key: &[u8]) -> Self {
        Self { chain: chain.to_vec(), key: Zeroizing::new(key.to_vec()) }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// What is believed of the trust server, and of all others: token servers and proxies.
#[derive(Clone)]
pub(super) struct Configs {
    /// With our certificate, if we have one.
    pub(super) server: Arc<ClientConfig>,
    /// Without: who we are is for the server to know.
    pub(super) others: Arc<ClientConfig>,
}

/// Configurations that believe these authorities (PEM); the system's too when `and_system`, or
/// when there are none.
pub(super) fn configs(
    authorities: &[Vec<u8>],
    and_system: bool,
    identity: Option<&Identity>,
) -> Result<Configs, TransportError> {
    let provider = Arc::new(ring::default_provider());
    let system = rustls_platform_verifier::Verifier::new(Arc::clone(&provider)).map_err(|e| config(&e));
    let verifier: Arc<dyn ServerCertVerifier> = match (authorities, and_system) {
        ([], _) => Arc::new(system?),
        // A host without a trust store can still believe what is configured.
        (_, true) => Arc::new(ConfiguredVerifier::new(authorities, system.ok(), &provider)?),
        (_, false) => Arc::new(ConfiguredVerifier::new(authorities, None, &provider)?),
    };
    let others = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| config(&e))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(identity) = identity else {
        let others = Arc::new(others.with_no_client_auth());
        return Ok(Configs { server: Arc::clone(&others), others });
    };
    let chain = CertificateDer::pem_slice_iter(&identity.chain).collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(&identity.key).map_err(|e| config(&e))?;
    let server = others
        .clone()
        .with_client_auth_cert(chain.map_err(|e| config(&e))?, key)
        .map_err(|e| TransportError::Config(format!("TLS client certificate: {e}")))?;
    Ok(Configs { server: Arc::new(server), others: Arc::new(others.with_no_client_auth()) })
}

/// A configuration that believes nobody, for a client that speaks in the clear only.
#[cfg(feature = "http-async")]
pub(super) fn nobody() -> Result<ClientConfig, TransportError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| config(&e))?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

#[derive(Debug)]
struct ConfiguredVerifier {
    inner: Arc<WebPkiServerVerifier>,
    configured: Vec<CertificateDer<'static>>,
    /// Asked when what is configured doesn't vouch for a server.
    system: Option<rustls_platform_verifier::Verifier>,
}

impl ConfiguredVerifier {
    fn new(
        authorities: &[Vec<u8>],
        system: Option<rustls_platform_verifier::Verifier>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TransportError> {
        let mut configured = Vec::new();
        for pem in authorities {
            let before = configured.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                configured.push(certificate.map_err(|e| config(&e))?);
            }
            if configured.len() == before {
                return Err(TransportError::Config("a configured CA has no certificate in PEM".to_owned()));
            }
        }
        let mut roots = RootCertStore::empty();
        for certificate in &configured {
            roots.add(certificate.clone()).map_err(|e| config(&e))?;
        }
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|e| config(&e))?;
        Ok(Self { inner, configured, system })
    }
}

impl ServerCertVerifier for ConfiguredVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(e) if is_ca_as_server(&e) && self.configured.contains(end_entity) => {
                verify_configured(end_entity, server_name, now)?;
                Ok(ServerCertVerified::assertion())
            }
            Err(e) => {
                let Some(system) = &self.system else { return Err(e) };
                let vouched =
                    system.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
                vouched.map_err(|_| e)
            }
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn is_ca_as_server(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(inner)) = error else { return false };
    matches!(inner.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// What to do about a failed handshake whose reason speaks to experts only.
pub(super) fn advice(error: &io::Error) -> &'static str {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::InvalidMessage(_)) => " (no TLS is spoken on that port)",
        Some(error) if is_ca_as_server(error) => {
            " (the server's certificate is its own authority: configure that very certificate as CA)"
        }
        _ => "",
    }
}

/// What the verifier checks of any server's certificate, less the signature above it.
fn verify_configured(
    certificate: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<(), Error> {
    webpki::EndEntityCert::try_from(certificate)
        .and_then(|parsed| parsed.verify_is_valid_for_subject_name(name))
        .map_err(|_| Error::InvalidCertificate(CertificateError::NotValidForName))?;
    let refuse = |why| Err(Error::InvalidCertificate(why));
    let Ok(parsed) = Certificate::from_der(certificate) else { return refuse(CertificateError::BadEncoding) };
    let body = parsed.tbs_certificate();
    let now = std::time::Duration::from_secs(now.as_secs());
    if now < body.validity().not_before.to_unix_duration() {
        return refuse(CertificateError::NotValidYet);
    }
    if now > body.validity().not_after.to_unix_duration() {
        return refuse(CertificateError::Expired);
    }
    match body.get_extension::<ExtendedKeyUsage>() {
        Ok(None) => Ok(()),
        Ok(Some((_, purposes))) if purposes.0.contains(&SERVER_AUTH) => Ok(()),
        Ok(Some(_)) => refuse(CertificateError::InvalidPurpose),
        Err(_) => refuse(CertificateError::BadEncoding),
    }
}

fn config(error: &dyn fmt::Display) -> TransportError {
    TransportError::Config(format!("TLS: {error}"))
}
