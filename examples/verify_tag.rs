//! Prints the digest that a tag is signed for, or says why there is none to trust.

mod shared;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::SystemTime,
};

use shared::{Failure, Options, arguments, say, text, usage, warn};
use tuf_notary::{
    image::{ConfigError, Policy, PolicyError, Quorum, Reference, TrustConfig},
    name::{RoleName, SignerName},
    view::View,
};

const HELP: &str = "\
Verifies a tag and prints HOST/NAME@sha256:HEX.

usage: verify_tag [OPTIONS] IMAGE[:TAG][@sha256:HEX]

  --server URL       the trust server; default: as Docker chooses it
  --plain-http       allow http:// URLs (dangerous)
  --tls-ca FILE      trust this CA, and no other, for TLS
  --token-host HOST  a token server there may see the login; may be repeated. The login: NOTARY_AUTH,
                     or Docker's at the image's registry
  --trust-dir DIR    where trust is kept; default: $DOCKER_CONFIG/trust or ~/.docker/trust
  --root-key KEYID   pin the root key: certificate id or canonical id; may be repeated
  --ca FILE          pin the root's certificate authority
  --role ROLE        ask this role instead of targets/releases, then targets; may be repeated
  --require-signer NAME  this signer must vouch for the very content; may be repeated
  --min-signers N    so many of them must; default: all
  --freshness MODE   online (default), prefer-cache (the cache serves when the network fails) or
                     offline (no request at all)
  --config FILE      trust configuration, TOML or JSON, instead of all of the above but
                     --token-host, --trust-dir, --require-signer and --min-signers
  --at RFC3339       judge as of this time, and change no trust data
  --clock RFC3339    take this for the present time (dangerous)
  --reset-trust      forget the collection's anchor and floors first (dangerous)

A digest is accepted if it is signed: under the tag if one is given, else under any.

exit code: 0 verified; 1 the answer doesn't hold; 2 usage; 3 no answer";

/// What is required besides Docker's rule.
#[derive(Debug, Default)]
struct Demands {
    config: Option<PathBuf>,
    roles: Vec<RoleName>,
    signers: Vec<SignerName>,
    min_signers: Option<usize>,
}

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut options, mut demands, mut mode) = (Options::default(), Demands::default(), None);
        let image = arguments(&mut options, |name, parser| {
            let mut value = || text(parser.value().map_err(usage)?);
            match name {
                "config" => demands.config = Some(value()?.into()),
                "role" => demands.roles.push(RoleName::new(&value()?).map_err(usage)?),
                "require-signer" => demands.signers.push(SignerName::new(&value()?).map_err(usage)?),
                "min-signers" => demands.min_signers = Some(value()?.parse().map_err(usage)?),
                "freshness" => mode = Some(value()?.parse().map_err(usage)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        options.freshness = mode;
        verify(&options, &demands, &image.ok_or_else(|| usage("IMAGE:TAG is missing"))?)
    })
}

fn verify(options: &Options, demands: &Demands, image: &str) -> Result<(), Failure> {
    let image = Reference::parse(image).map_err(usage)?;
    let quorum = demands.quorum()?;
    let (view, judged) = if let Some(path) = &demands.config {
        if !demands.roles.is_empty() {
            return Err(usage("--config says it all: it excludes --role"));
        }
        let config = TrustConfig::read(path).map_err(usage)?;
        let mut trust = config.for_image(&image).map_err(unlisted)?;
        if let Some(quorum) = quorum {
            trust = trust.require_signers(quorum);
        }
        let view = options.configured(&trust)?.refresh()?;
        (view.clone(), trust.judge(&view))
    } else {
        let mut policy = Policy::docker();
        if !demands.roles.is_empty() {
            policy = policy.accept_roles(demands.roles.iter().cloned());
        }
        if let Some(quorum) = quorum {
            policy = policy.require_signers(quorum);
        }
        let view = options.collection(&image)?.refresh()?;
        (view.clone(), policy.judge(&view, &image))
    };
    let pinned = judged.map_err(|error: PolicyError| Failure::Refused(error.code(), error.to_string()))?;
    warn(&view);
    tell_age(&view);
    say(&pinned.reference.to_string())
}

impl Demands {
    fn quorum(&self) -> Result<Option<Quorum>, Failure> {
        if self.signers.is_empty() {
            let alone = self.min_signers.map(|_| usage("--min-signers needs --require-signer"));
            return alone.map_or(Ok(None), Err);
        }
        let at_least = self.min_signers.unwrap_or(self.signers.len());
        Quorum::new(at_least, self.signers.iter().cloned()).map(Some).map_err(usage)
    }
}

/// That nothing is said about an image is an answer; whatever else is wrong is a matter of the file.
fn unlisted(error: ConfigError) -> Failure {
    match error {
        ConfigError::Unlisted { .. } | ConfigError::Unmapped { .. } => {
            Failure::Refused(error.code(), error.to_string())
        }
        error => usage(error),
    }
}

/// Nobody should take an answer of the cache for one of the server.
fn tell_age(view: &View) {
    if view.is_cached() {
        let age = view.age(SystemTime::now()).map_or("?".to_owned(), |age| age.as_secs().to_string());
        let _ = writeln!(io::stderr(), "warning: the cache answers; the server confirmed it {age} s ago");
    }
}
