"""The shapes: one function for each, all named in SHAPES."""

from hashlib import sha256
from pathlib import Path

from securesystemslib.signer import Signature

from builder import KINDS, Repository, blank_signature, new_key

SHAPES = {}


def shape(name, **options):
    """Registers `change`, which gets a Repository made with `options` and the folder to write to."""

    def register(change):
        def write(folder):
            repository = Repository(name, **options)
            if change(repository, Path(folder)) is not False:
                repository.write(Path(folder))

        assert name not in SHAPES, name
        SHAPES[name] = write
        return change

    return register


def small(repository, _folder=None):
    """A target at the top, one in folders, one in a delegated role, and one that isn't there."""
    repository.delegate("targets", "A", ["a/*"])
    repository.add("targets", "file.txt")
    repository.add("targets", "path/to/a/file.txt")
    repository.add("A", "a/file.txt", visited=["A"])
    repository.absent("missing.txt")
    repository.absent("a/missing.txt", visited=["A"])


def plain(name, **options):
    """Registers a shape in which nothing but the options is special."""
    shape(name, **options)(small)


plain("minimal")
plain("pretty-printed", compact=False, pins=("sha256",), lengths=True)
plain("consistent-off", consistent=False)
plain("consistent-off-pinned", consistent=False, pins=("sha256",), lengths=True)
plain("consistent-not-said", consistent=None)
plain("meta-hashes-and-lengths", pins=("sha256",), lengths=True)
plain("meta-hashes", pins=("sha256",))
plain("meta-lengths", lengths=True)
plain("meta-sha512", pins=("sha512",), lengths=True)
plain("meta-both-hashes", pins=("sha256", "sha512"), lengths=True)
plain("targets-sha512", algorithms=("sha512",))
plain("targets-both-hashes", algorithms=("sha256", "sha512"))
plain("targets-sha512-consistent-off", algorithms=("sha512",), consistent=False)
for kind in KINDS:
    plain(f"key-{kind}", kind=kind)
plain("threshold-2-of-3", keys=3, threshold=2)
plain("threshold-3-of-5-p256", keys=5, threshold=3, kind="ecdsa-p256")
for version in ("1.0", "1.0.0", "1.0.17", "1.0.31", "1.0.34", "1.0.99", "1.9.0"):
    plain(f"spec-{version}", spec=version)


# --- keys and signatures


@shape("keys-of-every-kind")
def keys_of_every_kind(repository, _folder):
    for role in ("root", "timestamp", "snapshot", "targets"):
        repository.give(role, [new_key(kind) for kind in KINDS], len(KINDS))
    repository.replace_root()
    signers = [new_key(kind) for kind in KINDS]
    repository.delegate("targets", "A", ["a/*"], signers=signers, threshold=len(KINDS))
    repository.add("A", "a/file.txt", visited=["A"])


@shape("keyids-opaque")
def keyids_opaque(repository, _folder):
    for role in ("root", "timestamp", "snapshot", "targets"):
        repository.give(role, [new_key(keyid=f"The {role} key, 1/1")])
    repository.replace_root()
    repository.delegate("targets", "A", ["a/*"], signers=[new_key(keyid="ä")])
    repository.add("A", "a/file.txt", visited=["A"])


@shape("one-key-for-all-roles")
def one_key_for_all_roles(repository, _folder):
    signer = new_key()
    for role in ("root", "timestamp", "snapshot", "targets"):
        repository.give(role, [signer])
    repository.replace_root()
    repository.delegate("targets", "A", ["a/*"], signers=[signer])
    repository.add("A", "a/file.txt", visited=["A"])


