//! A root key or a signer's key that lives in a PKCS#11 token and signs there.

mod shared;

use std::{env, path::PathBuf, process::ExitCode};

use lexopt::Arg;
use shared::{Failure, say, text, usage};
use tuf_notary::{
    crypto::KeyKind,
    keys::{FixedPassphrases, KeyRole, KeyStore as _, Pkcs11Keys},
    wire::notary::canonical_id,
};

const HELP: &str = "\
Lists the keys of a PKCS#11 token, or makes one.

usage: pkcs11 --module FILE --token LABEL [--generate ROLE]

  --module FILE     library of the token's maker, such as /usr/lib/softhsm/libsofthsm2.so
  --token LABEL     the token's label
  --generate ROLE   make a P-256 key: root, or the name of a signer; its public half is printed

The PIN comes from TOKEN_PIN; the list needs none. To try it without a token:

  softhsm2-util --init-token --free --label signing --pin 1234 --so-pin 5678
  TOKEN_PIN=1234 pkcs11 --module /usr/lib/softhsm/libsofthsm2.so --token signing --generate root";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut module, mut token, mut role) = (None::<PathBuf>, None, None);
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(usage)? {
            match argument {
                Arg::Long("module") => module = Some(parser.value().map_err(usage)?.into()),
                Arg::Long("token") => token = Some(text(parser.value().map_err(usage)?)?),
                Arg::Long("generate") => {
                    role = Some(KeyRole::new(&text(parser.value().map_err(usage)?)?).map_err(usage)?);
                }
                other => return Err(usage(other.unexpected())),
            }
        }
        let missing = |what| usage(format!("{what} is missing"));
        let (module, token) =
            (module.ok_or_else(|| missing("--module"))?, token.ok_or_else(|| missing("--token"))?);
        let pin = env::var("TOKEN_PIN").map(|pin| FixedPassphrases::new().otherwise(&pin));
        let keys = Pkcs11Keys::open(&module, &token, pin.unwrap_or_default())?;
        match role {
            Some(role) => generate(&keys, &role),
            None => keys.list()?.iter().try_for_each(|info| say(&info.to_string())),
        }
    })
}

fn generate(keys: &Pkcs11Keys, role: &KeyRole) -> Result<(), Failure> {
    let signer = keys.generate(KeyKind::Ecdsa, role, None)?;
    let public = signer.public_key();
    // A collection takes the key as its root by this id, or as a signer's by the text.
    say(&format!("{role} key {}\n", canonical_id(public)))?;
    say(public.to_pem(role.as_str()).map_err(tuf_notary::keys::KeyError::from)?.trim_end())
}
