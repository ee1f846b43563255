"""docs/seccomp.md: the profile for people, made from the profile itself; a test holds the two together. Pure."""

from labs.drivers.docker.seccomp import ARCHITECTURES, PROFILE, Equal, Rule

HEAD = """# The system calls a learner's program may make

Made by `python manage.py seccomp_profile --document > docs/seccomp.md`; do not edit by hand. The profile itself, as an
engine takes it, is printed by `python manage.py seccomp_profile`; its source is `labs/drivers/docker/seccomp.py`.

Whatever is not named here is refused with EPERM. Only native calls pass ({architectures}).
"""
ERRORS = {1: "EPERM", 38: "ENOSYS"}


def document() -> str:
    """The page, rule by rule: what, under which conditions, and why."""
    parts = [HEAD.format(architectures=", ".join(name.removeprefix("SCMP_ARCH_") for name in ARCHITECTURES))]
    for title, rules in (
        ("Allowed", [rule for rule in PROFILE.rules if rule.errno is None and not rule.when]),
        ("Allowed with these arguments only", [rule for rule in PROFILE.rules if rule.when]),
        ("Refused by name", [rule for rule in PROFILE.rules if rule.errno is not None]),
    ):
        parts += [f"## {title}\n", "| why | calls | when |\n|---|---|---|"]
        parts.append("\n".join(_row(rule) for rule in rules) + "\n")
    return "\n".join(parts)


def _row(rule: Rule) -> str:
    calls = " ".join(f"`{name}`" for name in rule.names)
    told = " and ".join(_condition(condition) for condition in rule.when)
    if rule.errno is not None:
        told = f"never: {ERRORS[rule.errno]}"
    return f"| {rule.reason} | {calls} | {told or 'always'} |"


def _condition(condition: Equal) -> str:
    bits = f" of the bits {condition.mask:#x}" if condition.mask else ""
    return f"argument {condition.index + 1}{bits} is {condition.value:#x}"
