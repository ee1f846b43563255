"""The way out: what a list means, which addresses are public, what the database keeps, who sees it."""

import asyncio
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from community.api import Role
from community.roles import assign, ensure_roles
from labs import allowlist, sessions, tasks
from labs.allowlist import BadEntry, Entry, Found
from labs.bundles import BundleError, bundle_of, import_lab, read
from labs.bundles.writing import manifest_text
from labs.drivers.fake import FakeDriver
from labs.egress import ledger
from labs.egress.addresses import is_public, resolve
from labs.egress.outlet import Leave, Outlet
from labs.egress.outlet import Place as Outward
from labs.egress.proxy import Entered, World
from labs.lifecycle import StartKind, State
from labs.models import EgressRequest, ImageSet, LabSession, Mode, Place, Sandbox, TaughtClass
from labs.models.egress import Verdict
from labs.models.pool import key_of, machines_of
from tests.drivers.conftest import spec_of
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory

LISTED = ["listed.example.org", "*.example.net:8443"]


@pytest.mark.parametrize(
    ("host", "port", "found"),
    [
        ("listed.example.org", 80, Found.LISTED),
        ("Listed.Example.ORG.", 443, Found.LISTED),
        ("listed.example.org", 22, Found.OTHER_PORT),
        ("deep.below.example.net", 8443, Found.LISTED),
        ("below.example.net", 443, Found.OTHER_PORT),
        ("example.net", 8443, Found.NOT_LISTED),
        ("evilexample.net", 8443, Found.NOT_LISTED),
        ("listed.example.org.evil.example", 443, Found.NOT_LISTED),
        ("93.184.216.34", 80, Found.NOT_LISTED),
    ],
)
def test_a_list_names_hosts_and_their_ports(host: str, port: int, found: Found):
    assert allowlist.find(allowlist.parse(LISTED), host, port) is found


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "example", "http://example.org", "example.org/path", "*.*.org", "a.*.org", "Example.org"),
        *("10.0.0.1", "169.254.169.254:80", "[::1]:80", "localhost", "printer.local", "db.internal", "x.lan"),
        *("example.org:0", "example.org:70000", "-a.example.org", "user@example.org", "example.org."),
    ],
)
def test_addresses_and_private_names_are_no_entries(text: str):
    with pytest.raises(BadEntry):
        Entry.parse(text)


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "240.0.0.53", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:8.8.8.8", "::ffff:10.0.0.1", "::8.8.8.8"),
        *("64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
        *("fe80::1%eth0", "example.org", ""),
    ],
)
def test_what_is_not_of_the_public_network_is_not_public(address: str):
    assert not is_public(address)


def test_public_addresses_are_public_but_for_this_hosts_own(monkeypatch: pytest.MonkeyPatch):
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")

    class Probe(socket.socket):
        def connect(self, address: Any) -> None: ...

        def getsockname(self) -> Any:
            return ("93.184.216.34", 1)

    monkeypatch.setattr("labs.egress.addresses.socket.socket", Probe)
    assert not is_public("93.184.216.34")


async def test_this_hosts_resolver_is_asked_for_names():
    assert "127.0.0.1" in await resolve("localhost", 80)


