"""What a candidate may answer to each kind of question: read, limited in size and fitted to the question it answers."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from courses.exams.content import (
    ChoiceGap,
    Cloze,
    Code,
    Essay,
    FileUpload,
    LabTask,
    Matching,
    Multiple,
    Numeric,
    Ordering,
    ShortText,
    Single,
    TrueFalse,
)
from courses.exams.shapes import Kind, Name, Question, Shape

Word = Annotated[str, StringConstraints(max_length=2_000)]
Names = Annotated[tuple[Name, ...], Field(max_length=50)]


class AnswerRefused(ValueError):
    """The answer does not fit its question; nothing of it is kept."""


class Chosen(Shape):
    choice: Name


class ChosenMany(Shape):
    choices: Names


class Judged(Shape):
    value: bool


class Measured(Shape):
    value: Annotated[str, StringConstraints(max_length=100)]
    unit: Annotated[str, StringConstraints(max_length=40)] = ""


class Written(Shape):
    text: Word


class Paired(Shape):
    pairs: Annotated[dict[Name, Name], Field(max_length=50)]


class Ordered(Shape):
    order: Names


class Gapped(Shape):
    gaps: Annotated[dict[Name, Word], Field(max_length=50)]


class Composed(Shape):
    text: Annotated[str, StringConstraints(max_length=200_000)]


class StoredFile(Shape):
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Uploaded(Shape):
    files: Annotated[tuple[StoredFile, ...], Field(max_length=10)]


class Programmed(Shape):
    source: Annotated[str, StringConstraints(max_length=100_000)]


class Worked(Shape):
    session: Annotated[int, Field(ge=1)]


SHAPES: dict[Kind, type[Shape]] = {
    Kind.SINGLE: Chosen,
    Kind.MULTIPLE: ChosenMany,
    Kind.TRUE_FALSE: Judged,
    Kind.NUMERIC: Measured,
    Kind.SHORT_TEXT: Written,
    Kind.MATCHING: Paired,
    Kind.ORDERING: Ordered,
    Kind.CLOZE: Gapped,
    Kind.ESSAY: Composed,
    Kind.FILE_UPLOAD: Uploaded,
    Kind.CODE: Programmed,
    Kind.LAB_TASK: Worked,
}


def read_answer(question: Question, raw: object) -> Any:
    """The answer that ``raw`` (as parsed from JSON) gives to ``question``; None and {} say that it is not answered.

    Raises AnswerRefused.
    """
    if raw is None or raw == {}:
        return None
    try:
        answer = SHAPES[question.kind].model_validate(raw)
    except ValueError as error:
        raise AnswerRefused(f"this is no answer to a question of the kind {question.kind}") from error
    problem = _misfit(question, answer)
    if problem:
        raise AnswerRefused(problem)
    return answer


def _misfit(question: Question, answer: Any) -> str:
    """What of ``answer`` is not in ``question``; empty when it fits."""
    match question:
        case Single():
            return _strange({answer.choice}, (option.id for option in question.options))
        case Multiple():
            return _strange(set(answer.choices), (option.id for option in question.options)) or _twice(
                answer.choices
            )
        case Matching():
            return _strange(set(answer.pairs), (part.id for part in question.left)) or _strange(
                set(answer.pairs.values()), (part.id for part in question.right)
            )
        case Ordering():
            return _strange(set(answer.order), (item.id for item in question.items)) or _twice(answer.order)
        case Cloze():
            return _misfit_in_gaps(question, answer.gaps)
        case FileUpload():
            return _misfit_of_files(question, answer)
        case TrueFalse() | Numeric() | ShortText() | Essay() | Code() | LabTask():
            return ""
    raise TypeError(f"{type(question).__name__} is no kind of question")


def _misfit_in_gaps(question: Cloze, gaps: Mapping[str, str]) -> str:
    choices = {gap.id: gap for gap in question.gaps if isinstance(gap, ChoiceGap)}
    for name, given in gaps.items():
        if name in choices and given:
            problem = _strange({given}, (option.id for option in choices[name].options))
            if problem:
                return problem
    return _strange(set(gaps), (gap.id for gap in question.gaps))


def _misfit_of_files(question: FileUpload, answer: Uploaded) -> str:
    if len(answer.files) > question.most_files:
        return f"at most {question.most_files} files are asked for"
    for file in answer.files:
        if file.bytes > question.most_bytes:
            return f"{file.name} is larger than {question.most_bytes} bytes"
        if file.name.rpartition(".")[2].lower() not in question.extensions:
            return f"{file.name} is of no kind that is asked for"
    return ""


def _strange(given: set[str], known: Any) -> str:
    strange = sorted(given - set(known))
    return f"the question has no {strange[0]}" if strange else ""


def _twice(given: tuple[str, ...]) -> str:
    return "" if len(set(given)) == len(given) else "one thing is answered twice"
