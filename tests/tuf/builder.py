"""Builds one TUF 1.0 repository with python-tuf and writes it to a folder.

A folder holds `metadata/`, `targets/`, the root to trust (`root.json`) and `expected.json`: what a
client must find. Metadata files carry the role's name percent-encoded, as URLs do.
"""

import copy
import json
from datetime import datetime, timezone
from hashlib import sha256, sha512
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from securesystemslib.signer import CryptoSigner, SSlibKey, Signature
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    SuccinctRoles,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

EXPIRES = datetime(2100, 1, 1, tzinfo=timezone.utc)
TOP_LEVEL = ("root", "timestamp", "snapshot", "targets")
DIGESTS = {"sha256": sha256, "sha512": sha512}

KINDS = {
    "ed25519": ("ed25519", "ed25519"),
    "ecdsa-p256": ("ecdsa", "ecdsa-sha2-nistp256"),
    "ecdsa-p384": ("ecdsa", "ecdsa-sha2-nistp384"),
    "legacy-p256": ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    "legacy-p384": ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    "rsa-pss": ("rsa", "rsassa-pss-sha256"),
    "rsa-pkcs1v15": ("rsa", "rsa-pkcs1v15-sha256"),
}


def new_key(kind="ed25519", keyid=None):
    """A key pair of one of KINDS."""
    keytype, scheme = KINDS[kind]
    if keytype == "ed25519":
        return CryptoSigner.generate_ed25519(keyid)
    if keytype == "rsa":
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return CryptoSigner(private, SSlibKey.from_crypto(private.public_key(), keyid, scheme))
    private = ec.generate_private_key(ec.SECP256R1() if "256" in scheme else ec.SECP384R1())
    public = SSlibKey.from_crypto(private.public_key(), keyid, scheme)
    if keytype != "ecdsa":
        # The key type that was named as the scheme in early versions of the specification.
        public = SSlibKey(keyid or public.keyid, keytype, scheme, public.keyval)
    return CryptoSigner(private, public)


