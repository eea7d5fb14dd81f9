//! Showing a trust server or a registry who asks: Basic (RFC 7617), and bearer tokens (RFC 6750)
//! by the token protocol of the distribution project, as Notary v1 and registries speak it.
//!
//! No input or output happens here, so that every HTTP stack can use it. The rules:
//! - A challenge counts only in a 401 of the server itself (SR-06); nothing is sent unasked.
//! - Reading is tried as nobody first, and asks for no more than reading (TA-11).
//! - A secret goes to the server's own host, its known delegate, or a host that was configured,
//!   never in the clear to another machine (SR-03).
//! - A refused token is replaced once; a second refusal stands (TA-10).

mod challenge;
mod credentials;
mod realm;
mod token;

use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

#[cfg(feature = "docker-config")]
pub(in crate::transport) use credentials::decode_pair;
pub use credentials::{Credentials, CredentialsError};
pub(in crate::transport) use realm::is_this_machine;
pub use token::{Access, TokenRequest};
use url::Url;
use zeroize::Zeroizing;

use self::{challenge::Challenge, realm::Realm, token::Token};
use super::TransportError;

/// Most answers of 401 to one request. The longest honest way has three: nothing was shown, a
/// token for everybody, an expired one of ours.
const MOST_ROUNDS: u8 = 4;

/// Knows how to show one server who asks for one repository, and keeps its tokens.
///
/// ```
/// use std::time::SystemTime;
/// use tuf_notary::transport::auth::{Access, Authenticator, Next};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = "https://notary.example.com".parse()?;
/// let auth = Authenticator::new(server, "registry.example.com/app");
/// let mut attempt = auth.attempt(Access::Pull);
/// assert!(matches!(auth.next(&mut attempt, SystemTime::now()), Next::Send(None)));
/// // The server answered 401:
/// let challenge = br#"Bearer realm="https://notary.example.com/token",service="notary""#;
/// assert!(auth.is_challenged(&mut attempt, [&challenge[..]])?);
/// let Next::Token(request) = auth.next(&mut attempt, SystemTime::now()) else { unreachable!() };
/// assert_eq!(request.url().path(), "/token");
/// auth.accept(&mut attempt, &request, SystemTime::now(), 200, br#"{"token":"abc"}"#)?;
/// let Next::Send(Some(header)) = auth.next(&mut attempt, SystemTime::now()) else { unreachable!() };
/// assert_eq!(*header, "Bearer abc");
/// # Ok(())
/// # }
/// ```
pub struct Authenticator {
    server: Url,
    repository: String,
    credentials: Option<Credentials>,
    token_hosts: Vec<String>,
    state: Mutex<State>,
}

/// What the server taught us so far.
#[derive(Default)]
struct State {
    scheme: Option<Scheme>,
    tokens: BTreeMap<Access, Token>,
    /// Everybody's token was not enough for reading.
    needs_credentials: bool,
}

#[derive(Clone, PartialEq, Eq)]
enum Scheme {
    Basic,
    Bearer { realm: Realm, service: Option<String> },
}

/// One request's way to an answer.
#[derive(Debug)]
pub struct Attempt {
    access: Access,
    rounds: u8,
    shown: Shown,
    /// A token was made for this very request.
    is_fresh: bool,
}

/// What the last try showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Nothing,
    Credentials,
    Token { with_credentials: bool },
}

/// What to do next.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums)] // whoever sends must know how to do each
pub enum Next {
    /// Send the request, with this `Authorization` header if there is one.
    Send(Option<Zeroizing<String>>),
    /// Ask for a token, and hand the answer to [`Authenticator::accept`].
    Token(Box<TokenRequest>),
}

impl Authenticator {
    /// For the server at this base URL and the repository or collection of this name. Without
    /// credentials it gets the tokens that everybody gets.
    pub fn new(server: Url, repository: impl Into<String>) -> Self {
        let (repository, token_hosts) = (repository.into(), Vec::new());
        Self { server, repository, credentials: None, token_hosts, state: Mutex::default() }
    }

    /// Sets the credentials.
    ///
    /// # Errors
    /// The server is asked in the clear and is not this very machine.
    pub fn credentials(mut self, credentials: Credentials) -> Result<Self, TransportError> {
        if self.server.scheme() != "https" && !is_this_machine(&self.server) {
            let why = "credentials are not sent in the clear: use https";
            return Err(TransportError::Config(why.to_owned()));
        }
        self.credentials = Some(credentials);
        Ok(self)
    }

    /// Lets token servers on this host, a name or an address without a port, see the credentials
    /// and be inside of our network. The server's own host may be both anyway.
    #[must_use]
    pub fn token_host(mut self, host: impl Into<String>) -> Self {
        self.token_hosts.push(host.into());
        self
    }

    /// Begins a request.
    pub const fn attempt(&self, access: Access) -> Attempt {
        Attempt { access, rounds: 0, shown: Shown::Nothing, is_fresh: false }
    }

    /// What the request needs next, as far as the server's ways are known.
    pub fn next(&self, attempt: &mut Attempt, now: SystemTime) -> Next {
        let state = self.lock();
        let credentials = self.credentials.as_ref();
        let (shown, header) = match &state.scheme {
            None => (Shown::Nothing, None),
            Some(Scheme::Basic) => match credentials.and_then(Credentials::basic_header) {
                Some(header) => (Shown::Credentials, Some(header)),
                None => (Shown::Nothing, None),
            },
            Some(Scheme::Bearer { realm, service }) => {
                let ours = credentials.filter(|_| self.shows_credentials(&state, attempt.access));
                let token = ours.and_then(Credentials::as_registry_token);
                if let Some(header) = token.and_then(token::bearer) {
                    (Shown::Credentials, Some(header))
                } else if let Some((token, header)) = fitting(&state, attempt.access, now) {
                    (Shown::Token { with_credentials: token.with_credentials }, Some(header))
                } else {
                    let ours = ours.filter(|_| realm.is_trusted);
                    let (realm, service) = (realm.clone(), service.as_deref());
                    let request = TokenRequest::new(realm, service, &self.repository, attempt.access, ours);
                    return Next::Token(Box::new(request));
                }
            }
        };
        attempt.shown = shown;
        Next::Send(header)
    }

