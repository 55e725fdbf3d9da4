#!/usr/bin/python3
"""A second reader and writer of encrypted repositories, on PyNaCl, written from docs/repository-format.md alone.

    pgassay_open.py check REPO DB KEY [--trust PUB]     opens every backup of DB: what it holds, as one line of JSON each
    pgassay_open.py rows REPO DB KEY SCHEMA.TABLE       the newest backup's rows of a table, as COPY sent them
    pgassay_open.py reseal REPO DB KEY                  all chunks, manifests and labels anew, sealed by this program
    pgassay_open.py vectors FILE                        checks a file of test vectors
    pgassay_open.py make-vectors FILE                   writes one
    pgassay_open.py relock KEY                          locks KEY anew by the same passphrase, so that it costs no time to guess

KEY is a secret key file; its passphrase, when it has one, is the first line of --passphrase-file.  Names of databases are
taken as they stand in the repository.  Anything that is not as it should be ends the program with what it was.
"""
import argparse
import gzip
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from nacl import bindings as sodium
from nacl.exceptions import CryptoError

MAGIC = b"PGASSAY\x01"
HEAD = len(MAGIC) + 48 + 32     # and a sealed box of a key
TAG = 16


class Bad(Exception):
    """What was found is not what should be there."""


def expect(truth, what):
    if not truth:
        raise Bad(what)


# ---- sealed bytes --------------------------------------------------------------------------------

def padme(n):
    """The length that n is padded to: as many of its lowest bits are zero as its length's length allows."""
    e = n.bit_length() - 1
    mask = (1 << (e - e.bit_length())) - 1
    return (n + mask) & ~mask


def associated(kind, public, what, head):
    return b"pgassay " + kind.encode() + b" v1\0" + public + what + head


def seal(kind, public, what, data):
    key = os.urandom(32)
    head = MAGIC + sodium.crypto_box_seal(key, public)
    inner = len(data).to_bytes(8, "little") + data
    inner += bytes(padme(len(inner)) - len(inner))
    return head + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(inner, associated(kind, public, what, head), bytes(24), key)


def unseal(kind, public, secret, what, sealed):
    head = sealed[:HEAD]
    expect(len(sealed) >= HEAD + 8 + TAG and head[:8] == MAGIC, "not sealed")
    key = sodium.crypto_box_seal_open(head[8:], public, secret)
    inner = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[HEAD:], associated(kind, public, what, head), bytes(24), key)
    n = int.from_bytes(inner[:8], "little")
    expect(n <= len(inner) - 8, "longer inside than outside")
    expect(len(inner) == padme(8 + n) and not any(inner[8 + n:]), "not padded with zeroes to the length that Padmé gives")
    return inner[8:8 + n]


# ---- keys ----------------------------------------------------------------------------------------

def key_id(key):
    return hashlib.sha256(b"pgassay key v1\0" + bytes.fromhex(key["read"]) + bytes.fromhex(key["sign"])).hexdigest()[:16]


def derive(lock, passphrase_file):
    passphrase = Path(passphrase_file).read_text().split("\n")[0].encode()
    return sodium.crypto_pwhash_alg(32, passphrase, bytes.fromhex(lock["salt"]), lock["ops"], lock["mem"],
                                    sodium.crypto_pwhash_ALG_ARGON2ID13)


def load_payload(path, passphrase_file=None):
    """The key file, and its secrets: X25519's 32 bytes are the first."""
    key = json.loads(Path(path).read_text())
    expect(key["type"] == "secret-key" and key["id"] == key_id(key), "not a secret key, or its id is not that of its keys")
    if "locked" in key:
        lock = key["locked"]
        payload = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            bytes.fromhex(lock["box"]), key["id"].encode(), bytes.fromhex(lock["nonce"]), derive(lock, passphrase_file))
    else:
        payload = bytes.fromhex(key["secret"])
    expect(sodium.crypto_scalarmult_base(payload[:32]) == bytes.fromhex(key["read"]), "the halves do not belong together")
    return key, payload


def load_secret(path, passphrase_file=None):
    key, payload = load_payload(path, passphrase_file)
    return key, payload[:32]


def relock(a):
    key, payload = load_payload(a.key, a.passphrase_file)
    lock = key["locked"]
    lock["ops"], lock["mem"] = 1, 1 << 20
    lock["box"] = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        payload, key["id"].encode(), bytes.fromhex(lock["nonce"]), derive(lock, a.passphrase_file)).hex()
    Path(a.key).write_text(json.dumps(key) + "\n")


# ---- a repository --------------------------------------------------------------------------------

def newest(directory, pattern):
    """The file whose number, the pattern's group, is the highest."""
    found = [(int(m[1]), p) for p in directory.iterdir() if (m := re.fullmatch(pattern, p.name))]
    expect(found, f"no {pattern}")
    return max(found)[1]


