//! A Kubernetes admission webhook: each image is replaced by what is signed under its tag, or the
//! request is refused with the reason.
//!
//! TLS is out of scope: the API server speaks HTTPS to webhooks only, so a proxy that terminates it
//! stands in front, on this machine or in this pod. Register it as a mutating webhook for pods,
//! `pods/ephemeralcontainers` and what makes pods, with `failurePolicy: Fail` (no answer is a
//! refusal too) and a time-out above this program's.

mod judge;
mod review;
mod server;

use std::{error::Error, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use judge::Judge;
use server::Webhook;
use tokio::net::TcpListener;
use tuf_notary::image::TrustConfig;

const HELP: &str = "\
Answers Kubernetes AdmissionReview requests with images pinned to their signed digests.

usage: admission [OPTIONS] --config FILE

  --config FILE       whom to believe about which images: TOML or JSON
  --listen ADDRESS    plain HTTP, for a proxy that terminates TLS; default: 127.0.0.1:8080
  --patience SECONDS  how long an answer may take; default: 8

POST /admit; GET /healthz. What can't be judged is refused.";

struct Options {
    config: String,
    listen: SocketAddr,
    patience: Duration,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => return fail(2, &format!("{error}\n{HELP}")),
    };
    match serve(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(2, &error.to_string()),
    }
}

fn fail(code: u8, reason: &str) -> ExitCode {
    eprintln!("error: {reason}");
    ExitCode::from(code)
}

fn options() -> Result<Option<Options>, Box<dyn Error>> {
    let (mut config, mut listen, mut patience) = (None, SocketAddr::from(([127, 0, 0, 1], 8080)), 8);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Long("config") => {
                config = Some(parser.value()?.into_string().map_err(|_| "--config: not UTF-8")?)
            }
            lexopt::Arg::Long("listen") => listen = parser.value()?.to_string_lossy().parse()?,
            lexopt::Arg::Long("patience") => patience = parser.value()?.to_string_lossy().parse()?,
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    let config = config.ok_or("--config FILE is missing")?;
    Ok(Some(Options { config, listen, patience: Duration::from_secs(patience) }))
}

#[tokio::main]
async fn serve(options: Options) -> Result<(), Box<dyn Error>> {
    let judge = Arc::new(Judge::new(TrustConfig::read(&options.config)?));
    let listener = TcpListener::bind(options.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, server::router(Webhook { judge, patience: options.patience })).await?)
}