class Repository:
    """A repository that shapes change before it is written."""

    def __init__(
        self,
        shape,
        kind="ed25519",
        consistent=True,
        spec="1.0.34",
        pins=(),
        lengths=False,
        algorithms=("sha256",),
        compact=True,
        keys=1,
        threshold=1,
    ):
        self.shape = shape
        self.kind, self.spec = kind, spec
        self.pins, self.lengths, self.algorithms = pins, lengths, algorithms
        self.compact = compact
        # Whether python-tuf's own client finds what a client must find.
        self.python_tuf = True
        self.signers = {}
        self.files = {}
        self.hidden = set()
        self.results = []
        # Changes to what a role's file says, after signing.
        self.touch = {}
        self.roles = {
            "targets": Targets(spec_version=spec, expires=EXPIRES),
            "snapshot": Snapshot(spec_version=spec, expires=EXPIRES),
            "timestamp": Timestamp(spec_version=spec, expires=EXPIRES),
        }
        self.root = Root(spec_version=spec, expires=EXPIRES, consistent_snapshot=consistent)
        for role in TOP_LEVEL:
            self.give(role, [new_key(kind) for _ in range(keys)], threshold)
        self.roots = []
        self.publish_root()

    # --- keys and roots

    def give(self, role, signers, threshold=1):
        """Gives a top-level role these keys, and no others."""
        for keyid in list(self.root.roles[role].keyids):
            self.root.revoke_key(keyid, role)
        for signer in signers:
            self.root.add_key(signer.public_key, role)
        self.root.roles[role].threshold = threshold
        self.signers[role] = list(signers)

    def publish_root(self):
        """Takes root as it is now as the next version, signed with its keys and with those before."""
        root = copy.deepcopy(self.root)
        root.version = len(self.roots) + 1
        before = self.roots[-1][1] if self.roots else []
        signers = {signer.public_key.keyid: signer for signer in [*before, *self.signers["root"]]}
        self.roots.append((root, list(self.signers["root"]), list(signers.values())))

    def replace_root(self):
        """Takes root as it is now in place of the newest version."""
        self.roots.pop()
        self.publish_root()

    # --- delegations and targets

    def targets(self, role="targets"):
        return self.roles[role]

    def delegate(
        self,
        parent,
        name,
        paths=("*",),
        prefixes=None,
        terminating=False,
        signers=None,
        threshold=1,
        signs=True,
    ):
        """Lets `parent` delegate to `name`; without `signs` the new keys don't sign the role."""
        signers = [new_key(self.kind)] if signers is None else signers
        delegator = self.targets(parent)
        if delegator.delegations is None:
            delegator.delegations = Delegations({}, roles={})
        paths = None if prefixes else list(paths)
        role = DelegatedRole(name, [], threshold, terminating, paths, prefixes)
        delegator.delegations.roles[name] = role
        for signer in signers:
            delegator.add_key(signer.public_key, name)
        known = self.signers.setdefault(name, [])
        if signs:
            known.extend(signers)
        if name not in self.roles:
            self.roles[name] = Targets(spec_version=self.spec, expires=EXPIRES)
        return role

    def bins(self, parent, bits, prefix):
        """Lets `parent` delegate everything to succinct hash bins, all with one key."""
        signer = new_key(self.kind)
        succinct = SuccinctRoles([], 1, bits, prefix)
        self.targets(parent).delegations = Delegations({}, None, succinct)
        self.targets(parent).add_key(signer.public_key)
        for name in succinct.get_roles():
            self.roles[name] = Targets(spec_version=self.spec, expires=EXPIRES)
            self.signers[name] = [signer]
        return succinct

    def add(self, role, name, content=None, visited=None, found=True, served=True, python_tuf=True):
        """Adds a target; `visited` are the delegated roles on the way, in order."""
        content = f"{name} of {role}\n".encode() if content is None else content
        target = TargetFile.from_data(name, content, list(self.algorithms))
        self.targets(role).targets[name] = target
        if not found:
            return target
        if served:
            self.files[name] = content
        self.results.append(
            {
                "name": name,
                "result": "found",
                "role": role,
                "visited": list(visited or []),
                "length": target.length,
                "hashes": target.hashes,
                "content": sha256(content).hexdigest(),
                "served": served,
                "python_tuf": python_tuf,
            }
        )
        return target

    def absent(self, name, visited=()):
        """A client must say that there is no such target."""
        self._not_found(name, "absent", visited)

    def refused(self, name, visited=()):
        """A client must fail when asked for it: something on the way does not verify."""
        self._not_found(name, "refused", visited)

    def _not_found(self, name, result, visited):
        self.results.append(
            {"name": name, "result": result, "visited": list(visited), "python_tuf": True}
        )

    # --- writing

    def write(self, folder):
        """Writes everything; the folder must not hold another repository."""
        metadata = folder / "metadata"
        metadata.mkdir(parents=True)
        consistent = bool(self.root.consistent_snapshot)
        delegated = [name for name in self.roles if name not in TOP_LEVEL]
        unlisted = self.touch.get("unlisted", ())
        for name in ["targets", *delegated, "snapshot", "timestamp"]:
            signed = self.roles[name]
            data = self._signed(name, signed, self.signers[name])
            prefix = f"{signed.version}." if consistent and name != "timestamp" else ""
            (metadata / f"{prefix}{quote(name, safe='')}.json").write_bytes(data)
            if name == "snapshot":
                self.roles["timestamp"].snapshot_meta = self._meta_file(signed.version, data)
            elif name != "timestamp" and name not in unlisted:
                meta = self._meta_file(signed.version, data)
                self.roles["snapshot"].meta[f"{name}.json"] = meta
        for root, _, signers in self.roots:
            data = self._signed("root", root, signers)
            (metadata / f"{root.version}.root.json").write_bytes(data)
            if root.version == 1:
                (folder / "root.json").write_bytes(data)
        self._write_targets(folder / "targets", consistent)
        (folder / "expected.json").write_text(json.dumps(self._expected(), indent=1))

    def _signed(self, name, signed, signers):
        metadata = Metadata(copy.deepcopy(signed))
        for signer in signers:
            metadata.sign(signer, append=True)
        if change := self.touch.get(name):
            change(metadata)
        return metadata.to_bytes(JSONSerializer(compact=self.compact))

    def _meta_file(self, version, data):
        hashes = {name: DIGESTS[name](data).hexdigest() for name in self.pins} or None
        return MetaFile(version, len(data) if self.lengths else None, hashes)

    def _write_targets(self, folder, consistent):
        folder.mkdir()
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if consistent:
                for algorithm in self.algorithms:
                    digest = DIGESTS[algorithm](content).hexdigest()
                    path.with_name(f"{digest}.{path.name}").write_bytes(content)
            else:
                path.write_bytes(content)

    def _expected(self):
        versions = {name: self.roles[name].version for name in ("timestamp", "snapshot", "targets")}
        versions["root"] = self.roots[-1][0].version
        return {
            "shape": self.shape,
            "python_tuf": self.python_tuf,
            "consistent_snapshot": bool(self.root.consistent_snapshot),
            "versions": versions,
            "targets": self.results,
        }


def blank_signature(keyid):
    """The entry of a key holder who has not signed yet."""
    return Signature(keyid, "")