def first_line(path):
    return path.read_bytes().split(b"\n")[0]


def unpack(name, data):
    if name.endswith(".raw"):
        return data
    if name.endswith(".gz"):
        return gzip.decompress(data)
    return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout


def pack(data):
    return subprocess.run(["zstd", "-cq"], input=data, stdout=subprocess.PIPE, check=True).stdout


class Epoch:
    def __init__(self, repo, number, public, key, secret):
        self.public = bytes.fromhex(public)
        keys = json.loads(first_line(newest(repo, rf"keys\.{number}\.(\d+)\.json")))
        expect(keys["public"] == public, "keys of another epoch")
        mine = [r for r in keys["readers"] if r["key"] == key["id"]]
        expect(mine, f"{key['id']} is no reader of epoch {number}")
        payload = unseal("epoch-reader", bytes.fromhex(key["read"]), secret, self.public, bytes.fromhex(mine[0]["box"]))
        expect(len(payload) == 32 + 32 + 16, "not an epoch's keys")
        self.secret, self.id_key = payload[:32], payload[32:64]
        expect(sodium.crypto_scalarmult_base(self.secret) == self.public, "the secret is not the epoch's")

    def open(self, kind, what, sealed):
        return unseal(kind, self.public, self.secret, what, sealed)


class Backup:
    def __init__(self, repo, epochs, repo_id, directory):
        self.dir, self.repo, self.repo_id = directory, repo, repo_id
        self.db = directory.parent.parent
        self.label = json.loads(first_line(directory / "label.json"))
        expect(self.label["encrypted"], "not encrypted")
        self.epoch = epochs[self.label["epoch"]]
        run = f"-{self.label['run']}" if "copied_from" in self.label else ""
        self.list_path = directory / f"chunks{run}.zst"
        self.manifest_path = directory / f"manifest{run}.json.zst.enc"

    def id(self):
        return self.label["backup"].encode()

    def hidden(self):
        return json.loads(self.epoch.open("label", self.id(), bytes.fromhex(self.label["hidden"])))

    def stored(self, path, part):
        data = path.read_bytes()
        expect(len(data) == self.label[f"{part}_size"] and hashlib.sha256(data).hexdigest() == self.label[f"{part}_sha256"],
               f"{path} is not what the label says")
        return data

    def lines(self):
        text = unpack("chunks.zst", self.stored(self.list_path, "chunks")).decode()
        expect(len(text) == self.label["chunks_raw_size"], "the chunk list is not as long as the label says")
        return [line.split(" ") for line in text.splitlines()]

    def manifest(self):
        text = unpack("manifest.zst", self.epoch.open("manifest", self.id(), self.stored(self.manifest_path, "manifest")))
        expect(hashlib.sha256(text).hexdigest() == self.label["manifest_raw_sha256"], "the manifest is not what the label says")
        return json.loads(text)

    def chunk(self, name, size, raw_size):
        """What it holds, checked in every way."""
        return chunk_contents(self.epoch, self.db / "chunks" / name, name, int(size), int(raw_size))

    def plain(self, manifest, number):
        """What is at a place: a chunk, or what a delta puts together from its sources."""
        if number < 1 << 31:
            return self.chunk(*manifest["chunks"][number])
        size, digest, sources = manifest["deltas"][number - (1 << 31)]
        parts = [self.plain(manifest, c)[offset:offset + length] for c, offset, length in sources]
        pieces = [tuple(map(int, line.split(b" "))) for line in parts[-1].splitlines()]
        plain = b"".join(parts[source][offset:offset + length] for source, offset, length in pieces)
        expect(len(plain) == size and hashlib.sha256(plain).hexdigest() == digest, "a delta does not add up")
        return plain

    def verify_signature(self, public_key):
        path = self.dir / "label.json"
        line, second = path.read_bytes().split(b"\n")[:2]
        signed = json.loads(second)
        expect(signed["key"] == public_key["id"], "signed by another key")
        message = b"pgassay label v1\0" + self.repo_id.encode() + str(path.relative_to(self.repo)).encode() + b"\0" + line
        sodium.crypto_sign_open(bytes.fromhex(signed["signature"]) + message, bytes.fromhex(public_key["sign"]))


NAME = re.compile(r"(\d+)/(..)/(([0-9a-f]{64})-([0-9a-f]{64})-([0-9a-f]{16})\.(zst|gz|raw)\.enc)")


def chunk_what(name):
    m = NAME.fullmatch(name)
    expect(m and m[4].startswith(m[2]), f"{name} is no encrypted chunk's name")
    return bytes.fromhex(m[4]) + m[7].encode()


