"""Verdicts on signed texts: every trap that verifiers are known to fall into, and every change of a text."""

import base64
import copy
import gzip
import json
import random
import string
import time
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from certification import shapes, signing, status_list
from certification.shapes import BADGE, STATUS_LIST, Fault, FormError
from certification.status_list import Purpose
from certification.verification import Answer, Finding, Outcome, Question
from tests.certification.conftest import LIST, NOW, SITE, World

VC = "https://www.w3.org/2018/credentials#"
ONE_WORLD = World()
ONE_TEXT = ONE_WORLD.signed()


def outcome(world, document):
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    return world.verdict(text).outcome


def test_a_credential_as_signed_is_valid_and_every_check_is_told(world):
    verdict = world.verdict(world.signed())
    assert verdict.outcome is Outcome.VALID
    assert [check.question for check in verdict.checks] == list(Question)
    assert {check.answer for check in verdict.checks} == {Answer.PASSED}
    assert verdict.claims.holder == "李雷 Léi Lǐ"


def test_white_space_and_the_order_of_members_do_not_matter(world):
    document = json.loads(world.signed())
    assert outcome(world, json.dumps(document, indent=2, sort_keys=True)) is Outcome.VALID


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-22 * 86400, Outcome.NOT_YET_VALID),
        (0, Outcome.VALID),
        (400 * 86400, Outcome.EXPIRED),
    ],
)
def test_validity_is_told_by_the_clock(world, seconds, expected):
    at = NOW + timedelta(seconds=seconds)
    world.lists = {purpose: world.signed_list(LIST, purpose, set(), at) for purpose in Purpose}
    assert world.verdict(world.signed(), at).outcome is expected


def test_a_revoked_credential_is_revoked_even_when_it_has_expired_as_well(world):
    world.revoked = {5}
    assert world.verdict(world.signed()).outcome is Outcome.REVOKED
    at = NOW + timedelta(days=400)
    world.lists[Purpose.REVOCATION] = world.signed_list(LIST, Purpose.REVOCATION, {5}, at)
    assert world.verdict(world.signed(), at).outcome is Outcome.REVOKED


def test_a_suspended_credential_is_suspended(world):
    world.suspended = {5}
    assert world.verdict(world.signed()).outcome is Outcome.SUSPENDED


def test_another_entry_of_the_list_says_nothing_about_this_one(world):
    world.revoked = {4, 6}
    assert world.verdict(world.signed()).outcome is Outcome.VALID


def unreadable_lists():
    world = ONE_WORLD
    stranger = World()
    good = json.loads(world.signed_list(LIST, Purpose.REVOCATION, set()))
    other_bits = copy.deepcopy(good)
    other_bits["credentialSubject"]["encodedList"] = status_list.encode({5})
    yield "garbage", "not json"
    yield "empty", ""
    yield "signed by a stranger", stranger.signed_list(LIST, Purpose.REVOCATION, set())
    yield "changed", json.dumps(other_bits)
    yield "of another purpose", world.signed_list(LIST, Purpose.SUSPENSION, set())
    yield "old", world.signed_list(LIST, Purpose.REVOCATION, set(), NOW - timedelta(days=2))
    yield "of tomorrow", world.signed_list(LIST, Purpose.REVOCATION, set(), NOW + timedelta(days=2))
    yield "a credential", ONE_TEXT


@pytest.mark.parametrize(("name", "text"), list(unreadable_lists()))
def test_a_status_list_that_cannot_be_relied_on_means_unknown_and_never_valid(name, text):
    world = World(key=ONE_WORLD.key, lists={Purpose.REVOCATION: text})
    verdict = world.verdict(ONE_TEXT)
    assert verdict.outcome is Outcome.UNKNOWN, name
    assert verdict.check_of(Question.STATUS).finding is Finding.LIST_UNREADABLE


def test_a_status_list_that_cannot_be_reached_means_unknown():
    def unreachable(url, purpose):
        raise LookupError(url)

    verdict = verify_with(ONE_WORLD, ONE_TEXT, unreachable)
    assert verdict.outcome is Outcome.UNKNOWN


