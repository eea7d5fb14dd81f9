//! Which token server may be asked, and which may be shown a secret.
//!
//! Whoever answers for the trust server chooses the token server (`realm`), and could so send us to
//! a service inside of our network (CVE-2026-33990) or have our secret sent to itself
//! (CVE-2020-15157). Therefore: HTTPS as the trust server itself; no address that only we can
//! reach, unless it is the trust server's own host or one that was configured; secrets for these
//! hosts alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Token servers of well-known trust servers: the server's host, and the one that speaks for it.
const DELEGATES: [(&str, &str); 3] = [
    ("notary.docker.io", "auth.docker.io"),
    ("registry-1.docker.io", "auth.docker.io"),
    ("registry.gitlab.com", "gitlab.com"),
];
/// What we put into a token request ourselves.
const OURS: [&str; 8] = [
    "scope",
    "service",
    "account",
    "client_id",
    "offline_token",
    "grant_type",
    "refresh_token",
    "access_type",
];

/// A token server that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Realm {
    pub(super) url: Url,
    /// Whether it may see our secret, and may stand inside of our network.
    pub(super) is_trusted: bool,
}

impl Realm {
    /// Judges the realm in a challenge of the server at `base`; `configured` are hosts that speak
    /// for it. The error says why it is not asked.
    pub(super) fn judge(realm: &str, base: &Url, configured: &[String]) -> Result<Self, String> {
        let url = Url::parse(realm).map_err(|_| "is no absolute URL".to_owned())?;
        let Some(host) = url.host() else { return Err("names no host".to_owned()) };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("carries credentials or a fragment".to_owned());
        }
        if let Some((name, _)) = url.query_pairs().find(|(name, _)| OURS.contains(&name.as_ref())) {
            return Err(format!("sets {name}, which is ours to set"));
        }
        let is_own = base.host() == Some(host.clone());
        let both_here = is_this_machine(base) && is_this_machine(&url);
        match url.scheme() {
            "https" => {}
            "http" if base.scheme() == "http" && (is_own || both_here) => {}
            scheme => return Err(format!("is {scheme}, not https")),
        }
        let is_trusted = is_own || is_delegate(base, &url) || {
            let host = host.to_string();
            configured.iter().any(|it| it.eq_ignore_ascii_case(&host))
        };
        if !is_trusted && !is_public_host(&host) {
            return Err("is an address inside of this network, and another host than the server's".to_owned());
        }
        Ok(Self { url, is_trusted })
    }

    /// Where it is, for messages: without a path, which could be anything.
    pub(super) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

/// Whether a URL leads to this very machine.
pub(in crate::transport) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether everybody reaches the same machine under this address.
pub(in crate::transport) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_delegate(base: &Url, realm: &Url) -> bool {
    let pair = (base.host_str().unwrap_or_default(), realm.host_str().unwrap_or_default());
    DELEGATES.contains(&pair)
}

fn is_public_host(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name != "localhost" && !name.ends_with(".localhost")
        }
        Host::Ipv4(address) => is_public_v4(*address),
        Host::Ipv6(address) => is_public_v6(*address),
    }
}

/// By the special-purpose address registry of RFC 6890.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

/// The same; an address that carries an IPv4 address is as public as that one.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let carried =
        |high: u16, low: u16| is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match (a, b, c) {
        (0, 0, 0) if (d, e, f) == (0, 0, 0xffff) => carried(high, low),
        (0x64, 0xff9b, 0) if (d, e, f) == (0, 0, 0) => carried(high, low),
        (0x2002, ..) => carried(b, c),
        (0x2001, 0xdb8 | 0..=0x1ff, _) => false,
        // Only 2000::/3 is given out for the public.
        _ => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(realm: &str, base: &str) -> Result<bool, String> {
        let base = Url::parse(base).unwrap();
        Realm::judge(realm, &base, &["auth.corp".to_owned()]).map(|realm| realm.is_trusted)
    }

    #[test]
    fn sr_01_realms_in_the_clear_or_inside_of_our_network_are_refused() {
        for realm in [
            "http://auth.example.com/token",
            "http://169.254.169.254/latest/meta-data",
            "https://169.254.169.254/",
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://localhost:8080/",
            "https://a.localhost/",
            "https://10.1.2.3/",
            "https://172.31.0.1/",
            "https://192.168.0.1/",
            "https://100.100.100.200/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "ftp://auth.example.com/",
            "file:///etc/passwd",
            "/token",
            "",
        ] {
            assert!(judge(realm, "https://notary.example.com").is_err(), "{realm}");
        }
        assert_eq!(judge("https://8.8.8.8/", "https://notary.example.com"), Ok(false));
        assert_eq!(judge("https://[2606:4700::1]/", "https://notary.example.com"), Ok(false));
    }

    #[test]
    fn sr_01_the_servers_own_host_may_be_anywhere() {
        assert_eq!(judge("https://10.0.0.1:5001/token", "https://10.0.0.1:4443"), Ok(true));
        assert_eq!(judge("http://127.0.0.1:5001/token", "http://127.0.0.1:4443"), Ok(true));
        assert!(judge("http://localhost:1/", "http://127.0.0.1:4443").is_err(), "another name");
        assert!(judge("http://127.0.0.1:5001/token", "https://127.0.0.1:4443").is_err(), "a step down");
        assert!(judge("http://10.0.0.2/", "http://10.0.0.1/").is_err());
    }

    #[test]
    fn sr_03_secrets_are_for_the_servers_own_host_its_delegate_and_configured_hosts() {
        for (realm, base, trusted) in [
            ("https://evil.example.net/token", "https://notary.example.com", false),
            ("https://notary.example.com.evil.net/", "https://notary.example.com", false),
            ("https://auth.docker.io/token", "https://notary.docker.io", true),
            ("https://auth.docker.io/token", "https://notary.example.com", false),
            ("https://AUTH.corp:8443/token", "https://notary.example.com", true),
            ("https://notary.example.com/auth", "https://notary.example.com", true),
        ] {
            assert_eq!(judge(realm, base), Ok(trusted), "{realm}");
        }
    }

    #[test]
    fn sr_04_userinfo_fragment_and_parameters_of_ours_are_refused() {
        for realm in [
            "https://u@a.example.com/",
            "https://u:p@a.example.com/",
            "https://:p@a.example.com/",
            "https://a.example.com/#x",
            "https://a.example.com/?scope=repository:other:push",
            "https://a.example.com/?x=1&%73ervice=other",
            "https://a.example.com/?account=root",
        ] {
            let refused = judge(realm, "https://notary.example.com").unwrap_err();
            assert!(!refused.contains("u:p") && !refused.contains("other"), "{refused}");
        }
        assert_eq!(judge("https://a.example.com/?tenant=1", "https://notary.example.com"), Ok(false));
    }
}
