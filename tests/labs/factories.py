"""Small worlds of labs: learners, labs with one step and one check, sessions with a sandbox in any state."""

import itertools
from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from community.api import User
from labs.lifecycle import State
from labs.models import Lab, LabCheck, LabSession, LabStep, Node, Sandbox
from labs.models.pool import machines_of

places = itertools.count()


def node(name: str = "box", **changes: Any) -> dict[str, Any]:
    """A node as a lab's ``nodes`` keeps it."""
    return {
        "name": name,
        "image": "base",
        "cpus": 0.5,
        "memory_mib": 64,
        "home_mib": 16,
        "pids": 64,
        "read_only": True,
        "read_only_reason": "",
        "links": [],
        **changes,
    }


def reason(words: str, *hints: str) -> dict[str, Any]:
    return {
        "reason": {"zh": f"{words}（中文）", "en": words},
        "hints": {"zh": [f"{hint}（中文）" for hint in hints], "en": list(hints)},
    }


class LearnerFactory(DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"learner{n}")
    email = factory.LazyAttribute(lambda person: f"{person.username}@example.org")


class LabFactory(DjangoModelFactory):
    class Meta:
        model = Lab
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"lab-{n}")
    minutes = 45
    terminals = 2
    title_zh = "进程"
    title_en = "Processes"
    summary_zh = "看进程"
    summary_en = "Look at processes"
    nodes = factory.LazyFunction(lambda: [node()])

    @factory.post_generation
    def steps(self: Lab, create: bool, extracted: Any, **_kwargs: Any) -> None:
        """One step with one check on the first node, unless ``steps`` says otherwise: {step: {check: node}}."""
        wanted = extracted if extracted is not None else {"first": {"greets": self.nodes[0]["name"]}}
        for order, (key, checks) in enumerate(wanted.items()):
            step = LabStep.objects.create(
                lab=self,
                key=key,
                sort_order=order,
                title_zh="第一步",
                title_en="First",
                body_zh="做吧。\n",
                body_en="Do it.\n",
            )
            for place, (check, where) in enumerate(checks.items()):
                CheckFactory(step=step, key=check, node=where, sort_order=place)


class CheckFactory(DjangoModelFactory):
    class Meta:
        model = LabCheck

    key = "greets"
    node = "box"
    points = 2
    timeout_s = 5
    title_zh = "会问好"
    title_en = "It greets"
    clauses = ["yl-t-001:2026:service-health"]
    reasons = factory.LazyFunction(
        lambda: {
            "silent": reason("It says nothing", "first", "second"),
            "otherwise": reason("Something else"),
        }
    )
    script = factory.LazyAttribute(lambda check: f"echo check {check.key}\nexit 0\n")


class SandboxFactory(DjangoModelFactory):
    class Meta:
        model = Sandbox
        skip_postgeneration_save = True

    state = State.READY
    uid = factory.LazyFunction(lambda: 200_000 + 2 * next(places))
    subnet = factory.LazyFunction(lambda: f"10.213.{next(places) % 250}.0/28")
    millicpus = 500
    memory_mib = 128
    stopped_at = factory.LazyAttribute(lambda box: timezone.now() if box.state == State.STOPPED else None)

    @factory.post_generation
    def nodes(self: Sandbox, create: bool, extracted: Any, **_kwargs: Any) -> None:
        wanted = extracted or (machines_of(self.session.lab) if self.session else [node()])
        Node.objects.bulk_create(Node.wanted(self, wish) for wish in wanted)


class SessionFactory(DjangoModelFactory):
    """An open session whose row of machines is READY; the engine knows nothing of it."""

    class Meta:
        model = LabSession
        skip_postgeneration_save = True

    learner = factory.SubFactory(LearnerFactory)
    lab = factory.SubFactory(LabFactory)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=45))

    @factory.post_generation
    def state(self: LabSession, create: bool, extracted: Any, **_kwargs: Any) -> None:
        SandboxFactory(session=self, state=extracted or State.READY)