@shape("signatures-extra", keys=3, threshold=2)
def signatures_extra(repository, _folder):
    """Of three keys two sign; the third's entry is empty or wrong, and a stranger signs too."""
    small(repository)
    stranger = new_key("ecdsa-p256")

    def change(spoiled):
        def touch(metadata):
            third = list(metadata.signatures)[-1]
            metadata.signatures[third] = spoiled(third)
            metadata.sign(stranger, append=True)
            metadata.signatures["no such key"] = Signature("no such key", "00")

        return touch

    repository.touch["root"] = change(blank_signature)
    repository.touch["targets"] = change(blank_signature)
    repository.touch["snapshot"] = change(lambda keyid: Signature(keyid, "ab" * 64))
    repository.touch["timestamp"] = change(lambda keyid: Signature(keyid, "ab" * 64))


# --- root rotations


def rotations(count):
    @shape(f"roots-{count}")
    def roots(repository, _folder):
        small(repository)
        for version in range(2, count + 1):
            # Every other version, so that versions without new keys occur too.
            if version % 2 == 0:
                repository.give("root", [new_key()])
            repository.publish_root()


for number in (1, 2, 3, 10, 33):
    rotations(number)


@shape("roots-thresholds")
def roots_thresholds(repository, _folder):
    """1 of 1, then 2 of 3, then 3 of 3 with one key kept, then 1 of 1 again."""
    small(repository)
    first, second, third = new_key(), new_key("ecdsa-p256"), new_key("rsa-pss")
    repository.give("root", [first, second, third], 2)
    repository.publish_root()
    repository.give("root", [third, new_key(), new_key("ecdsa-p384")], 3)
    repository.publish_root()
    repository.give("root", [new_key()])
    repository.publish_root()


@shape("roots-consistent-switched", consistent=False)
def roots_consistent_switched(repository, folder):
    """Consistent snapshots are off before, and on after a root rotation."""
    small(repository)
    repository.write(folder / "before")
    repository.root.consistent_snapshot = True
    repository.publish_root()
    for role in ("targets", "snapshot", "timestamp"):
        repository.roles[role].version += 1


def recovery(name, rotated, high, python_tuf=True, again=False):
    """High versions before; then the keys of `rotated` are new and the versions low."""

    @shape(f"recovery-{name}")
    def recover(repository, folder):
        small(repository)
        for role in high:
            repository.roles[role].version = 1000
        repository.write(folder / "before")
        old = {role: repository.signers[role] for role in rotated}
        for role in rotated:
            repository.give(role, [new_key()])
        repository.publish_root()
        if again:
            for role in rotated:
                repository.give(role, old[role])
            repository.publish_root()
        # What is not rotated goes on from where it was.
        for role in ("timestamp", "snapshot", "targets"):
            repository.roles[role].version = 1 if role in high else 2
        repository.python_tuf = python_tuf


recovery("timestamp", ["timestamp"], ["timestamp"])
recovery("snapshot", ["snapshot", "timestamp"], ["snapshot"])
recovery("targets", ["snapshot"], ["targets"])
recovery("timestamp-a-b-a", ["timestamp"], ["timestamp"], again=True, python_tuf=False)


@shape("update")
def update(repository, folder):
    """An ordinary update: a target more, one changed, one gone."""
    small(repository)
    repository.add("targets", "old.txt")
    repository.write(folder / "before")
    del repository.targets().targets["old.txt"], repository.files["old.txt"]
    changed = ("old.txt", "file.txt")
    repository.results = [row for row in repository.results if row["name"] not in changed]
    repository.absent("old.txt")
    repository.add("targets", "file.txt", b"changed\n")
    repository.add("A", "a/new.txt", visited=["A"])
    for role in repository.roles:
        repository.roles[role].version += 1


# --- content