def verify_with(world, text, reader):
    from certification.verification import verify

    return verify(text, {world.did: world.issuer}, reader, NOW)


def test_a_credential_of_another_issuer_is_unknown_and_says_so(world):
    verdict = ONE_WORLD.verdict(World().signed())
    assert verdict.outcome is Outcome.INVALID
    theirs = json.loads(ONE_TEXT)
    theirs["issuer"]["id"] = "did:web:other.example"
    verdict = ONE_WORLD.verdict(json.dumps(theirs))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.check_of(Question.ISSUER).finding is Finding.OTHER_ISSUER
    assert verdict.claims is None


def test_a_credential_of_another_issuer_in_another_form_is_unknown_too():
    theirs = {
        "@context": ["https://www.w3.org/2018/credentials/v1"],
        "type": ["VerifiableCredential"],
        "issuer": "https://university.example/issuer",
        "issuanceDate": "2020-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:1", "degree": {"name": "BSc"}},
        "proof": {"type": "Ed25519Signature2020"},
    }
    assert outcome(ONE_WORLD, theirs) is Outcome.UNKNOWN


def test_a_signature_by_another_key_under_our_name_is_invalid():
    forger = World()
    text = signing.sign(ONE_WORLD.document(), BADGE, Ed25519PrivateKey.generate(), ONE_WORLD.method, NOW)
    assert ONE_WORLD.verdict(text).check_of(Question.SIGNATURE).finding is Finding.NOT_SIGNED
    text = signing.sign(ONE_WORLD.document(), BADGE, forger.key, forger.method, NOW)
    verdict = ONE_WORLD.verdict(text)
    assert verdict.outcome is Outcome.INVALID
    assert verdict.check_of(Question.SIGNATURE).finding is Finding.FOREIGN_KEY


def test_nothing_that_an_invalid_credential_claims_is_passed_on():
    forged = json.loads(ONE_TEXT)
    forged["credentialSubject"]["identifier"][0]["identityHash"] = "韩梅梅"
    verdict = ONE_WORLD.verdict(json.dumps(forged))
    assert verdict.outcome is Outcome.INVALID
    assert verdict.claims is None


# --- the traps -----------------------------------------------------------------------------------------------------


def rekeyed(term, iri):
    document = json.loads(ONE_TEXT)
    document[iri] = document.pop(term)
    return document


def with_change(change):
    document = json.loads(ONE_TEXT)
    change(document)
    return document


def inline_context(document):
    document["@context"].append({"expires": {"@id": f"{VC}validUntil"}})


def alias(document):
    document["@context"].append({"until": f"{VC}validUntil"})
    document["until"] = document.pop("validUntil")


def list_of_proofs(document):
    document["proof"] = [document["proof"]]


def second_proof(document):
    document["proof"] = [document["proof"], copy.deepcopy(document["proof"])]


def nested_twin(document):
    document["evidence"].append(copy.deepcopy(document["evidence"][0]))


def split_node(document):
    first = document["evidence"][0]
    document["evidence"] = [
        {key: first[key] for key in ("id", "type", "name")},
        {key: first[key] for key in ("id", "type", "genre", "narrative")},
    ]


def merged_ids(document):
    document["evidence"][0]["id"] = document["evidence"][1]["id"]


