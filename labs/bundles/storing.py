"""Labs between folder and database; importing the same folder again changes nothing."""

import tomllib
from pathlib import Path
from typing import Any

from django.db import models, transaction
from pydantic import ValidationError

from labs.bundles.manifest import CheckText, Manifest, NodeText, PreviewText, StepText, plain
from labs.bundles.reading import COMMON, LANGUAGES, MANIFEST, Bundle
from labs.bundles.writing import manifest_text
from labs.models import Lab, LabCheck, LabStep


@transaction.atomic
def import_lab(bundle: Bundle) -> tuple[Lab, bool]:
    """The lab of ``bundle`` as the database now has it, and whether that changed anything.

    A lab that was withdrawn stays withdrawn.
    """
    manifest = bundle.manifest
    lab, changed = _keep(
        Lab.objects.filter(slug=manifest.slug),
        {"slug": manifest.slug},
        {
            "level": manifest.level,
            "minutes": manifest.minutes,
            "terminals": manifest.terminals,
            "hint_cost": manifest.hint_cost,
            "title_zh": manifest.title.zh,
            "title_en": manifest.title.en,
            "summary_zh": manifest.summary.zh,
            "summary_en": manifest.summary.en,
            "nodes": [plain(node) for node in manifest.nodes],
            "previews": [plain(preview) for preview in manifest.previews],
            "egress": list(manifest.egress),
            "exam_egress": list(manifest.exam_egress),
            "solutions": {f"{step}.{node}": text for (step, node), text in bundle.solutions.items()},
            "check_common": bundle.common,
            "manifest": bundle.text,
        },
    )
    gone, _rows = LabStep.objects.filter(lab=lab).exclude(key__in=[s.id for s in manifest.steps]).delete()
    changed |= bool(gone)
    for place, step in enumerate(manifest.steps):
        changed |= _import_step(lab, place, step, bundle)
    return Lab.objects.get(pk=lab.pk), changed


def _import_step(lab: Lab, place: int, step: StepText, bundle: Bundle) -> bool:
    row, changed = _keep(
        LabStep.objects.filter(lab=lab, key=step.id),
        {"lab": lab, "key": step.id},
        {
            "sort_order": place,
            "title_zh": step.title.zh,
            "title_en": step.title.en,
            "body_zh": bundle.bodies[step.id, "zh"],
            "body_en": bundle.bodies[step.id, "en"],
        },
    )
    gone, _rows = LabCheck.objects.filter(step=row).exclude(key__in=[c.id for c in step.checks]).delete()
    changed |= bool(gone)
    for order, check in enumerate(step.checks):
        _row, new = _keep(
            LabCheck.objects.filter(step=row, key=check.id),
            {"step": row, "key": check.id},
            {
                "sort_order": order,
                "node": check.node,
                "points": check.points,
                "timeout_s": check.timeout_s,
                "hint_cost": check.hint_cost,
                "title_zh": check.title.zh,
                "title_en": check.title.en,
                "clauses": list(check.clauses),
                "reasons": {key: plain(reason) for key, reason in check.reasons.items()},
                "script_name": check.script or "",
                "script": bundle.script_of(check.id),
            },
        )
        changed |= new
    return changed


def _keep(rows: models.QuerySet[Any], key: dict[str, Any], values: dict[str, Any]) -> tuple[Any, bool]:
    """The row of ``key`` with ``values``, and whether it had to be written."""
    row = rows.first()
    if row is None:
        return rows.model.objects.create(**key, **values), True
    different = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in different.items():
        setattr(row, name, value)
    if different:
        row.save()
    return row, bool(different)


def bundle_of(lab: Lab) -> Bundle:
    """The lab as text: as it was imported, or where its words were changed since, in plain form."""
    lab = Lab.objects.complete().get(pk=lab.pk)
    steps = list(lab.steps.all())
    manifest = _manifest_of(lab)
    return Bundle(
        manifest=manifest,
        text=lab.manifest if _says(lab.manifest, manifest) else manifest_text(manifest),
        bodies={
            (step.key, language): _ended(getattr(step, f"body_{language}"))
            for step in steps
            for language in LANGUAGES
        },
        scripts={
            check.key: check.script.removeprefix(lab.check_common)
            for step in steps
            for check in step.checks.all()
        },
        solutions={
            (key.rpartition(".")[0], key.rpartition(".")[2]): text for key, text in lab.solutions.items()
        },
        common=lab.check_common,
    )


def export_lab(lab: Lab, folder: Path) -> list[Path]:
    """The files of the lab under ``folder``/<slug>, written; reading them gives the same lab."""
    bundle = bundle_of(lab)
    files = {
        MANIFEST: bundle.text,
        **{f"steps/{step}.{language}.md": text for (step, language), text in bundle.bodies.items()},
        **({COMMON: bundle.common} if bundle.common else {}),
        **{f"checks/{check.script_name}.sh": bundle.scripts[check.id] for check in bundle.manifest.checks},
        **{f"solve/{step}.{node}.sh": text for (step, node), text in bundle.solutions.items()},
    }
    written = []
    for name, text in files.items():
        path = folder / lab.slug / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        written.append(path)
    return written


def _manifest_of(lab: Lab) -> Manifest:
    return Manifest.model_validate(
        {
            "slug": lab.slug,
            "level": lab.level,
            "minutes": lab.minutes,
            "terminals": lab.terminals,
            "hint_cost": lab.hint_cost,
            "title": {"zh": lab.title_zh, "en": lab.title_en},
            "summary": {"zh": lab.summary_zh, "en": lab.summary_en},
            "nodes": [NodeText.model_validate(node) for node in lab.nodes],
            "previews": [PreviewText.model_validate(preview) for preview in lab.previews],
            "egress": lab.egress,
            "exam_egress": lab.exam_egress,
            "steps": [_step_of(step) for step in lab.steps.all()],
        }
    )


def _step_of(step: LabStep) -> StepText:
    return StepText.model_validate(
        {
            "id": step.key,
            "title": {"zh": step.title_zh, "en": step.title_en},
            "checks": [
                CheckText.model_validate(
                    {
                        "id": check.key,
                        "node": check.node,
                        "points": check.points,
                        "timeout_s": check.timeout_s,
                        "hint_cost": check.hint_cost,
                        "script": check.script_name or None,
                        "clauses": check.clauses,
                        "title": {"zh": check.title_zh, "en": check.title_en},
                        "reasons": check.reasons,
                    }
                )
                for check in step.checks.all()
            ],
        }
    )


def _says(text: str, manifest: Manifest) -> bool:
    """Whether the lab.toml ``text`` still says what ``manifest`` does."""
    try:
        return Manifest.model_validate(tomllib.loads(text)) == manifest
    except (tomllib.TOMLDecodeError, ValidationError):
        return False


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"