@shape("unknown-fields", pins=("sha256",), lengths=True)
def unknown_fields(repository, _folder):
    odd = {
        "text": 'quote " backslash \\ slash / newline \n tab \t bell \u0007 ä € 😀',
        "numbers": [0, -1, 9007199254740993, True, False, None],
        "": {"empty name": {}},
        "Z": [],
        "a": "",
    }
    small(repository)
    repository.root.unrecognized_fields["x-root"] = odd
    for key in repository.root.keys.values():
        key.unrecognized_fields["x-key"] = odd
    for role in repository.root.roles.values():
        role.unrecognized_fields["x-role"] = odd
    repository.replace_root()
    for signed in repository.roles.values():
        signed.unrecognized_fields["x-signed"] = odd
    delegations = repository.targets().delegations
    delegations.unrecognized_fields["x-delegations"] = odd
    delegations.roles["A"].unrecognized_fields["x-delegation"] = odd
    for target in repository.targets().targets.values():
        target.unrecognized_fields["custom"] = odd
        target.unrecognized_fields["x-target"] = odd

    def envelope(metadata):
        metadata.unrecognized_fields["x-envelope"] = odd
        for signature in metadata.signatures.values():
            signature.unrecognized_fields["x-signature"] = odd

    for role in ("root", *repository.roles):
        repository.touch[role] = envelope


@shape("target-contents")
def target_contents(repository, _folder):
    repository.add("targets", "empty", b"")
    repository.add("targets", "binary", bytes(range(256)))
    repository.add("targets", "large", b"0123456789abcdef" * 65536)


@shape("target-names")
def target_names(repository, _folder):
    plain = "with space", "ä/ö.txt", "100%", "a+b", "a&b=c", "a:b", "a@b", "a;b", "(a)!'*", ".hidden", "a..b"
    for name in plain:
        repository.add("targets", name)
    # python-tuf puts them into URLs as they are.
    for name in ("a#b", "a?b", "a%20b", "a%2Fb", "[a]", "a\\b"):
        repository.add("targets", name, python_tuf=False)
    # No file can lie there; what matters is that no request leaves the base URL.
    for name in ("../escape", "a/../../escape", "//host/x", "/absolute", "a//b", "./a", "a/"):
        repository.add("targets", name, served=False, python_tuf=False)
    repository.absent("WITH SPACE")


# --- delegations


@shape("delegation-preorder")
def delegation_preorder(repository, _folder):
    for parent, name in (("targets", "A"), ("targets", "B"), ("A", "C"), ("A", "D"), ("C", "E")):
        repository.delegate(parent, name)
    repository.add("targets", "top")
    repository.add("A", "top", b"not this", found=False)
    repository.add("A", "a", visited=["A"])
    repository.add("B", "a", b"not this", found=False)
    repository.add("E", "e", visited=["A", "C", "E"])
    repository.add("D", "e", b"not this", found=False)
    repository.add("D", "d", visited=["A", "C", "E", "D"])
    repository.add("B", "d", b"not this", found=False)
    repository.add("B", "b", visited=["A", "C", "E", "D", "B"])
    repository.absent("none", visited=["A", "C", "E", "D", "B"])


@shape("delegation-terminating")
def delegation_terminating(repository, _folder):
    repository.delegate("targets", "A", ["*", "a/*"])
    repository.delegate("targets", "B", ["*", "a/*"])
    repository.delegate("A", "C", ["*"], terminating=True)
    repository.delegate("A", "D", ["*", "a/*"])
    repository.delegate("C", "E", ["*"])
    repository.add("E", "e", visited=["A", "C", "E"])
    repository.add("B", "b", found=False)
    repository.absent("b", visited=["A", "C", "E"])
    repository.add("D", "d", found=False)
    repository.absent("d", visited=["A", "C", "E"])
    # Its pattern doesn't match, so that it ends nothing.
    repository.add("D", "a/d", visited=["A", "D"])
    repository.add("B", "a/b", visited=["A", "D", "B"])


@shape("delegation-cycle")
def delegation_cycle(repository, _folder):
    edges = (("targets", "A"), ("targets", "B"), ("B", "C"), ("C", "D"))
    for parent, name in edges:
        repository.delegate(parent, name)
    repository.delegate("D", "B", signers=repository.signers["B"], signs=False)
    repository.delegate("A", "A", signers=repository.signers["A"], signs=False)
    repository.add("D", "d", visited=["A", "B", "C", "D"])
    repository.absent("none", visited=["A", "B", "C", "D"])