TRAPS = {
    "validUntil as a full IRI": rekeyed("validUntil", f"{VC}validUntil"),
    "credentialStatus as a full IRI": rekeyed("credentialStatus", f"{VC}credentialStatus"),
    "validUntil as a compact IRI": rekeyed("validUntil", "cred:validUntil"),
    "id as @id": rekeyed("id", "@id"),
    "type as @type": rekeyed("type", "@type"),
    "an inline context": with_change(inline_context),
    "an alias by an inline context": with_change(alias),
    "an unknown context": with_change(lambda d: d["@context"].append("https://evil.example/v1")),
    "contexts in another order": with_change(lambda d: d["@context"].reverse()),
    "a context as a text": with_change(lambda d: d.update({"@context": d["@context"][0]})),
    "an older badge context": with_change(
        lambda d: d["@context"].__setitem__(1, "https://purl.imsglobal.org/spec/ob/v3p0/context.json")
    ),
    "a nested context": with_change(lambda d: d["credentialSubject"].update({"@context": []})),
    "a scoped @graph": with_change(lambda d: d.update({"@graph": []})),
    "a @reverse": with_change(lambda d: d["credentialSubject"].update({"@reverse": {}})),
    "an @included node": with_change(lambda d: d.update({"@included": []})),
    "a language-tagged name": with_change(
        lambda d: d.update({"name": {"@value": d["name"], "@language": "zh"}})
    ),
    "a text with direction": with_change(
        lambda d: d.update({"name": {"@value": d["name"], "@direction": "rtl"}})
    ),
    "a proof in a list": with_change(list_of_proofs),
    "two proofs": with_change(second_proof),
    "no proof": with_change(lambda d: d.pop("proof")),
    "an extra term": with_change(lambda d: d.update({"grade": "A+"})),
    "an extra term in the identity": with_change(
        lambda d: d["credentialSubject"]["identifier"][0].update({"salt": "x"})
    ),
    "an extra term in the proof": with_change(lambda d: d["proof"].update({"nonce": "x"})),
    "another proof purpose": with_change(lambda d: d["proof"].update({"proofPurpose": "authentication"})),
    "another cryptosuite": with_change(lambda d: d["proof"].update({"cryptosuite": "eddsa-jcs-2022"})),
    "another proof type": with_change(lambda d: d["proof"].update({"type": "Ed25519Signature2020"})),
    "validUntil left out": with_change(lambda d: d.pop("validUntil")),
    "status left out": with_change(lambda d: d.pop("credentialStatus")),
    "a list of statuses": with_change(lambda d: d.update({"credentialStatus": [d["credentialStatus"]]})),
    "another status purpose": with_change(
        lambda d: d["credentialStatus"].update({"statusPurpose": "refresh"})
    ),
    "another status entry": with_change(lambda d: d["credentialStatus"].update({"statusListIndex": "6"})),
    "an evidence twice": with_change(nested_twin),
    "a node split in two": with_change(split_node),
    "two nodes with one id": with_change(merged_ids),
    "types in another order": with_change(lambda d: d["type"].reverse()),
    "an extra type": with_change(lambda d: d["type"].append("EndorsementCredential")),
    "null for a text": with_change(lambda d: d.update({"name": None})),
    "a number for a text": with_change(lambda d: d.update({"name": 1})),
    "a list for a text": with_change(lambda d: d.update({"name": [d["name"]]})),
    "a subject in a list": with_change(lambda d: d.update({"credentialSubject": [d["credentialSubject"]]})),
    "a blank node for an id": with_change(lambda d: d.update({"id": "_:b0"})),
    "a relative id": with_change(lambda d: d.update({"id": "abc"})),
    "an id with a space": with_change(lambda d: d.update({"id": f"{SITE}/a b"})),
    "a control character": with_change(lambda d: d.update({"name": "a\u0000b"})),
    "a line break": with_change(lambda d: d.update({"name": "a\nb"})),
    "a direction override": with_change(lambda d: d.update({"name": "a\u202eb"})),
    "half a surrogate pair": ONE_TEXT.replace("李雷", "\\ud83d"),
    "a moment with an offset": with_change(lambda d: d.update({"validUntil": "2027-11-01T08:00:00+08:00"})),
    "a moment that is none": with_change(lambda d: d.update({"validUntil": "2027-13-01T00:00:00Z"})),
    "other digits in a moment": with_change(lambda d: d.update({"validUntil": "２０２7-11-01T00:00:00Z"})),
    "a hashed identity": with_change(
        lambda d: d["credentialSubject"]["identifier"][0].update({"hashed": True})
    ),
    "a text for a truth": with_change(
        lambda d: d["credentialSubject"]["identifier"][0].update({"hashed": "false"})
    ),
    "a duplicate key": ONE_TEXT.replace('{"@context"', '{"name":"x","@context"', 1),
    "a duplicate key below": ONE_TEXT.replace('"hashed":false', '"hashed":false,"hashed":false', 1),
    "a float": ONE_TEXT.replace('"hashed":false', '"hashed":1e-7', 1),
    "a big number": ONE_TEXT.replace('"hashed":false', f'"hashed":{"9" * 5000}', 1),
    "NaN": ONE_TEXT.replace('"hashed":false', '"hashed":NaN', 1),
    "text after the end": ONE_TEXT + "{}",
    "a list around it": f"[{ONE_TEXT}]",
    "an empty text": "",
    "no text at all": "   ",
    "a truncated signature": with_change(
        lambda d: d["proof"].update({"proofValue": d["proof"]["proofValue"][:-1]})
    ),
    "a signature in base64": with_change(
        lambda d: d["proof"].update({"proofValue": "u" + base64.urlsafe_b64encode(bytes(64)).decode()})
    ),
    "an empty signature": with_change(lambda d: d["proof"].update({"proofValue": "z"})),
    "a signature of zeros": with_change(lambda d: d["proof"].update({"proofValue": "z" + "1" * 64})),
    "a signature that is no text": with_change(lambda d: d["proof"].update({"proofValue": ["z"]})),
}


