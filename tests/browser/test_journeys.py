"""The product in a few sentences, each walking a whole way in real Chromium on the real engine.

One trainee's way is one test: what an employer then checks is the very certificate that this trainee earned.
"""

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenContext, axe_violations, complaints_of, sideways_overflow
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.docker, pytest.mark.browser]

SOLVE = Path(__file__).resolve().parents[2] / "sandbox_images" / "labs" / "load-balancing" / "solve"
COURSE = "/zh-hans/courses/load-balancing-in-practice/"
PRINTED_NAME = "欧阳思远"
SLOW_MS = 60_000


@dataclass
class Earned:
    """What the trainee took home."""

    pdf: Path
    document: str
    link: str
    page: str


class Trainee:
    """A person at a browser; every act is one that a person does with keyboard and mouse."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self.stack = stack
        self.complaints = complaints_of(page)

    def look_around(self) -> None:
        """The page that is open has no violation of WCAG 2.2 AA and scrolls in one direction only."""
        assert axe_violations(self.page) == []
        assert sideways_overflow(self.page) == 0

    def sign_up(self, username: str) -> None:
        page = self.page
        page.goto(f"{self.stack.url}/zh-hans/")
        self.look_around()
        page.goto(f"{self.stack.url}/zh-hans/accounts/signup/")
        self.look_around()
        page.fill("[name=printed_name]", PRINTED_NAME)
        page.fill("[name=username]", username)
        page.fill("[name=email]", f"{username}@example.org")
        page.fill("[name=password1]", "a-long-walk-in-the-hills")
        page.fill("[name=password2]", "a-long-walk-in-the-hills")
        page.locator("main form button[type=submit]").click()
        expect(page).not_to_have_url(f"{self.stack.url}/zh-hans/accounts/signup/")

    def enrol(self) -> None:
        page = self.page
        page.goto(self.stack.url + COURSE)
        page.get_by_role("button", name="报名").click()
        expect(page.get_by_role("progressbar").or_(page.locator("progress")).first).to_be_visible()
        self.look_around()

    def read_lessons(self) -> None:
        """Every lesson is opened; those without a lab are marked as done."""
        page = self.page
        page.goto(self.stack.url + COURSE)
        addresses = page.locator(".outline a").evaluate_all("links => links.map(link => link.href)")
        assert addresses
        for address in addresses:
            page.goto(address)
            done = page.locator('form[action*="done"] button, #done form .button')
            if done.count() and not page.locator(".lab-card").count():
                done.first.click()
                page.wait_for_load_state()

    def open_the_lab(self) -> None:
        page = self.page
        page.goto(f"{self.stack.url}/zh-hans/labs/load-balancing/")
        self.look_around()
        page.locator('form[action$="/start/"] button').click()
        expect(page.locator("#lab-terminals")).to_be_visible(timeout=SLOW_MS)

    def tab(self, node: str) -> Locator:
        return self.page.get_by_role("tab", name=node).first

    def type_on(self, node: str, line: str) -> None:
        """The line is typed into the node's terminal and ended with Enter."""
        self.tab(node).click()
        self.page.evaluate("node => window.yunlian.terminal(node).focus()", node)
        self.page.keyboard.insert_text(line)
        self.page.keyboard.press("Enter")

    def sees_on(self, node: str, words: str) -> None:
        self.page.wait_for_function(
            "([node, words]) => window.yunlian.terminal(node)?.lines().join('\\n').includes(words)",
            arg=[node, words],
            timeout=SLOW_MS,
        )

    def run_on(self, node: str, script: Path) -> None:
        """What the lab's model answer does on ``node``, typed as one line."""
        packed = base64.b64encode(script.read_bytes()).decode()
        said = f"solved-{script.stem}"
        self.type_on(node, f"clear; echo {packed} | base64 -d | bash; echo solved-$(echo {script.stem})")
        self.sees_on(node, said)

    def check(self, step: str) -> Locator:
        """The step's checks, after the button was pressed and every one answered."""
        part = self.page.locator(f'[data-step="{step}"]')
        if not part.is_visible():
            self.page.locator(f'[data-step-entry="{step}"] a').click()
        part.locator("[data-check-step]").click()
        expect(part).not_to_have_attribute("data-checking", "", timeout=SLOW_MS)
        return part.locator("[data-check]")

    def finish(self) -> None:
        self.page.locator("#lab-finish").click()
        self.page.locator("#dialog-finish button[value=yes]").click()
        expect(self.page.locator(".lab-ending")).to_be_visible(timeout=SLOW_MS)

    def take_certificate(self, folder: Path) -> Earned:
        page = self.page

        def issued() -> bool:
            page.goto(f"{self.stack.url}/zh-hans/certificates/")
            return page.locator("main a[href*='/certificates/']").count() > 0

        self.stack.wait_until(issued, 90, "the certificate in the wallet")
        self.look_around()
        page.locator("main a[href*='/certificates/']").first.click()
        expect(page.locator("main")).to_contain_text(PRINTED_NAME)
        self.look_around()
        pdf = self._download("PDF", folder / "certificate.pdf")
        document = self._download("JSON", folder / "certificate.json").read_text()
        link = page.locator("[data-copy-source]").inner_text().strip()
        return Earned(pdf=pdf, document=document, link=link, page=page.url)

    def _download(self, kind: str, target: Path) -> Path:
        with self.page.expect_download() as coming:
            self.page.get_by_role("link", name=kind).first.click()
        coming.value.save_as(target)
        return target


