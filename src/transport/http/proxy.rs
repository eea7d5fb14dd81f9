//! Which proxy a request goes through: by the variables that Notary and Docker read, and by their
//! rules (those of Go's `net/http`): upper case before lower case, one variable a scheme, and
//! `NO_PROXY` with names, suffixes, addresses, networks and ports. This machine is asked directly
//! always.
//!
//! Stricter than there: a variable that can't be read is an error, for a direct connection is not
//! what was configured.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use url::{Host, Url};

use crate::transport::TransportError;

/// Proxies, and who is asked without one.
#[derive(Clone, Default)]
pub(super) struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    /// Why there is no telling which proxy requests in the clear go through.
    http_refused: Option<&'static str>,
    exempt: Vec<Exempt>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Exempt {
    Everybody,
    Address(IpAddr, Option<u16>),
    Network(IpAddr, u32),
    /// A name with what is below it, or that only; without the leading dot.
    Domain {
        name: String,
        itself: bool,
        port: Option<u16>,
    },
}

impl Proxies {
    /// The proxies in the environment; `variable` looks one up.
    pub(super) fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, TransportError> {
        let either = |upper: &str, lower: &str| {
            [upper, lower].iter().find_map(|name| variable(name).filter(|value| !value.is_empty()))
        };
        let proxy = |upper, lower| {
            let wrong = |why| TransportError::Config(format!("{upper} {why}"));
            either(upper, lower).map(|text| parse(&text).map_err(wrong)).transpose()
        };
        // Under CGI the variable comes from a header of whoever asks us (httpoxy).
        let is_cgi = variable("REQUEST_METHOD").is_some_and(|value| !value.is_empty());
        let http_refused = (is_cgi && either("HTTP_PROXY", "http_proxy").is_some())
            .then_some("HTTP_PROXY is not used under CGI");
        Ok(Self {
            http: if is_cgi { None } else { proxy("HTTP_PROXY", "http_proxy")? },
            https: proxy("HTTPS_PROXY", "https_proxy")?,
            http_refused,
            exempt: either("NO_PROXY", "no_proxy").as_deref().map(exempt).unwrap_or_default(),
        })
    }

    /// One proxy for everything.
    pub(super) fn all(proxy: &Url) -> Result<Self, TransportError> {
        let proxy =
            parse(proxy.as_str()).map_err(|why| TransportError::Config(format!("the proxy {why}")))?;
        Ok(Self { http: Some(proxy.clone()), https: Some(proxy), ..Self::default() })
    }

    /// The proxy on the way to this URL; none when it is asked directly.
    pub(super) fn on_the_way(&self, url: &Url) -> Result<Option<&Url>, TransportError> {
        let Some(host) = url.host() else { return Ok(None) };
        if crate::transport::auth::is_this_machine(url) {
            return Ok(None);
        }
        let proxy = match (url.scheme(), self.http_refused) {
            ("http", Some(why)) => return Err(TransportError::Config(why.to_owned())),
            ("http", None) => self.http.as_ref(),
            _ => self.https.as_ref(),
        };
        let port = url.port_or_known_default();
        let is_exempt = self.exempt.iter().any(|exempt| exempt.covers(&host, port));
        Ok(proxy.filter(|_| !is_exempt))
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's URL may carry a password.
        let origin = |url: &Option<Url>| url.as_ref().map(|url| url.origin().ascii_serialization());
        f.debug_struct("Proxies")
            .field("http", &origin(&self.http))
            .field("https", &origin(&self.https))
            .field("exempt", &self.exempt)
            .finish_non_exhaustive()
    }
}

impl Exempt {
    fn covers(&self, host: &Host<&str>, port: Option<u16>) -> bool {
        let fits = |wanted: &Option<u16>| wanted.is_none() || *wanted == port;
        match (self, host) {
            (Self::Everybody, _) => true,
            (Self::Domain { name, itself, port }, Host::Domain(host)) => {
                let rest = host.strip_suffix(name.as_str());
                let is_below = rest.is_some_and(|rest| rest.ends_with('.'));
                (is_below || *itself && rest == Some("")) && fits(port)
            }
            (Self::Address(address, port), _) => Some(*address) == address_of(host) && fits(port),
            (Self::Network(network, bits), _) => {
                address_of(host).is_some_and(|address| is_inside(address, *network, *bits))
            }
            (Self::Domain { .. }, _) => false,
        }
    }
}

fn parse(text: &str) -> Result<Url, &'static str> {
    // `proxy.example.com:3128` has no scheme, and would be read as one.
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&whole).ok().filter(Url::has_host).ok_or("is no URL of a proxy")?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err("names a proxy that speaks neither HTTP nor HTTPS"),
    }
}

fn exempt(list: &str) -> Vec<Exempt> {
    list.split(',').map(|entry| entry.trim().to_lowercase()).filter_map(|entry| one_exempt(&entry)).collect()
}