def bundle(tmp_path: Path, egress: str, exam_egress: str = "[]") -> Path:
    """The folder of the smallest lab with these lists."""
    folder = tmp_path / "small"
    for name, text in {
        "lab.toml": f"""slug = "small"
level = "beginner"
minutes = 10
egress = {egress}
exam_egress = {exam_egress}

[title]
zh = "小"
en = "Small"

[summary]
zh = "小"
en = "Small"

[[nodes]]
name = "box"
image = "base"

[[steps]]
id = "first"

[steps.title]
zh = "一"
en = "One"

[[steps.checks]]
id = "is-so"
node = "box"

[steps.checks.title]
zh = "是"
en = "It is so"

[steps.checks.reasons.otherwise]
reason.zh = "不"
reason.en = "It is not"
""",
        "steps/first.zh.md": "做。\n",
        "steps/first.en.md": "Do.\n",
        "checks/is-so.sh": "exit 0\n",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_bad_entry_of_a_bundle_is_named_with_its_line(tmp_path: Path):
    with pytest.raises(BundleError) as refused:
        read(bundle(tmp_path, '["example.org", "10.0.0.1"]'))
    (fault,) = refused.value.faults
    assert fault.endswith("lab.toml:4: '10.0.0.1' is an address; name the host")


@pytest.mark.django_db
def test_a_list_comes_with_the_bundle_and_goes_back_into_it(tmp_path: Path):
    made, _changed = import_lab(read(bundle(tmp_path, '["example.org", "*.example.net:8443"]')))
    assert made.egress == ["example.org", "*.example.net:8443"]
    assert 'egress = ["example.org", "*.example.net:8443"]' in manifest_text(bundle_of(made).manifest)


def test_so_is_one_of_its_exams_list(tmp_path: Path):
    with pytest.raises(BundleError) as refused:
        read(bundle(tmp_path, '["example.org"]', '["example.org", "example.org"]'))
    (fault,) = refused.value.faults
    assert fault.endswith("lab.toml:5: host 'example.org' is there twice")


@pytest.mark.django_db
def test_an_exams_list_is_another_one_than_the_practices(tmp_path: Path):
    made, _changed = import_lab(read(bundle(tmp_path, '["example.org"]', '["exam.example.org"]')))
    assert (made.egress, made.exam_egress) == (["example.org"], ["exam.example.org"])
    assert 'exam_egress = ["exam.example.org"]' in manifest_text(bundle_of(made).manifest)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lists", "kind", "hosts"),
    [
        ({"egress": LISTED}, StartKind.EXAM, []),
        ({"egress": LISTED}, StartKind.PRACTICE, LISTED),
        ({"egress": LISTED, "exam_egress": LISTED[:1]}, StartKind.EXAM, LISTED[:1]),
        ({"exam_egress": LISTED}, StartKind.EXAM, LISTED),
        ({"exam_egress": LISTED}, StartKind.PRACTICE, []),
    ],
)
def test_an_exam_has_only_the_way_out_that_is_declared_for_exams(
    engine: FakeDriver,
    committed: Callable[..., Any],
    lists: dict[str, Any],
    kind: StartKind,
    hosts: list[str],
):
    session = committed(sessions.start_lab, LearnerFactory(), LabFactory(**lists), kind)
    (node,) = engine.sandboxes[session.sandbox.ref].spec.nodes
    assert node.egress is bool(hosts)
    assert [leave.entries for leave in ledger.leaves().values()] == (
        [allowlist.parse(hosts)] if hosts else []
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("exam_egress", "claimed"), [([], False), (["example.org"], True)])
def test_an_exam_takes_no_sandbox_with_a_way_out_from_the_pool_unless_it_has_one(
    engine: FakeDriver, committed: Callable[..., Any], settings: Any, exam_egress: list[str], claimed: bool
):
    settings.SANDBOX_POOL_PERCENT = 50
    lab = LabFactory(egress=LISTED, exam_egress=exam_egress)
    image_set = ImageSet.objects.for_lab(lab)
    ImageSet.objects.update(minimum=1, reserve=0)
    committed(tasks.refill)
    (waiting,) = Sandbox.objects.pooled()
    assert waiting.image_set == image_set
    session = committed(sessions.start_lab, LearnerFactory(), lab, StartKind.EXAM)
    assert (session.sandbox == waiting) is claimed
    assert {node.egress for node in session.sandbox.nodes.all()} == {claimed}


@pytest.mark.django_db
def test_an_exam_without_a_list_has_no_panel_and_its_page_says_that_nothing_is_reached():
    session = SessionFactory(lab=LabFactory(egress=LISTED), mode=Mode.EXAM)
    browser = Client()
    browser.force_login(session.learner, "django.contrib.auth.backends.ModelBackend")
    assert b"work-tab-network" not in browser.get(reverse("labs:lab", args=[session.lab.slug])).content
    assert LISTED[0].encode() not in browser.get(reverse("labs:network", args=[session.pk])).content


