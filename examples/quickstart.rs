//! The main job from beginning to end, on the trust server that the crate brings along: sign,
//! verify, meet two attackers, revoke.

use std::{error::Error, sync::Arc};

use tuf_notary::{
    blocking::{Collection, Initialise},
    crypto::digest,
    edit::Changes,
    keys::MemoryKeys,
    metadata::TargetInfo,
    name::{Gun, Hashes, RoleName, TargetName},
    store::MemoryStore,
    testkit::{Fault, Forge, TrustServer},
    verify::Trust,
};

fn main() -> Result<(), Box<dyn Error>> {
    let gun = Gun::new("registry.example.com/team/app")?;
    let server = TrustServer::new();

    println!("A publisher makes keys, signs v1 and publishes.");
    let manifest = br#"{"schemaVersion":2,"layers":[]}"#;
    let info = TargetInfo {
        length: manifest.len().try_into()?,
        hashes: Hashes::sha256(digest::sha256(manifest)),
        custom: None,
    };
    let publisher = Collection::builder(gun.clone(), Trust::FirstUse)
        .transport(server.transport(&gun))
        .keys(MemoryKeys::new())
        .build();
    let tag = TargetName::new("v1")?;
    publisher.initialise(&Initialise::new().changes(Changes::new().sign(tag.clone(), info)))?;

    println!("\nA user meets the collection for the first time and asks for v1.");
    let user = Collection::builder(gun.clone(), Trust::FirstUse)
        .transport(server.transport(&gun))
        .store(MemoryStore::new())
        .build();
    let view = user.refresh()?;
    let target = view.target("v1")?;
    target.verify(manifest)?;
    println!("  verified: {gun}@{}, signed by {}", target.image_digest()?, target.role());

    println!("\nAn attacker on the server changes what v1 stands for.");
    let change = |file: Vec<u8>| {
        String::from_utf8_lossy(&file).replacen("\"length\":31", "\"length\":66", 1).into_bytes()
    };
    server.misbehave(&gun, Fault::Mutate { role: RoleName::Targets, change: Arc::new(change) });
    let newcomer =
        Collection::builder(gun.clone(), Trust::FirstUse).transport(server.transport(&gun)).build();
    refused(newcomer.refresh().map(drop));
    server.behave(&gun);

    println!("\nAnother one replaces the root, and everything below it, by their own.");
    let genuine = server.checkpoint(&gun);
    let mut attacker = Forge::new(gun.as_str());
    attacker.bump("root");
    attacker.bump("snapshot");
    server.serve(&attacker.build());
    refused(user.refresh().map(drop));
    server.restore(&gun, genuine);

    println!("\nThe publisher revokes v1.");
    publisher.publish(&Changes::new().revoke(tag))?;
    refused(user.refresh()?.target("v1").map(drop).map_err(Into::into));
    Ok(())
}

fn refused(outcome: Result<(), tuf_notary::error::Error>) {
    match outcome {
        Ok(()) => unreachable!("it must be refused"),
        Err(error) => println!("  refused [{}]: {error}", error.code()),
    }
}