def test_a_trainee_takes_a_lab_earns_a_certificate_and_an_employer_verifies_it(
    stack: Stack, open_context: OpenContext, tmp_path: Path
) -> None:
    trainee = Trainee(open_context(accept_downloads=True).new_page(), stack)
    trainee.sign_up("siyuan")
    trainee.enrol()
    trainee.read_lessons()
    trainee.open_the_lab()
    trainee.type_on("lb", "echo one-$((40 + 2))")
    trainee.sees_on("lb", "one-42")
    trainee.type_on("web1", "hostname; echo 你好")
    trainee.sees_on("web1", "你好")
    first = trainee.check("backends").first
    expect(first).to_have_attribute("data-state", "failed")
    expect(first.locator('[data-slot="reason"]')).not_to_be_empty()
    expect(first.locator('[data-slot="hint"]')).to_contain_text("提示")
    assert axe_violations(trainee.page) == []
    solve_everything(trainee)
    trainee.finish()
    trainee.look_around()
    earned = trainee.take_certificate(tmp_path)
    assert trainee.complaints == []

    employer = open_context(language="en").new_page()
    verify_the_printed_code(employer, stack, earned, tmp_path)
    verify_the_files(employer, stack, earned, tmp_path)
    revoke(open_context().new_page(), stack, earned)
    employer.goto(earned.link)
    expect(employer.locator(".verdict")).to_have_class("verdict verdict-bad")


def solve_everything(trainee: Trainee) -> None:
    order = [
        ("backends", ["backends.web1", "backends.web2"]),
        ("balance", ["balance.lb"]),
        ("client-address", ["client-address.lb"]),
        ("sessions", ["sessions.lb"]),
        ("failover", ["failover.lb", "failover.web2"]),
    ]
    for step, scripts in order:
        for script in scripts:
            trainee.run_on(script.split(".")[1], SOLVE / f"{script}.sh")
        for check in trainee.check(step).all():
            expect(check).to_have_attribute("data-state", "passed")


def verify_the_printed_code(page: Page, stack: Stack, earned: Earned, folder: Path) -> None:
    """The QR code printed on the PDF leads to the verdict."""
    subprocess.run(
        ["pdftoppm", "-r", "150", "-png", "-singlefile", earned.pdf, folder / "printed"], check=True
    )
    read = subprocess.run(
        ["zbarimg", "--raw", "-q", folder / "printed.png"], check=True, capture_output=True, text=True
    )
    assert read.stdout.strip() == earned.link
    page.goto(read.stdout.strip())
    expect(page.locator(".verdict")).to_have_class("verdict verdict-good")
    expect(page.locator(".verdict")).to_contain_text(PRINTED_NAME)
    assert axe_violations(page) == []
    assert sideways_overflow(page) == 0


def verify_the_files(page: Page, stack: Stack, earned: Earned, folder: Path) -> None:
    """The PDF as handed in is good; the JSON with another name on it is not."""
    page.goto(f"{stack.url}/en/verify/")
    assert axe_violations(page) == []
    page.set_input_files("input[name=file]", earned.pdf)
    page.get_by_role("button", name="Check the certificate").click()
    expect(page.locator(".verdict")).to_have_class("verdict verdict-good")
    tampered = json.loads(earned.document)
    rename(tampered, PRINTED_NAME, "别人")
    page.goto(f"{stack.url}/en/verify/")
    page.fill("[name=asked]", json.dumps(tampered, ensure_ascii=False))
    page.get_by_role("button", name="Check the certificate").click()
    expect(page.locator(".verdict")).to_have_class("verdict verdict-bad")
    expect(page.locator("h1")).to_contain_text("Invalid")


def rename(value: Any, old: str, new: str) -> None:
    """Every string that equals ``old`` inside ``value`` becomes ``new``."""
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if item == old:
            value[key] = new
        elif isinstance(item, dict | list):
            rename(item, old, new)


def revoke(page: Page, stack: Stack, earned: Earned) -> None:
    """The operator finds the certificate by its holder's name and revokes it."""
    page.goto(f"{stack.url}/zh-hans/accounts/login/?next=/zh-hans/certificates/register/")
    page.fill("[name=login]", "operator")
    page.fill("[name=password]", stack.people["operator"])
    page.locator("main form button[type=submit]").click()
    page.goto(f"{stack.url}/zh-hans/certificates/register/?q={PRINTED_NAME}")
    expect(page.locator("main")).to_contain_text(PRINTED_NAME)
    assert axe_violations(page) == []
    page.locator("tbody th a").first.click()
    page.locator("main a[href$='/revoke/']").click()
    page.fill("[name=reason]", "考核期间身份核验有误")
    page.locator("main form button[type=submit]").last.click()
    expect(page.locator("main")).to_contain_text("已撤销")