@pytest.mark.django_db
def test_only_the_machines_of_a_lab_with_a_list_have_a_way_out(
    engine: FakeDriver, committed: Callable[..., Any]
):
    lab, closed = LabFactory(egress=LISTED), LabFactory()
    assert key_of(machines_of(lab)) != key_of(machines_of(closed))
    assert all("egress" not in machine for machine in machines_of(closed))
    for one in (lab, closed):
        session = committed(sessions.start_lab, LearnerFactory(), one)
        tasks.provision(session.sandbox.pk)
        spec = engine.sandboxes[session.sandbox.ref].spec
        assert {node.egress for node in spec.nodes} == {one is lab}


@pytest.mark.django_db
def test_a_door_is_open_while_a_session_runs_and_no_longer():
    open_one = SessionFactory(lab=LabFactory(egress=LISTED))
    SessionFactory(lab=LabFactory())
    SessionFactory(lab=LabFactory(egress=LISTED), state=State.STOPPING)
    asked(open_one, bytes_up=3, bytes_down=4)
    ((place, leave),) = ledger.leaves().items()
    assert place == Outward(str(open_one.pk), open_one.sandbox.ref, "box")
    assert leave.entries == allowlist.parse(LISTED)
    assert leave.left_bytes == 1024 * 1024 * 1024 - 7


def asked(session: LabSession, **changes: Any) -> EgressRequest:
    return EgressRequest.objects.create(
        session=session,
        **{"node": "box", "host": "listed.example.org", "port": 443, "verdict": Verdict.ALLOWED, **changes},
    )


@pytest.mark.django_db
def test_a_request_is_written_when_it_begins_and_again_when_it_is_over():
    session = SessionFactory()
    begun = Entered(str(session.pk), "box", Verdict.ALLOWED, "GET", "listed.example.org", 80)
    ledger.write([begun])
    assert EgressRequest.objects.get().duration_ms is None
    over = Entered(
        str(session.pk), "box", Verdict.ALLOWED, "GET", "listed.example.org", 80,
        bytes_up=1, bytes_down=2, duration_ms=3, id=begun.id, at=begun.at,
    )  # fmt: skip
    nobodys = Entered("00000000-0000-0000-0000-000000000007", "box", Verdict.ALLOWED)
    ledger.write([over, nobodys])
    row = EgressRequest.objects.get()
    assert (row.bytes_up, row.bytes_down, row.duration_ms) == (1, 2, 3)


@pytest.mark.django_db
def test_old_requests_are_forgotten_and_abandoned_ones_are_over(settings: Any):
    session = SessionFactory()
    settings.LABS_EGRESS_DAYS = 2
    asked(session, at=timezone.now() - timedelta(days=3))
    kept = asked(session)
    tasks.forget_egress()
    assert list(EgressRequest.objects.all()) == [kept]
    ledger.end_left()
    kept.refresh_from_db()
    assert (kept.verdict, kept.duration_ms) == (Verdict.BROKEN_OFF, 0)


