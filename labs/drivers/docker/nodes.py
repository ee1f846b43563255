"""One node on the engine: made, found, looked at, measured, resized, taken away."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from docker.errors import APIError

from labs.drivers.base import (
    NODE_LABEL,
    DriverBusy,
    DriverError,
    NodeGone,
    NodeHealth,
    NodeUsage,
    refuse_too_small,
)
from labs.drivers.docker.containers import MIB, EngineFacts, memory_limits
from labs.drivers.docker.engine import api, engine_errors, is_conflict, is_missing
from labs.drivers.docker.names import TMPFS_LABEL, filters

REMOVAL_WAIT_S = 20.0
PAUSE_S = 0.02


def containers_of(installation: str, ref: str = "") -> list[dict[str, Any]]:
    with engine_errors():
        return list(api().containers(all=True, filters=filters(installation, ref)))


def node_of(container: Mapping[str, Any]) -> str:
    return str((container.get("Labels") or {}).get(NODE_LABEL, ""))


def inspect(name: str) -> dict[str, Any] | None:
    """What the engine knows of the container, or None."""
    with engine_errors():
        try:
            return dict(api().inspect_container(name))
        except APIError as error:
            if is_missing(error):
                return None
            raise


def start(name: str, config: Mapping[str, Any]) -> None:
    """A new container of that name runs. Raises DriverBusy while another of the name is being removed."""
    with engine_errors():
        try:
            created = api().create_container_from_config(config, name)
            api().start(created["Id"])
        except APIError as error:
            if is_missing(error) and "image" in str(error.explanation).lower():
                raise DriverError(
                    f"The image {config['Image']} is not built: python manage.py build_images"
                ) from error
            if "already in use" in str(error.explanation).lower():
                raise DriverBusy(str(error.explanation)) from error
            raise


def remove(name: str) -> None:
    """The engine has no such container any more. Raises DriverBusy when it does not get it done."""
    deadline = time.monotonic() + REMOVAL_WAIT_S
    while True:
        with engine_errors():
            try:
                api().remove_container(name, force=True, v=True)
            except APIError as error:
                if is_missing(error):
                    return
                if not is_conflict(error):
                    raise
            else:
                return
        if inspect(name) is None:
            return
        if time.monotonic() > deadline:
            raise DriverBusy(f"The engine is still removing {name}.")
        time.sleep(PAUSE_S)


def health(container: Mapping[str, Any]) -> NodeHealth:
    state = str(container.get("State", ""))
    if state in {"running", "paused"}:
        return NodeHealth(True, "" if state == "running" else state)
    return NodeHealth(False, str(container.get("Status") or state).lower())


def set_suspended(name: str, suspended: bool) -> None:
    """The container is paused, or goes on. Raises NodeGone when it does not run."""
    with engine_errors():
        try:
            if suspended:
                api().pause(name)
            else:
                api().unpause(name)
        except APIError as error:
            explanation = str(error.explanation).lower()
            if "already paused" in explanation or (not suspended and "is not paused" in explanation):
                return
            if is_missing(error) or "not running" in explanation:
                raise NodeGone(f"{name} is not running.") from error
            raise


def resize(name: str, *, cpus: float, memory_mib: int, facts: EngineFacts) -> None:
    """The running container has the new limits. Raises NodeGone, or MemoryInUse when it uses too much already."""
    known = inspect(name)
    if known is None or not known["State"]["Running"]:
        raise NodeGone(f"{name} is not running.")
    tmpfs = int(known["Config"]["Labels"].get(TMPFS_LABEL, "0"))
    now_mib = int(known["HostConfig"]["Memory"]) // MIB
    if memory_mib + tmpfs < now_mib:
        # The kernel of cgroup v2 would kill what does not fit, that of v1 refuse without figures.
        used = usage(name)
        refuse_too_small(used.memory_bytes if used else 0, memory_mib + tmpfs, now_mib)
    limits: dict[str, int] = memory_limits(memory_mib, tmpfs, facts)
    if facts.cpu_quota:
        limits["NanoCpus"] = round(cpus * 1_000_000_000)
    client = api()
    with engine_errors():
        # The SDK's own update call does not know NanoCpus, and the engine refuses a quota beside it.
        answer = client.post(
            f"{client.base_url}/v{client.api_version}/containers/{known['Id']}/update",
            json=limits,
            timeout=client.timeout,
        )
    if answer.status_code == 404:
        raise NodeGone(f"{name} is not there.")
    if not answer.ok:
        with suppress(ValueError, KeyError):
            raise DriverError(str(answer.json()["message"]))
        raise DriverError(f"The engine answered {answer.status_code} to a new size.")


def usage(container_id: str) -> NodeUsage | None:
    """What the container used so far and holds now; None when it does not run.

    Containers are never started a second time, so the id names the counter.
    """
    with engine_errors():
        try:
            found = api().stats(container_id, stream=False, one_shot=True)
        except APIError as error:
            if is_missing(error) or is_conflict(error):
                return None
            raise
    return read_usage(found, epoch=container_id)


def read_usage(stats: Mapping[str, Any], epoch: str = "") -> NodeUsage | None:
    """The engine's figures, of cgroup v1 or v2, as ours; None for a container that does not run."""
    cpu = stats.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage")
    memory = stats.get("memory_stats", {})
    if not cpu or "usage" not in memory:
        return None
    details = memory.get("stats", {})
    reclaimable = details.get("total_inactive_file", details.get("inactive_file", 0))
    return NodeUsage(
        cpu_ns=int(cpu),
        memory_bytes=max(0, int(memory["usage"]) - int(reclaimable)),
        pids=int(stats.get("pids_stats", {}).get("current") or 0),
        epoch=epoch,
    )