    /// Takes in the `WWW-Authenticate` headers of a 401 to the request itself. False when nothing
    /// more can be shown, so that the refusal stands.
    ///
    /// # Errors
    /// The challenge is malformed or leads to a token server that must not be asked, or only
    /// credentials would help and must not be shown to that token server.
    pub fn is_challenged<'h>(
        &self,
        attempt: &mut Attempt,
        headers: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<bool, TransportError> {
        attempt.rounds = attempt.rounds.saturating_add(1);
        let challenge = Challenge::strongest(headers).map_err(|why| self.refuse(why.to_owned()))?;
        let Some(challenge) = challenge.filter(|_| attempt.rounds < MOST_ROUNDS) else { return Ok(false) };
        let scheme = self.scheme(challenge)?;
        let mut state = self.lock();
        let is_known = state.scheme.as_ref() == Some(&scheme);
        state.scheme = Some(scheme.clone());
        if !is_known {
            state.tokens.clear();
        }
        match (scheme, attempt.shown) {
            (Scheme::Basic, shown) => {
                let ours = self.credentials.as_ref().and_then(Credentials::basic_header);
                Ok(shown != Shown::Credentials && ours.is_some())
            }
            (Scheme::Bearer { .. }, Shown::Credentials) => Ok(!is_known),
            (Scheme::Bearer { .. }, Shown::Nothing) => Ok(true),
            (Scheme::Bearer { realm, .. }, Shown::Token { with_credentials }) => {
                state.tokens.remove(&attempt.access);
                let was_fresh = std::mem::take(&mut attempt.is_fresh);
                if !was_fresh {
                    return Ok(true);
                }
                self.may_step_up(&mut state, &realm, with_credentials)
            }
        }
    }

    /// Takes in the answer to a token request that was sent at `asked`.
    ///
    /// # Errors
    /// The token server refuses, is not able, or its answer holds no token.
    pub fn accept(
        &self,
        attempt: &mut Attempt,
        request: &TokenRequest,
        asked: SystemTime,
        status: u16,
        body: &[u8],
    ) -> Result<(), TransportError> {
        let what = request.what();
        match status {
            200 => {
                let token = Token::parse(body, asked, request.with_credentials);
                let token = token.map_err(|why| self.refuse(format!("{}: {why}", request.realm.origin())))?;
                attempt.is_fresh = true;
                self.lock().tokens.insert(request.access, token);
                Ok(())
            }
            401 | 403 => {
                let refused = TransportError::Unauthorized { what, status };
                let mut state = self.lock();
                match self.may_step_up(&mut state, &request.realm, request.with_credentials)? {
                    true => Ok(()),
                    false => Err(refused),
                }
            }
            404 => Err(self.refuse(format!("{}: the answer is 404", request.realm.origin()))),
            _ => Err(TransportError::Status { what, status, message: String::new(), retry_after: None }),
        }
    }

    /// Whether a connection to `host` may lead to this address: the name of a token server that was
    /// not configured must not resolve to a machine inside of our network. To be asked about the
    /// address that is connected to, for a name may resolve to another one the next time.
    pub fn permits(&self, host: &str, address: IpAddr) -> bool {
        let is_named = |name: &str| name.eq_ignore_ascii_case(host);
        let is_own = self.server.host_str().is_some_and(is_named);
        is_own || self.token_hosts.iter().any(|name| is_named(name)) || realm::is_public(address)
    }

    /// Whether credentials are to be shown after nobody in particular was refused.
    fn may_step_up(&self, state: &mut State, realm: &Realm, shown: bool) -> Result<bool, TransportError> {
        if shown || self.credentials.is_none() {
            return Ok(false);
        }
        if !realm.is_trusted {
            let (token, own) = (realm.url.host_str().unwrap_or_default(), self.server.host_str());
            let own = own.unwrap_or_default();
            let why = format!(
                "credentials for {own} are not shown to the token server {token}, which was not configured"
            );
            return Err(self.refuse(why));
        }
        state.needs_credentials = true;
        Ok(true)
    }

    fn shows_credentials(&self, state: &State, access: Access) -> bool {
        access != Access::Pull || state.needs_credentials
    }

    fn scheme(&self, challenge: Challenge) -> Result<Scheme, TransportError> {
        let Challenge::Bearer { realm, service } = challenge else { return Ok(Scheme::Basic) };
        let realm = Realm::judge(&realm, &self.server, &self.token_hosts)
            .map_err(|why| self.refuse(format!("the token server that it names {why}")))?;
        Ok(Scheme::Bearer { realm, service })
    }

    fn refuse(&self, reason: String) -> TransportError {
        TransportError::Authentication { server: self.server.origin().ascii_serialization(), reason }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("server", &self.server.origin().ascii_serialization())
            .field("repository", &self.repository)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

/// A token that serves and has not expired.
fn fitting(state: &State, access: Access, now: SystemTime) -> Option<(&Token, Zeroizing<String>)> {
    let token = state.tokens.get(&access)?;
    Some((token, token.header(now)?))
}