@pytest.mark.django_db(transaction=True)
async def test_what_a_program_asks_is_led_out_and_in_the_database(engine: FakeDriver):
    """On the fake engine, whose node's door is a port of this machine."""
    session = await sync_to_async(SessionFactory)(lab=await sync_to_async(LabFactory)(egress=LISTED))
    sandbox = await Sandbox.objects.prefetch_related("nodes").aget(session=session)
    engine.create(await sync_to_async(sandbox.spec)())
    book = ledger.DatabaseLedger()

    async def nowhere(host: str, port: int) -> list[str]:
        return ["192.168.0.1"]

    outlet = Outlet(engine, book, world=World(resolve=nowhere))
    outlet.follow({Outward(str(session.pk), sandbox.ref, "box"): Leave(allowlist.parse(LISTED), 1000)})
    machine = engine.sandboxes[sandbox.ref].nodes["box"]
    engine.open_egress(sandbox.ref, "box").close()
    assert machine.door is not None
    async with asyncio.timeout(20):
        for host in ("listed.example.org", "other.example.org"):
            reader, writer = await asyncio.open_connection(*machine.door.getsockname())
            writer.write(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 403")
            writer.close()
            await writer.wait_closed()
    await outlet.close()
    await book.close()
    told = [(row.host, row.verdict) async for row in EgressRequest.objects.order_by("at")]
    assert told == [
        ("listed.example.org", Verdict.PRIVATE),
        ("other.example.org", Verdict.NOT_LISTED),
    ]


async def test_a_node_that_ends_is_waited_for(engine: FakeDriver):
    spec = spec_of(egress=True)
    engine.create(spec)
    way = engine.open_egress(spec.ref, "node")
    engine.lose(spec.ref, "node")
    async with asyncio.timeout(20):
        assert await asyncio.get_running_loop().sock_recv(way.life, 1) == b""
    way.close()


@pytest.fixture
def session(db: None) -> LabSession:
    return SessionFactory(lab=LabFactory(egress=LISTED))


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def who(role: Role) -> Any:
    ensure_roles()
    person = LearnerFactory()
    assign(person, role)
    return person


def test_its_learner_who_teaches_them_and_operators_see_the_network_and_nobody_else(session: LabSession):
    instructor, stranger, operator = who(Role.INSTRUCTOR), who(Role.INSTRUCTOR), who(Role.OPERATOR)
    taught = TaughtClass.objects.create(name="Evening class")
    taught.places.create(person=instructor, role=Place.TEACHES)
    taught.places.create(person=session.learner, role=Place.LEARNS)
    asked(session, host="seen.example.net")
    page, api = reverse("labs:network", args=[session.pk]), f"/api/v1/lab-sessions/{session.pk}/network"
    for person in (session.learner, instructor, operator):
        assert "seen.example.net" in signed_in(person).get(page).content.decode()
        assert signed_in(person).get(api).json()["requests"][0]["host"] == "seen.example.net"
    for person in (stranger, LearnerFactory()):
        assert signed_in(person).get(page).status_code == 404
        assert signed_in(person).get(api).status_code == 404


def test_requests_are_searched_and_the_refused_told_apart(session: LabSession):
    asked(session, host="one.example.net")
    asked(session, host="two.example.net", verdict=Verdict.NOT_LISTED)
    client = signed_in(session.learner)
    api = f"/api/v1/lab-sessions/{session.pk}/network"
    found = client.get(api, {"lang": "en"}).json()
    assert found["hosts"] == LISTED
    assert [(one["host"], one["refused"]) for one in found["requests"]] == [
        ("two.example.net", True),
        ("one.example.net", False),
    ]
    assert found["requests"][0]["words"] == "not on the lab's list"
    assert [one["host"] for one in client.get(api, {"q": "one"}).json()["requests"]] == ["one.example.net"]
    refused = client.get(api, {"refused": "true"}).json()
    assert [one["host"] for one in refused["requests"]] == ["two.example.net"]


def test_the_page_lists_requests_in_a_bounded_number_of_queries(
    session: LabSession, django_assert_max_num_queries: Any
):
    for number in range(30):
        asked(session, host=f"h{number}.example.net")
    client = signed_in(session.learner)
    with django_assert_max_num_queries(16):
        assert client.get(reverse("labs:network", args=[session.pk])).status_code == 200


def test_the_page_of_a_lab_says_what_its_machines_may_reach(session: LabSession):
    page = Client().get(reverse("labs:lab", args=[session.lab.slug])).content.decode()
    assert "<code>*.example.net:8443</code>" in page


def test_only_a_lab_with_a_list_has_the_panel(session: LabSession):
    page = signed_in(session.learner).get(reverse("labs:session", args=[session.pk])).content.decode()
    assert 'id="work-network"' in page
    assert "*.example.net:8443" in page
    other = SessionFactory()
    page = signed_in(other.learner).get(reverse("labs:session", args=[other.pk])).content.decode()
    assert 'id="work-network"' not in page