def chunk_payload(epoch, path, name):
    sealed = path.read_bytes()
    expect(hashlib.sha256(sealed).hexdigest() == NAME.fullmatch(name)[5], f"{name}: another SHA-256")
    return epoch.open("chunk", chunk_what(name), sealed)


def chunk_contents(epoch, path, name, size, raw_size):
    expect(path.stat().st_size == size, f"{name}: another size")
    raw = unpack(name[:-len(".enc")], chunk_payload(epoch, path, name))
    expect(len(raw) == raw_size, f"{name}: another raw size")
    expect(hmac.digest(epoch.id_key, raw, "sha256") == chunk_what(name)[:32], f"{name}: not the contents of its id")
    return raw


def open_backups(a):
    repo = Path(a.repo)
    key, secret = load_secret(a.key, a.passphrase_file)
    repo_object = json.loads(first_line(newest(repo, r"repo\.(\d+)\.json")))
    repo_id = repo_object["repo_id"]
    epochs = {e["epoch"]: Epoch(repo, e["epoch"], e["public"], key, secret) for e in repo_object["epochs"]}
    dirs = [label.parent for label in sorted((repo / a.db / "backups").glob("*/label.json"))]
    # Those of before there was encryption are nobody's secret.
    return [Backup(repo, epochs, repo_id, d) for d in dirs if json.loads(first_line(d / "label.json")).get("encrypted")]


def check(a):
    for b in open_backups(a):
        if a.trust:
            b.verify_signature(json.loads(Path(a.trust).read_text()))
        manifest = b.manifest()
        expect(sorted(c[0] for c in manifest["chunks"]) == [line[0] for line in b.lines()], "manifest and chunk list differ")
        raw = sum(len(b.chunk(*c)) for c in manifest["chunks"])
        for number in range(len(manifest.get("deltas", []))):
            b.plain(manifest, number + (1 << 31))
        print(json.dumps({"backup": b.label["backup"], "chunks": len(manifest["chunks"]), "raw_bytes": raw,
                          "tables": len(manifest["tables"]), "hidden": b.hidden()}))


def rows(a):
    b = open_backups(a)[-1]
    manifest = b.manifest()
    for t in manifest["tables"]:
        if f"{t['schema']}.{t['name']}" != a.table:
            continue
        for block in t["ranges"]:
            for number, offset, length in block[3]:
                sys.stdout.buffer.write(b.plain(manifest, number)[offset:offset + length])


def chunk(a):
    b = open_backups(a)[-1]
    sys.stdout.buffer.write(b.chunk(*b.manifest()["chunks"][int(a.number)]))


def guess(a):
    """All that a writer's box is good for: which id these contents would have in the newest epoch."""
    repo = Path(a.repo)
    key, secret = load_secret(a.key, a.passphrase_file)
    number = json.loads(first_line(newest(repo, r"repo\.(\d+)\.json")))["epoch"]
    keys = json.loads(first_line(newest(repo, rf"keys\.{number}\.(\d+)\.json")))
    expect(not [r for r in keys["readers"] if r["key"] == key["id"]], "a reader's key")
    mine = [w for w in keys["writers"] if w["key"] == key["id"]]
    expect(mine, f"{key['id']} is no writer of epoch {number}")
    payload = unseal("epoch-writer", bytes.fromhex(key["read"]), secret, bytes.fromhex(keys["public"]), bytes.fromhex(mine[0]["box"]))
    expect(len(payload) == 32 + 16, "more than the naming keys")
    print(hmac.digest(payload[:32], Path(a.file).read_bytes(), "sha256").hex())


# ---- the other way round -------------------------------------------------------------------------

def replace_file(path, data):
    path.unlink()
    path.write_bytes(data)
    return len(data), hashlib.sha256(data).hexdigest()


def reseal_chunks(b, new):
    for name, size, _, _ in b.lines():
        if name in new:
            continue
        path = b.db / "chunks" / name
        sealed = seal("chunk", b.epoch.public, chunk_what(name), chunk_payload(b.epoch, path, name))
        expect(len(sealed) == int(size), "another length than theirs")
        new[name] = name.replace(NAME.fullmatch(name)[5], hashlib.sha256(sealed).hexdigest())
        (b.db / "chunks" / new[name]).write_bytes(sealed)


