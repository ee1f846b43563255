"""The signing key stays in its file; the issuer's document shows public halves only."""

import json
import stat
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certification import issuers, keys, multibase, signing
from certification.models import IssuerKey


def test_the_key_is_made_once_with_mode_600(settings):
    first = keys.signing_key()
    mode = stat.S_IMODE(settings.CERTIFICATION_SIGNING_KEY_FILE.stat().st_mode)
    assert mode == 0o600
    assert signing.public_bytes(first) == signing.public_bytes(keys.signing_key())


def test_processes_that_make_the_key_at_once_use_one_and_the_same(settings):
    start, made = threading.Barrier(8), set()

    def make():
        start.wait(timeout=30)
        made.add(signing.public_bytes(keys.signing_key()))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(made) == 1
    assert [path.name for path in settings.CERTIFICATION_SIGNING_KEY_FILE.parent.iterdir()] == [
        "signing-key.pem"
    ]


def test_production_never_makes_a_key_and_says_how_to(settings):
    settings.CERTIFICATION_MAKE_SIGNING_KEY = False
    with pytest.raises(keys.KeyProblem, match="openssl genpkey"):
        keys.signing_key()


def test_a_key_that_others_can_read_is_refused_with_the_fix(settings):
    keys.signing_key()
    settings.CERTIFICATION_SIGNING_KEY_FILE.chmod(0o644)
    with pytest.raises(keys.KeyProblem, match="chmod 600"):
        keys.signing_key()


@pytest.mark.parametrize("content", [b"not a key", b""])
def test_a_file_without_a_key_is_refused(settings, content):
    write(settings.CERTIFICATION_SIGNING_KEY_FILE, content)
    with pytest.raises(keys.KeyProblem, match="Ed25519"):
        keys.signing_key()


def test_another_kind_of_key_is_refused(settings):
    rsa = generate_private_key(public_exponent=65537, key_size=2048)
    pem = rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write(settings.CERTIFICATION_SIGNING_KEY_FILE, pem)
    with pytest.raises(keys.KeyProblem, match="another kind"):
        keys.signing_key()


def write(path, content):
    path.touch(mode=0o600)
    path.write_bytes(content)


def test_no_private_key_reaches_the_database(db):
    key = keys.signing_key()
    keys.our_method(key)
    private = key.private_bytes_raw()
    told = json.dumps(list(IssuerKey.objects.values()), default=str)
    assert private.hex() not in told
    assert multibase.base58(private)[1:] not in told
    assert multibase.base64url(private)[1:] not in told


@pytest.mark.parametrize(
    ("url", "did"),
    [
        ("https://labs.example.org", "did:web:labs.example.org"),
        ("https://Labs.Example.org", "did:web:labs.example.org"),
        ("http://localhost:8000", "did:web:localhost%3A8000"),
        ("http://127.0.0.1:8123", "did:web:127.0.0.1%3A8123"),
    ],
)
def test_the_did_is_the_sites_address_with_its_port_encoded(url, did):
    assert issuers.did_of(url) == did


def test_the_did_document_lists_every_key_that_ever_signed(db, settings, tmp_path):
    old = keys.our_method(keys.signing_key())
    settings.CERTIFICATION_SIGNING_KEY_FILE = tmp_path / "next.pem"
    new = keys.our_method(keys.signing_key())
    document = issuers.did_document(keys.our_issuer())
    assert set(document["assertionMethod"]) == {old, new}
    assert {method["id"] for method in document["verificationMethod"]} == {old, new}
    assert {method["controller"] for method in document["verificationMethod"]} == {document["id"]}


def test_a_thumbprint_is_that_of_rfc_8037():
    # RFC 8037, appendix A.3.
    public = multibase.from_base64url("u11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert signing.thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("data", [b"", b"\0\0a", bytes(range(64)), b"\xff" * 64])
def test_base58_gives_back_what_it_was_given(data):
    if data:
        assert multibase.from_base58(multibase.base58(data)) == data


@pytest.mark.parametrize("text", ["", "z", "z0", "zO", "zl", "abc", "z" + "2" * 129])
def test_what_is_no_base58_is_refused(text):
    with pytest.raises(ValueError):
        multibase.from_base58(text)


@pytest.mark.parametrize("text", ["", "z", multibase.base58(b"\xed\x01short"), multibase.base58(bytes(34))])
def test_what_is_no_ed25519_multikey_is_refused(text):
    with pytest.raises(ValueError):
        multibase.from_multikey(text)