fn one_exempt(entry: &str) -> Option<Exempt> {
    if entry == "*" {
        return Some(Exempt::Everybody);
    }
    if let Some((network, bits)) = entry.split_once('/')
        && let (Ok(network), Ok(bits)) = (network.parse(), bits.parse())
    {
        return Some(Exempt::Network(network, bits));
    }
    let (name, port) = match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, port.parse().ok()),
        _ => (entry, None),
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = name.parse() {
        return Some(Exempt::Address(address, port));
    }
    let itself = !name.starts_with('.') && !name.starts_with("*.");
    let name = name.trim_start_matches('*').trim_start_matches('.');
    (!name.is_empty()).then(|| Exempt::Domain { name: name.to_owned(), itself, port })
}

fn address_of(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address).to_canonical()),
    }
}

fn is_inside(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(Ipv4Addr::BITS.saturating_sub(bits)).unwrap_or(0);
            bits <= Ipv4Addr::BITS && (address.to_bits() ^ network.to_bits()) & mask == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(Ipv6Addr::BITS.saturating_sub(bits)).unwrap_or(0);
            bits <= Ipv6Addr::BITS && (address.to_bits() ^ network.to_bits()) & mask == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, TransportError> {
        Proxies::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn way(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let proxies = proxies(variables).unwrap();
        proxies.on_the_way(&Url::parse(url).unwrap()).unwrap().map(ToString::to_string)
    }

    #[test]
    fn px_01_each_scheme_has_its_variable_upper_case_first() {
        let both =
            [("HTTPS_PROXY", "http://u:p@up:1"), ("https_proxy", "http://low:2"), ("http_proxy", "plain:3")];
        assert_eq!(way(&both, "https://h.example.com").unwrap(), "http://u:p@up:1/");
        assert_eq!(way(&both[1..], "https://h.example.com").unwrap(), "http://low:2/");
        assert_eq!(way(&both, "http://h.example.com").unwrap(), "http://plain:3/");
        assert_eq!(way(&[("HTTPS_PROXY", ""), both[1]], "https://h.example.com").unwrap(), "http://low:2/");
        assert_eq!(way(&[("ALL_PROXY", "http://all")], "https://h.example.com"), None);
        for local in ["https://localhost:1", "https://127.3.2.1", "https://[::1]:8"] {
            assert_eq!(way(&both, local), None, "{local}");
        }
        for wrong in ["socks5://h:1", "http://", "ftp://x", "a b"] {
            assert!(proxies(&[("HTTPS_PROXY", wrong)]).is_err(), "{wrong}");
        }
        let shown = format!("{:?}", proxies(&both).unwrap());
        assert!(!shown.contains("u:p"), "{shown}");
    }

    #[test]
    fn px_01_no_proxy_has_names_suffixes_addresses_networks_and_ports() {
        for (list, url, direct) in [
            ("*", "https://h.example.com", true),
            ("example.com", "https://example.com", true),
            ("EXAMPLE.com", "https://h.example.com", true),
            ("example.com", "https://notexample.com", false),
            (".example.com", "https://example.com", false),
            (".example.com", "https://a.b.example.com", true),
            ("*.example.com", "https://example.com", false),
            ("*.example.com", "https://a.example.com", true),
            ("x, example.com:8443 ,y", "https://example.com:8443", true),
            ("example.com:8443", "https://example.com", false),
            ("example.com:443", "https://example.com", true),
            ("10.1.2.3", "https://10.1.2.3:9", true),
            ("10.1.2.3:9", "https://10.1.2.3", false),
            ("10.0.0.0/8", "https://10.200.0.1", true),
            ("10.0.0.0/8", "https://11.0.0.1", false),
            ("0.0.0.0/0", "https://11.0.0.1", true),
            ("fd00::/8", "https://[fd12::1]", true),
            ("[fd12::1]:8443", "https://[fd12::1]:8443", true),
            ("fd12::1", "https://[fd12::1]", true),
            ("fd12::2", "https://[fd12::1]", false),
            ("", "https://h.example.com", false),
            (",, ,.", "https://h.example.com", false),
        ] {
            let found = way(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", list)], url);
            assert_eq!(found.is_none(), direct, "{list}: {url}");
        }
        let lower = [("HTTPS_PROXY", "http://p:1"), ("no_proxy", "example.com")];
        assert_eq!(way(&lower, "https://example.com"), None);
    }

    #[test]
    fn px_02_http_proxy_is_not_used_under_cgi() {
        let cgi = [("HTTP_PROXY", "http://evil"), ("REQUEST_METHOD", "GET"), ("HTTPS_PROXY", "http://p:1")];
        let proxies = proxies(&cgi).unwrap();
        let plain = Url::parse("http://h.example.com").unwrap();
        assert!(matches!(proxies.on_the_way(&plain), Err(TransportError::Config(_))));
        assert_eq!(way(&cgi, "https://h.example.com").unwrap(), "http://p:1/");
        assert_eq!(way(&cgi[1..], "http://h.example.com"), None);
    }
}