@shape("delegation-depth")
def delegation_depth(repository, _folder):
    """A chain of 20, each its predecessor's only delegation."""
    names = [f"level-{level}" for level in range(20)]
    for parent, name in zip(["targets", *names], names):
        repository.delegate(parent, name)
    repository.add(names[-1], "deep", visited=names)
    repository.absent("none", visited=names)


def diamond(repository):
    repository.delegate("targets", "A", ["a/*", "both/*"])
    repository.delegate("targets", "B", ["b/*", "both/*"])


@shape("delegation-diamond")
def delegation_diamond(repository, _folder):
    """Two roles delegate to a third, each with a key of its own; both keys sign it."""
    diamond(repository)
    repository.delegate("A", "C", ["a/*", "both/*"])
    repository.delegate("B", "C", ["b/*", "both/*"])
    repository.add("C", "a/file", visited=["A", "C"])
    repository.add("C", "b/file", visited=["B", "C"])
    repository.add("C", "both/file", visited=["A", "C"])
    repository.absent("both/none", visited=["A", "C", "B"])


@shape("delegation-diamond-other-keys")
def delegation_diamond_other_keys(repository, _folder):
    """As above, but B's key doesn't sign: what is fine through A is not through B."""
    diamond(repository)
    repository.delegate("A", "C", ["a/*", "both/*"])
    repository.delegate("B", "C", ["b/*", "both/*"], signs=False)
    repository.add("C", "a/file", visited=["A", "C"])
    repository.add("C", "b/file", found=False)
    repository.refused("b/file", visited=["B", "C"])
    repository.add("C", "both/file", visited=["A", "C"])


@shape("delegation-thresholds")
def delegation_thresholds(repository, _folder):
    """A: 2 of 3 sign; B: 1 of 2 required, one of them signs; C: 2 of 2 required, one signs."""
    some = [new_key(), new_key("ecdsa-p256"), new_key("rsa-pss")]
    repository.delegate("targets", "A", ["a/*"], signers=some, threshold=2)
    repository.signers["A"] = some[1:]
    repository.delegate("targets", "B", ["b/*"], signers=[new_key(), new_key()])
    repository.signers["B"].pop()
    repository.delegate("targets", "C", ["c/*"], signers=[new_key(), new_key()], threshold=2)
    repository.signers["C"].pop()
    repository.add("A", "a/file", visited=["A"])
    repository.add("B", "b/file", visited=["B"])
    repository.add("C", "c/file", found=False)
    repository.refused("c/file", visited=["C"])


@shape("delegation-not-in-snapshot")
def delegation_not_in_snapshot(repository, _folder):
    repository.delegate("targets", "A", ["a/*"])
    repository.delegate("targets", "B", ["b/*"])
    repository.touch["unlisted"] = ["A"]
    repository.add("A", "a/file", found=False)
    repository.refused("a/file")
    repository.add("B", "b/file", visited=["B"])


@shape("delegation-globs")
def delegation_globs(repository, _folder):
    patterns = {
        "star": ["*.md"],
        "question": ["foo-?.tgz"],
        "folders": ["releases/*/*"],
        "middle": ["a*z/b"],
        "literal": ["exact/name.txt"],
        "several": ["x/*", "y/*"],
        "stars": ["deep/**"],
        "open": ["open[/*"],
        "none": [],
    }
    for name, paths in patterns.items():
        repository.delegate("targets", name, paths)
    rows = {
        "star": ["README.md", ".md"],
        "question": ["foo-1.tgz"],
        "folders": ["releases/x/y"],
        "middle": ["az/b", "a-middle-z/b"],
        "literal": ["exact/name.txt"],
        "several": ["x/1", "y/2"],
        "stars": ["deep/one"],
        "open": ["open[/1"],
    }
    for role, names in rows.items():
        for name in names:
            repository.add(role, name, visited=[role])
    everywhere = ["README.MD", "dir/README.md", "foo-.tgz", "foo-12.tgz", "foo-/.tgz", "releases/x"]
    everywhere += ["releases/x/y/z", "a/z/b", "az/bb", "exact/name.txt/", "exact/nameXtxt", "z/1"]
    everywhere += ["deep/a/b", "open/1"]
    for name in everywhere:
        for role in patterns:
            repository.add(role, name, found=False)
        repository.absent(name)