def reseal_backup(b, new):
    manifest = b.manifest()
    lines = sorted([new[line[0]], *line[1:]] for line in b.lines())
    for c in manifest["chunks"]:
        c[0] = new[c[0]]
    text = json.dumps(manifest, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    list_text = "".join(" ".join(line) + "\n" for line in lines).encode()
    label = b.label
    label["manifest_raw_size"], label["manifest_raw_sha256"] = len(text), hashlib.sha256(text).hexdigest()
    label["manifest_size"], label["manifest_sha256"] = replace_file(
        b.manifest_path, seal("manifest", b.epoch.public, b.id(), pack(text)))
    label["chunks_raw_size"] = len(list_text)
    label["chunks_size"], label["chunks_sha256"] = replace_file(b.list_path, pack(list_text))
    label["hidden"] = seal("label", b.epoch.public, b.id(), json.dumps(b.hidden()).encode()).hex()
    replace_file(b.dir / "label.json", json.dumps(label, separators=(",", ":")).encode() + b"\n")


def reseal(a):
    backups = open_backups(a)
    new = {}
    for b in backups:
        reseal_chunks(b, new)
    for b in backups:
        reseal_backup(b, new)
    for name in new:
        (backups[0].db / "chunks" / name).unlink()


# ---- vectors -------------------------------------------------------------------------------------

def make_vectors(a):
    """Keys are derived from words, so that they are the same each time; what is sealed has fresh random keys in it."""
    pairs = {who: hashlib.sha256(f"pgassay test vector: {who}".encode()).digest() for who in ("epoch", "reader")}
    public = {who: sodium.crypto_scalarmult_base(secret) for who, secret in pairs.items()}
    naming = bytes(range(48))
    text = b"1\tone\n2\ttwo\n"
    chunk_id = hmac.digest(naming[:32], text, "sha256")
    packed = pack(text)
    sealed = [
        ("chunk, zstd", "chunk", "epoch", chunk_id + b"zst", packed),
        ("chunk, uncompressed", "chunk", "epoch", chunk_id + b"raw", text),
        ("empty", "chunk", "epoch", hmac.digest(naming[:32], b"", "sha256") + b"raw", b""),
        ("manifest", "manifest", "epoch", b"20261121T021500Z-4f2a", b"{}" * 500),
        ("label", "label", "epoch", b"20261121T021500Z-4f2a", b'{"warnings":[]}'),
        ("reader's box", "epoch-reader", "reader", public["epoch"], pairs["epoch"] + naming),
        ("writer's box", "epoch-writer", "reader", public["epoch"], naming),
    ]
    vectors = {
        "about": "core/crypto/seal.h: secret keys as hex; sealed by tests/e2e/pgassay_open.py make-vectors",
        "keys": {who: {"secret": pairs[who].hex(), "public": public[who].hex()} for who in pairs},
        "naming": {"id_key": naming[:32].hex(), "fingerprint_key": naming[32:].hex()},
        "chunk": {"plaintext": text.hex(), "id": chunk_id.hex()},
        "sealed": [{"name": name, "type": kind, "to": to, "what": what.hex(), "data": data.hex(),
                    "sealed": seal(kind, public[to], what, data).hex()} for name, kind, to, what, data in sealed],
    }
    Path(a.file).write_text(json.dumps(vectors, indent=1) + "\n")


def vectors(a):
    v = json.loads(Path(a.file).read_text())
    for one in v["sealed"]:
        keys = {k: bytes.fromhex(x) for k, x in v["keys"][one["to"]].items()}
        expect(sodium.crypto_scalarmult_base(keys["secret"]) == keys["public"], "not a key pair")
        data = unseal(one["type"], keys["public"], keys["secret"], bytes.fromhex(one["what"]), bytes.fromhex(one["sealed"]))
        expect(data == bytes.fromhex(one["data"]), f"{one['name']}: other data")
    expect(hmac.digest(bytes.fromhex(v["naming"]["id_key"]), bytes.fromhex(v["chunk"]["plaintext"]), "sha256").hex() ==
           v["chunk"]["id"], "the id is another")
    print(len(v["sealed"]))


def main():
    p = argparse.ArgumentParser()
    sub = p.add_subparsers(required=True)
    for name, fn, args in (("check", check, ["repo", "db", "key"]), ("rows", rows, ["repo", "db", "key", "table"]),
                           ("chunk", chunk, ["repo", "db", "key", "number"]), ("guess", guess, ["repo", "key", "file"]),
                           ("reseal", reseal, ["repo", "db", "key"]), ("vectors", vectors, ["file"]),
                           ("make-vectors", make_vectors, ["file"]), ("relock", relock, ["key"])):
        one = sub.add_parser(name)
        for arg in args:
            one.add_argument(arg)
        one.add_argument("--trust")
        one.add_argument("--passphrase-file")
        one.set_defaults(run=fn)
    a = p.parse_args()
    try:
        a.run(a)
    except (Bad, CryptoError, OSError, ValueError, KeyError, subprocess.CalledProcessError) as e:
        sys.exit(f"pgassay_open.py: {type(e).__name__}: {e}")


if __name__ == "__main__":
    main()