@pytest.mark.parametrize("name", TRAPS)
def test_no_trap_is_accepted(name):
    verdict = ONE_WORLD.verdict(
        TRAPS[name] if isinstance(TRAPS[name], str) else json.dumps(TRAPS[name], ensure_ascii=False)
    )
    assert verdict.outcome is Outcome.INVALID
    assert verdict.claims is None


def test_the_re_key_attack_would_keep_the_signature():
    """The trap is real: for an RDF reader the re-keyed document says the same as the signed one."""
    quads = shapes.statements({k: v for k, v in json.loads(ONE_TEXT).items() if k != "proof"}, BADGE)
    assert any(quad.predicate.value == f"{VC}validUntil" for quad in quads)
    with pytest.raises(FormError) as refused:
        shapes.statements({k: v for k, v in TRAPS["validUntil as a full IRI"].items() if k != "proof"}, BADGE)
    assert refused.value.fault is Fault.UNKNOWN_TERM


def test_a_signed_list_of_our_own_is_no_credential():
    assert outcome(ONE_WORLD, ONE_WORLD.signed_list(LIST, Purpose.REVOCATION, set())) is Outcome.INVALID


ALTERATIONS = string.ascii_letters + string.digits + string.punctuation + "云 \u0301é"


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(ONE_TEXT) - 1), st.sampled_from(ALTERATIONS))
def test_no_single_character_of_a_signed_text_can_be_replaced(place, character):
    if ONE_TEXT[place] == character:
        return
    changed = ONE_TEXT[:place] + character + ONE_TEXT[place + 1 :]
    assert ONE_WORLD.verdict(changed).outcome is not Outcome.VALID


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(ONE_TEXT) - 1))
def test_no_single_character_of_a_signed_text_can_be_left_out(place):
    changed = ONE_TEXT[:place] + ONE_TEXT[place + 1 :]
    assert ONE_WORLD.verdict(changed).outcome is not Outcome.VALID


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300))
def test_any_text_gets_a_verdict_and_none_an_error(text):
    assert ONE_WORLD.verdict(text).outcome in {Outcome.INVALID, Outcome.UNKNOWN}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_member_of_a_signed_document_can_be_moved_renamed_or_dropped(data):
    document = json.loads(ONE_TEXT)
    nodes = list(walk(document))
    node = data.draw(st.sampled_from(nodes))
    name = data.draw(st.sampled_from(sorted(node)))
    value = node.pop(name)
    target = data.draw(st.sampled_from([*nodes, None]))
    if target is not None:
        target[data.draw(st.sampled_from([f"{name}_", f"{VC}{name}", name.upper(), f"@{name}"]))] = value
    assert outcome(ONE_WORLD, document) is not Outcome.VALID


def walk(value):
    if isinstance(value, dict):
        yield value
        for below in value.values():
            yield from walk(below)
    elif isinstance(value, list):
        for below in value:
            yield from walk(below)


