//! Verifies many tags at once without blocking: one pool of connections, one handle a collection.

use std::{env, num::NonZeroUsize, process::ExitCode};

use tuf_notary::{
    Gun, Trust,
    future::{Collection, Collections},
    image::Reference,
    transport::AsyncHttpTransport,
};

const HELP: &str = "\
Verifies tags side by side and prints HOST/NAME@sha256:HEX for each.

usage: verify_async SERVER-URL IMAGE:TAG...

Trust is on first use and kept in memory; a program of your own gives pins and a store.

exit code: 0 all are verified; 1 some are not; 2 usage";

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let collections = match arguments.next().map(|server| collections(&server)) {
        Some(Ok(collections)) => collections,
        Some(Err(reason)) => return usage(&reason.to_string()),
        None => return usage("SERVER-URL is missing"),
    };
    // All at once: tags of one collection share one refresh.
    let tasks: Vec<_> = arguments
        .map(|image| {
            let collections = collections.clone();
            tokio::spawn(
                async move { verify(&collections, &image).await.map_err(|e| format!("{image}: {e}")) },
            )
        })
        .collect();
    let mut code = ExitCode::SUCCESS;
    for task in tasks {
        match task.await {
            Ok(Ok(pinned)) => println!("{pinned}"),
            Ok(Err(reason)) => code = refuse(&reason),
            Err(error) => code = refuse(&error.to_string()),
        }
    }
    code
}

/// Handles of up to a thousand collections over the same connections.
fn collections(server: &str) -> Result<Collections, Failure> {
    let first = Gun::new("any")?;
    let transport = AsyncHttpTransport::builder(server.parse()?, &first).build_async()?;
    let most = NonZeroUsize::new(1000).ok_or("a thousand is not zero")?;
    Ok(Collections::new(most, move |gun| {
        let transport = transport.for_collection(gun)?;
        Ok(Collection::builder(gun.clone(), Trust::FirstUse).transport(transport).build())
    }))
}

async fn verify(collections: &Collections, image: &str) -> Result<String, Failure> {
    let image = Reference::parse(image)?;
    let view = collections.get(image.gun())?.refresh().await?;
    let target = view.target(image.tag().unwrap_or("latest"))?;
    Ok(format!("{}@{}", image.gun(), target.image_digest()?))
}

fn refuse(reason: &str) -> ExitCode {
    eprintln!("verify_async: {reason}");
    ExitCode::from(1)
}

fn usage(reason: &str) -> ExitCode {
    eprintln!("verify_async: {reason}\n\n{HELP}");
    ExitCode::from(2)
}