@shape("delegation-hash-prefixes")
def delegation_hash_prefixes(repository, _folder):
    """Four bins by the first hexadecimal digit; then one by a longer prefix, within the first."""
    digits = "0123456789abcdef"
    names = [f"bin-{digits[first]}-{digits[first + 3]}" for first in range(0, 16, 4)]
    for index, name in enumerate(names):
        prefixes = list(digits[index * 4 : index * 4 + 4])
        repository.delegate("targets", name, prefixes=prefixes, terminating=True)
    for number in range(12):
        name = f"dir/file-{number}.txt"
        first = int(sha256(name.encode()).hexdigest()[0], 16)
        repository.add(names[first // 4], name, visited=[names[first // 4]])
    first = int(sha256(b"missing").hexdigest()[0], 16)
    repository.absent("missing", visited=[names[first // 4]])
    name = "precise"
    whole = sha256(name.encode()).hexdigest()
    parent = names[int(whole[0], 16) // 4]
    repository.delegate(parent, "one", prefixes=[whole[:8]])
    repository.add("one", name, visited=[parent, "one"])


def bins(bits):
    @shape(f"delegation-bins-{bits}")
    def delegation_bins(repository, _folder):
        succinct = repository.bins("targets", bits, "bin")
        repository.add("targets", "top")
        for number in range(12):
            name = f"dir/file-{number}.txt"
            role = succinct.get_role_for_target(name)
            repository.add(role, name, visited=[role])
        role = succinct.get_role_for_target("missing")
        repository.absent("missing", visited=[role])


for number in (1, 3, 5, 8):
    bins(number)


@shape("delegation-bins-below")
def delegation_bins_below(repository, _folder):
    """Succinct bins of a delegated role, whose name has a space."""
    repository.delegate("targets", "A", ["a/*"])
    succinct = repository.bins("A", 2, "my bin")
    for number in range(4):
        name = f"a/{number}"
        role = succinct.get_role_for_target(name)
        repository.add(role, name, visited=["A", role])


@shape("delegation-role-names")
def delegation_role_names(repository, _folder):
    names = ["?", "#", "/delegated", "../delegated", "..", ".", "with space", "ä", "a%2Fb", "a/b/c"]
    names += ["1.role", "role.json", "Targets", "targets/releases", "a&b=c", "a+b", "~a-b_c", "[a]"]
    names += ["back\\slash", "C:"]
    for index, name in enumerate(names):
        repository.delegate("targets", name, [f"{index}/*"])
        repository.add(name, f"{index}/file", visited=[name])
        repository.absent(f"{index}/none", visited=[name])


@shape("delegation-same-key")
def delegation_same_key(repository, _folder):
    """The top's own key signs a delegated role, and key ids occur in two delegations."""
    signer = repository.signers["targets"][0]
    repository.delegate("targets", "A", ["a/*"], signers=[signer])
    repository.delegate("targets", "B", ["b/*"], signers=[signer])
    repository.add("A", "a/file", visited=["A"])
    repository.add("B", "b/file", visited=["B"])


@shape("delegation-pinned", pins=("sha256", "sha512"), lengths=True)
def delegation_pinned(repository, folder):
    delegation_preorder(repository, folder)


@shape("delegation-consistent-off", consistent=False)
def delegation_consistent_off(repository, folder):
    delegation_preorder(repository, folder)