# --- hostile cost --------------------------------------------------------------------------------------------------


def hostile_texts():
    deep = "[" * 20_000 + "]" * 20_000
    many_ids = json.loads(ONE_TEXT)
    many_ids["evidence"] = [
        {"id": f"urn:uuid:{n}", "type": ["Evidence"], "genre": "g", "name": "n", "narrative": str(n)}
        for n in range(64)
    ]
    blank_nodes = json.loads(ONE_TEXT)
    blank_nodes["credentialSubject"]["achievement"]["alignment"] = [
        {**blank_nodes["credentialSubject"]["achievement"]["alignment"][0], "targetCode": str(n)}
        for n in range(64)
    ]
    clique = [{"id": f"_:b{a}", "knows": [{"id": f"_:b{b}"} for b in range(10) if b != a]} for a in range(10)]
    yield "deep nesting", deep
    yield "deep objects", '{"a":' * 20_000 + "1" + "}" * 20_000
    yield "many nodes", json.dumps(many_ids)
    yield "many blank nodes", json.dumps(blank_nodes)
    yield "a blank node clique", json.dumps({**json.loads(ONE_TEXT), "evidence": clique})
    yield "a long number", '{"a":' + "9" * 60_000 + "}"
    yield "a long text", json.dumps({**json.loads(ONE_TEXT), "name": "云" * 20_000})
    yield "a megabyte", json.dumps({"name": "x" * 1_000_000})
    yield "many keys", json.dumps({str(n): "" for n in range(6_000)})
    yield "a long signature", ONE_TEXT.replace('"proofValue":"z', '"proofValue":"z' + "2" * 50_000)


@pytest.mark.parametrize(("name", "text"), list(hostile_texts()), ids=lambda value: value[:30])
def test_a_hostile_text_costs_little_and_is_not_accepted(name, text):
    spent = []
    for _ in range(3):
        before = time.process_time()
        assert ONE_WORLD.verdict(text).outcome is not Outcome.VALID
        spent.append(time.process_time() - before)
    assert min(spent) < 0.1, name


def test_a_packed_list_that_unpacks_without_end_is_unreadable_at_little_cost():
    bomb = "u" + base64.urlsafe_b64encode(gzip.compress(bytes(50_000_000))).decode().rstrip("=")
    before = time.process_time()
    with pytest.raises(status_list.UnreadableList):
        status_list.decode(bomb)
    assert time.process_time() - before < 0.5


# --- status lists --------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, status_list.ENTRIES - 1), max_size=200))
def test_a_status_list_says_after_packing_what_it_said_before(chosen):
    bits = status_list.decode(status_list.encode(chosen))
    asked = chosen | {random.Random(1).randrange(status_list.ENTRIES) for _ in range(200)}
    assert all(status_list.is_set(bits, index) is (index in chosen) for index in asked)


def test_the_same_entries_always_give_the_same_text():
    assert status_list.encode([3, 1]) == status_list.encode({1, 3})


@pytest.mark.parametrize("index", [-1, status_list.ENTRIES])
def test_an_entry_outside_the_list_is_refused(index):
    with pytest.raises(ValueError):
        status_list.encode([index])
    with pytest.raises(status_list.UnreadableList):
        status_list.is_set(bytes(status_list.BYTES), index)


@pytest.mark.parametrize(
    "encoded",
    ["", "u", "z123", "u!!!", "uAAAA", status_list.encode([])[:-3], "u云"],
)
def test_a_list_that_does_not_unpack_is_unreadable(encoded):
    with pytest.raises(status_list.UnreadableList):
        status_list.decode(encoded)


def test_a_list_of_another_length_is_unreadable():
    short = "u" + base64.urlsafe_b64encode(gzip.compress(bytes(100))).decode().rstrip("=")
    with pytest.raises(status_list.UnreadableList):
        status_list.decode(short)


def test_only_documents_of_the_form_are_ever_signed(world):
    with pytest.raises(FormError):
        world.signed(world.document(name="a\u202eb"))
    with pytest.raises(FormError):
        signing.sign(world.document(), STATUS_LIST, world.key, world.method, NOW)
